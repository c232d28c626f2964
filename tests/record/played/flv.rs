//! FLV is played as fragmented MP4 is: its frames, each once, from any byte on, while it grows, and whatever is in it.

use support::{Server, process, wait_for};

use super::spans::{THEN, durations, frames, movie, source, times};
use super::{FLV, list, move_to, record};
use crate::client::Client;
use crate::film::Publisher;
use crate::frames::{aac, aac_header, avc_header, inter, key};
use crate::recorded::path;
use crate::up;

fn playlist(server: &Server) -> String {
    server.get("/dvr/s/index.m3u8").text()
}

#[track_caller]
fn wait_for_the_end(server: &Server) {
    wait_for("an end", || playlist(server).contains("#EXT-X-ENDLIST"));
}

#[test]
fn it_is_played_as_it_was_published() {
    let server = up(FLV);
    let file = record(&server, 9000);
    wait_for_the_end(&server);
    let text = playlist(&server);
    assert!(text.contains(&format!("#EXT-X-MAP:URI=\"{file}.mp4?fmp4\",BYTERANGE=\"")), "{text}");
    assert_eq!(durations(&text)[..2], [4.0, 4.0], "{text}");
    let whole = movie(&server, "");
    for url in [server.url("/dvr/s/index.m3u8"), whole.to_string_lossy().into_owned()] {
        for track in ["0:v", "0:a"] {
            let (got, wanted) = (frames(&url, track), source(&server, 9000, track));
            assert!(got == wanted, "{url} {track}: {} of {}", got.len(), wanted.len());
        }
    }
    for track in ["v", "a"] {
        let times = times(&whole, track);
        let steps = times.windows(2).map(|two| two[1] - two[0]);
        assert!(steps.into_iter().all(|step| (0.015..0.05).contains(&step)), "{times:?}");
    }
}

/// A part of it, and of the file as fragments, is what stands there in the whole.
#[test]
fn it_is_the_same_from_any_byte_on() {
    let server = up(FLV);
    let file = record(&server, 9000);
    wait_for_the_end(&server);
    for target in ["/dvr/s/video.mp4".to_owned(), format!("/dvr/s/{file}.mp4?fmp4")] {
        let whole = server.get(&target);
        let etag = whole.header("ETag").expect("a tag").to_owned();
        let len = whole.body.len();
        for start in (0..len).step_by(len / 30 + 1).chain([1, 2000, len - 1]) {
            let range = format!("Range: bytes={start}-{}", start + 70_000);
            let part = server.curl(&["-H", &range, "-H", &format!("If-Range: {etag}")], &target);
            let end = len.min(start + 70_001);
            let told = format!("bytes {start}-{}/{len}", end - 1);
            assert_eq!((part.status, part.header("Content-Range")), (206, Some(&*told)));
            assert!(part.body == whole.body[start..end], "{target} from {start}");
        }
        assert_eq!(server.curl(&["-H", "Range: bytes=99999999-"], &target).status, 416);
    }
    // The file itself is what it was, and of another form there are no fragments of this kind.
    assert!(server.get(&format!("/dvr/s/{file}")).body.starts_with(b"FLV"));
    assert_eq!(server.get("/dvr/s/none.flv.mp4?fmp4").status, 404);
}

/// Spans, a gap, and a file of each form: one movie.
#[test]
fn files_of_both_forms_follow_each_other() {
    let server = up(FLV);
    let now = || std::time::UNIX_EPOCH.elapsed().expect("a clock").as_secs();
    let first = record(&server, 5000);
    let second = now();
    wait_for("another second", || now() > second);
    server.set_conf(crate::conf("record all; record_format fmp4; record_suffix -%s.mp4;"));
    assert!(server.command(&["-s", "reload"]).status.success());
    let next = record(&server, 8000);
    move_to(&server, &first, THEN);
    move_to(&server, &next, THEN + 60_000);
    wait_for_the_end(&server);
    let text = playlist(&server);
    assert_eq!(text.matches("#EXT-X-DISCONTINUITY\n").count(), 1, "{text}");
    let all = movie(&server, "");
    for track in ["0:v", "0:a"] {
        let wanted = [source(&server, 5000, track), source(&server, 8000, track)].concat();
        assert!(frames(&all.to_string_lossy(), track) == wanted, "{track}");
    }
    let some = movie(&server, "?start=1700000003.2&duration=58.8");
    let pictures = frames(&some.to_string_lossy(), "0:v");
    let (one, other) = (source(&server, 5000, "0:v"), source(&server, 8000, "0:v"));
    assert_eq!(pictures, [&one[75..], &other[..50]].concat());
}

#[test]
fn what_grows_is_a_playlist_that_grows() {
    let server = up(FLV);
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(14_000);
    wait_for("segments", || playlist(&server).matches("#EXTINF").count() >= 2);
    let first = playlist(&server);
    assert!(first.contains("#EXT-X-PLAYLIST-TYPE:EVENT") && !first.contains("ENDLIST"), "{first}");
    let name = list(&server, "")[0]["file"].as_str().expect("a name").to_owned();
    let before = server.get(&format!("/dvr/s/{name}.mp4?fmp4")).body;
    publisher.run(10_000);
    wait_for("more", || playlist(&server).matches("#EXTINF").count() >= 4);
    assert!(playlist(&server).starts_with(&first));
    // What was told of it stays.
    assert!(server.get(&format!("/dvr/s/{name}.mp4?fmp4")).body.starts_with(&before));
    publisher.end();
    wait_for_the_end(&server);
    assert!(server.get(&format!("/dvr/s/{name}.mp4?fmp4")).body.starts_with(&before));
    let total: f64 = durations(&playlist(&server)).iter().sum();
    assert!((23.9..24.2).contains(&total), "{total}");
    assert_eq!(frames(&server.url("/dvr/s/index.m3u8"), "0:v").len(), 24 * 25);
    assert_eq!(frames(&movie(&server, "").to_string_lossy(), "0:v").len(), 24 * 25);
}

/// Files that are cut, damaged, of sound alone, of codecs that MP4 does not know, whose headers change.
#[test]
fn what_cannot_be_played_is_given_as_far_as_it_goes() {
    let server = up(FLV);
    let file = path(&server, &record(&server, 8000));
    let bytes = std::fs::read(&file).expect("it");
    let write = |bytes: &[u8]| std::fs::write(&file, bytes).expect("written");
    let mut noise = bytes.clone();
    noise[150_000..]
        .iter_mut()
        .enumerate()
        .for_each(|(at, byte)| *byte ^= (at * 31 + at / 7) as u8);
    let mut long = bytes.clone();
    // A tag that says it is 16 MB long.
    long[13 + 1..13 + 4].copy_from_slice(&[0xFF; 3]);
    let cuts = [bytes.len() - 10, bytes.len() / 2, 130_000, 3000, 20, 8, 0];
    let texts = cuts.iter().map(|len| bytes[..*len].to_vec()).chain([noise, long]);
    for text in texts {
        write(&text);
        for target in ["video.mp4", "index.m3u8", ""] {
            let answer = server.get(&format!("/dvr/s/{target}"));
            assert!(!answer.complete || [200, 404].contains(&answer.status), "{}", answer.status);
        }
    }
    assert_eq!(server.workers().len(), 2);
    write(&bytes);
    assert_eq!(frames(&movie(&server, "").to_string_lossy(), "0:v").len(), 200);
}

#[test]
fn a_header_that_changes_ends_the_film_and_sound_alone_is_one() {
    let server = up(&format!("{FLV} recorder a {{ record audio; record_suffix -a.flv; }}"));
    let mut publisher = Client::publisher(&server, "s");
    for part in 1..3u32 {
        publisher.video((part - 1) * 2000, &avc_header(part));
        publisher.audio((part - 1) * 2000, &aac_header(1));
        for at in 0..50 {
            let time = (part - 1) * 2000 + at * 40;
            publisher.video(time, &if at % 25 == 0 { key(20) } else { inter(20) });
            publisher.audio(time, &aac(at));
        }
        publisher.sync();
    }
    publisher.reset();
    wait_for("its end", || {
        let list = list(&server, "");
        list.len() == 2 && list.iter().all(|it| it["grows"] == false)
    });
    let count = |target: &str, track: &str| {
        let answer = server.get(target);
        assert_eq!(answer.status, 200, "{target} {}", server.error_log());
        let file = server.file("some.mp4", answer.body);
        let mut ffprobe = std::process::Command::new("ffprobe");
        ffprobe.args(["-v", "quiet", "-select_streams", track, "-show_entries", "packet=pts"]);
        let output = process::run(ffprobe.args(["-of", "csv=p=0"]).arg(file));
        String::from_utf8_lossy(&output.stdout).lines().filter(|line| !line.is_empty()).count()
    };
    assert_eq!(count("/dvr/s/video.mp4", "v"), 50);
    assert_eq!(count("/dvr/s/video.mp4?recorder=a", "a"), 100);
}
