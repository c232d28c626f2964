//! A zone that is too small for its streams: what it does not have any more is not told of, and files keep what they have.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use support::{Server, Small, process, start, wait_for};

use crate::checker::Playlist;
use crate::conf;
use crate::film::Publisher;

/// With this in each picture the zone has room for some eight seconds.
const FILLER: usize = 16_000;

#[track_caller]
fn small_zone(settings: &str) -> Server {
    let server = start!(conf(settings).replace("hls_zone 64m", "hls_zone 4m"));
    wait_for("the workers", || server.workers().len() == 2);
    server
}

pub fn big_stream(server: &Server, name: &str) -> Publisher {
    let mut publisher = Publisher::new(server, name);
    // A unit of filler data.
    let unit: Vec<u8> = [0x0C].into_iter().chain([0xFF; FILLER]).chain([0x80]).collect();
    publisher.add_to_pictures(&unit);
    publisher
}

/// Of the segments of a playlist their files and how long these are; those that are gaps left out.
fn listed(playlist: &Path) -> Option<(Playlist, BTreeMap<String, u64>)> {
    let playlist_text = fs::read_to_string(playlist).ok()?;
    let list = Playlist::read(&playlist_text);
    let directory = playlist.parent().expect("a directory");
    let there = list.segments.iter().filter(|segment| !segment.gap);
    let there = there.map(|segment| {
        let about = fs::metadata(directory.join(&segment.uri));
        let len = about.map_or(0, |about| about.len());
        let unit = if segment.key.is_some() { 16 } else { 188 };
        assert!(len > 0 && len.is_multiple_of(unit), "{}: {len}\n{playlist_text}", segment.uri);
        (segment.uri.clone(), len)
    });
    let there = there.collect();
    Some((list, there))
}

/// Publishes as fast as files are made of it, until so many segments are listed.
fn run(publisher: &mut Publisher, playlist: &Path, count: u64) {
    let mut known = None;
    wait_for("files", || {
        let end = listed(playlist).map(|(list, _)| list.end());
        let is_there =
            listed(playlist).is_some_and(|(list, _)| list.end() >= list.sequence + count);
        if !is_there && (known.is_none() || end > known.flatten()) {
            publisher.run(2000);
            known = Some(end);
        }
        is_there
    });
}

/// A disk that is full for a moment: what was written before is not touched, though the zone has it no more; what could not be
/// written in time is a gap.
#[test]
fn files_stay_what_they_are_when_the_zone_has_them_no_more() {
    let server = small_zone("hls_path small; hls_fragment 1s; hls_type event;");
    let Some(small) = Small::at(server.path("small")) else { return };
    small.grow();
    let playlist = server.path("small/s.m3u8");
    let mut publisher = big_stream(&server, "s");
    run(&mut publisher, &playlist, 20);
    let (before, files) = listed(&playlist).expect("a playlist");
    assert!(files.len() >= 20, "{}", before.text);

    let mut rest = fs::File::create(server.path("small/rest")).expect("a file");
    while rest.write_all(&[1; 65_536]).is_ok() {}
    for _ in 0..15 {
        publisher.run(1000);
    }
    server.wait_for("a line", || server.error_log().contains("files of the stream \"live/s\""));
    rest.set_len(0).expect("room");
    run(&mut publisher, &playlist, before.segments.len() as u64 + 17);
    let (now, after) = listed(&playlist).expect("a playlist");
    assert_eq!(now.sequence, before.sequence);
    assert_eq!(now.segments[..before.segments.len()], before.segments[..], "{}", now.text);
    assert!(files.iter().all(|(name, len)| after.get(name) == Some(len)), "{}", now.text);
    let gaps = now.segments.iter().filter(|segment| segment.gap).count();
    let new = now.segments.len() - before.segments.len();
    assert!((1..new).contains(&gaps), "{gaps} gaps\n{}", now.text);
}

/// All that any worker tells of is there, and all of them tell the same.
fn is_true(server: &Server, name: &str, before: &mut Playlist) {
    wait_for("what is there", || {
        let look = || Playlist::read(&server.get(&format!("/hls/{name}/video.m3u8")).text());
        let now = look();
        assert!(now.sequence >= before.sequence, "{}\n{}", before.text, now.text);
        assert!(now.discontinuities >= before.discontinuities, "{}\n{}", before.text, now.text);
        let there = |uri: &String| server.get(&format!("/hls/{name}/{uri}")).status == 200;
        let are_there = now.segments.iter().all(|segment| there(&segment.uri));
        let is_same = (0..24).all(|_| look().text == now.text);
        *before = now;
        are_there && is_same
    });
}

#[test]
fn what_the_zone_has_no_more_is_told_of_by_nobody() {
    let server = small_zone("hls_fragment 1s; hls_playlist_length 30s;");
    let mut publisher = big_stream(&server, "s");
    let mut known = Playlist::default();
    publisher.run(4000);
    wait_for("a playlist", || server.get("/hls/s/video.m3u8").status == 200);
    let mut counts = Vec::new();
    for _ in 0..10 {
        publisher.run(3000);
        is_true(&server, "s", &mut known);
        counts.push(known.segments.len());
    }
    assert!(known.sequence > 0 && (3..15).contains(&known.segments.len()), "{counts:?}");
    let warnings =
        || server.error_log().matches("\"live/s\" are gone too soon: the hls_zone").count();
    assert_eq!(warnings(), 1, "{}", server.error_log());

    // Another stream takes the room of one that is silent.
    let (silent, count) = (known.clone(), known.segments.len());
    let mut other = big_stream(&server, "t");
    for _ in 0..4 {
        other.run(3000);
    }
    wait_for("room", || server.get("/hls/t/video.m3u8").text().matches("#EXTINF").count() > 2);
    is_true(&server, "s", &mut known);
    assert!(known.segments.len() < count && known.end() == silent.end(), "{}", known.text);
    is_true(&server, "t", &mut Playlist::default());
    // Whoever comes late is told the same.
    assert!(server.command(&["-s", "reload"]).status.success());
    is_true(&server, "s", &mut known);
    assert_eq!(warnings(), 1, "{}", server.error_log());
    publisher.run(6000);
    is_true(&server, "s", &mut known);
}

/// What leaves the zone because nobody needs it any more is no reason to say anything.
#[test]
fn a_zone_that_is_large_enough_is_not_complained_of() {
    let server = crate::up("hls_fragment 1s; hls_playlist_length 3s;");
    let mut publisher = Publisher::new(&server, "s");
    for _ in 0..10 {
        publisher.run(3000);
    }
    publisher.end();
    wait_for("the end", || server.get("/hls/s/video.m3u8").text().contains("#EXT-X-ENDLIST"));
    assert!(!server.error_log().contains("too small"), "{}", server.error_log());
}

/// Workers die, and there is a reload, when the zone has let the beginning go: the playlist of a recording keeps all that it had.
#[test]
fn a_recording_keeps_its_beginning_whoever_goes_on() {
    for more in ["", "hls_nested on; hls_keys on; hls_format fmp4;"] {
        let settings = format!(
            "hls_path files/hls; hls_fragment 1s; hls_type event; publish_grace 20s; {more}"
        );
        let server = small_zone(&settings);
        let name = if more.is_empty() { "files/hls/s.m3u8" } else { "files/hls/s/index.m3u8" };
        let playlist = server.path(name);
        let mut publisher = big_stream(&server, "s");
        run(&mut publisher, &playlist, 20);
        let mut count = 20;
        for turn in 0..3 {
            let (before, files) = listed(&playlist).expect("a playlist");
            if turn == 2 {
                let merge = format!("{settings} merge_write 1ms;");
                let other = conf(&merge).replace("hls_zone 64m", "hls_zone 4m");
                server.set_conf(other);
                assert!(server.command(&["-s", "reload"]).status.success());
            } else {
                for pid in server.workers() {
                    process::kill(&[pid]);
                }
                wait_for("other workers", || server.workers().len() == 2);
                publisher.break_off();
                publisher.come_back(&server, "s");
            }
            count += 12;
            run(&mut publisher, &playlist, count);
            let (now, after) = listed(&playlist).expect("a playlist");
            assert_eq!(now.sequence, before.sequence, "{}", now.text);
            assert_eq!(now.discontinuities, before.discontinuities, "{}", now.text);
            let same = now.segments.iter().zip(&before.segments).all(|(now, old)| now == old);
            assert!(same, "{}\nis followed by\n{}", before.text, now.text);
            assert!(files.iter().all(|(name, len)| after.get(name) == Some(len)), "{}", now.text);
        }
    }
}
