//! `hls_type event` in files: nothing that was listed is taken back, whatever ends meanwhile.

use std::fs;
use std::io::Write;

use support::{Small, wait_for};

use crate::checker::Checker;
use crate::ffmpeg::decoded;
use crate::film::Publisher;
use crate::ts::Stream;
use crate::up;

const EVENT: &str = "hls_type event; hls_fragment 1s; hls_playlist_length 3s; publish_grace 0;";

/// No process knows of the stream any more, after a crash or an orderly end: whoever publishes it again goes on behind what is
/// listed, with a discontinuity, and no name has other bytes than it had, in memory neither.
#[test]
fn a_cold_start_goes_on_with_the_list() {
    for (more, list) in [
        ("", "/files/hls/s.m3u8"),
        ("hls_format fmp4; hls_nested on;", "/files/hls/s/index.m3u8"),
        ("hls_keys on; hls_fragments_per_key 2;", "/files/hls/s.m3u8"),
        ("hls_fragment_naming system; hls_window 1h; hls_window_path window;", "/files/hls/s.m3u8"),
    ] {
        let mut server = up(&format!("{EVENT} hls_path files/hls; {more}"));
        let mut files = Checker::new(list);
        let (mut begun, mut listed, mut shown) = (None, 0, 0);
        for round in 0..3 {
            let mut publisher = Publisher::new(&server, "s");
            publisher.run(4500);
            wait_for("the list", || {
                files.look(&server).is_some_and(|now| {
                    let there = now.segments.iter().filter(|segment| !segment.gap).count();
                    there >= listed + 4 && !now.ended
                })
            });
            let mut memory = Checker::new("/hls/s/video.m3u8");
            wait_for("memory", || memory.look(&server).is_some());
            let now = memory.look(&server).expect("a playlist");
            let first =
                now.end() - now.segments.iter().rev().take_while(|it| !it.gap).count() as u64;
            assert!(more.contains("window") || first >= shown, "{shown} {}", now.text);
            shown = now.end();
            if round > 0 {
                publisher.end();
                wait_for("the end", || files.look(&server).is_some_and(|now| now.ended));
                server.stop();
            } else {
                server.kill_everything();
            }
            let text = fs::read_to_string(server.path(list.trim_start_matches('/'))).expect("it");
            let now = crate::checker::Playlist::read(&text);
            assert_eq!(*begun.get_or_insert(now.sequence), now.sequence, "{text}");
            let gaps = now.segments.iter().filter(|segment| segment.gap).count();
            let breaks = now.segments.iter().filter(|segment| segment.discontinuity).count();
            // Behind an end nobody can have seen more; a window knows itself what was seen.
            let most = if round > 0 && !more.contains("window") { 16 } else { 32 * round };
            assert!(gaps <= most && breaks == round, "{gaps} gaps, {breaks} breaks: {text}");
            listed = now.segments.len() - gaps;
            server.start_again().expect("it starts");
            wait_for("the workers", || server.workers().len() == 2);
            // Until somebody publishes, what was there is there.
            assert_eq!(server.get(list).text(), text);
        }
        // More than two of three publishers have sent: ffmpeg leaves out a few where clocks begin anew.
        let got = decoded(&server.url(list), "0:v");
        assert!(got.len() > 250, "{more}: {}", got.len());
    }
}

/// The disk is full when an event ends: the end is told, and what is missing is written, when there is room. What others have put
/// there stays.
#[test]
fn an_end_that_found_no_room_comes_later() {
    let server = up(&format!("{EVENT} hls_path small;"));
    let Some(small) = Small::at(server.path("small")) else { return };
    let mut publisher = Publisher::new(&server, "s");
    let pictures = publisher.run(2500);
    let list = server.path("small/s.m3u8");
    wait_for("a list", || list.exists());
    let (foreign, mut rest) = (small.0.join("s-17.ts"), 0);
    fs::write(&foreign, "mine").expect("a file");
    let mut filling = fs::File::create(small.0.join("rest")).expect("a file");
    while filling.write_all(&[1; 4096]).is_ok() {
        rest += 4096;
    }
    let pictures = pictures + publisher.run(5000);
    publisher.end();
    server.wait_for("a line", || server.error_log().contains("files of the stream \"live/s\""));
    let text = fs::read_to_string(&list).expect("what was there");
    assert!(!text.contains("ENDLIST"), "{text}");
    small.grow();
    let ended = || fs::read_to_string(&list).is_ok_and(|text| text.contains("#EXT-X-ENDLIST"));
    // It is tried again every ten seconds.
    wait_for("the end", ended);
    let text = fs::read_to_string(&list).expect("a list");
    let mut stream = Stream::default();
    for name in text.lines().filter(|line| !line.starts_with('#')) {
        stream.segment(&fs::read(small.0.join(name)).expect("a segment"));
    }
    assert_eq!(stream.pictures.len(), pictures, "{text}");
    assert!(!text.contains("EXT-X-GAP"), "{text}");
    assert_eq!(fs::read(&foreign).expect("a file"), b"mine");
    assert!(fs::metadata(small.0.join("rest")).expect("a file").len() >= rest);
    let names = fs::read_dir(&small.0).expect("a directory").flatten();
    let new = names.filter(|entry| entry.file_name().to_string_lossy().ends_with(".rserve"));
    assert_eq!(new.count(), 0);
}
