//! What viewers are given.

use std::time::Duration;

use support::wait_for;

use crate::checker::Checker;
use crate::film::Publisher;
use crate::program::Program;
use crate::ts::Stream;
use crate::up;

#[test]
fn segments_follow_each_other_without_a_gap() {
    let server = up("hls_fragment 1s; hls_playlist_length 40s;");
    let mut publisher = Publisher::new(&server, "s");
    let mut checker = Checker::new("/hls/s/video.m3u8");
    let mut pictures = 0;
    for _ in 0..30 {
        pictures += publisher.run(1000);
        checker.look(&server);
    }
    publisher.end();
    wait_for("the end", || checker.look(&server).is_some_and(|now| now.ended));
    checker.has_no_gap();
    let mut stream = Stream::default();
    checker.all().for_each(|(_, _, bytes)| stream.segment(bytes));
    assert_eq!(stream.pictures.len(), pictures);
    assert!(stream.pictures.windows(2).all(|pair| pair[1] - pair[0] == 3600));
    assert!(stream.sound.windows(2).all(|pair| pair[1] > pair[0]));
}

#[test]
fn a_stream_that_begins_again_goes_on_with_its_numbers() {
    let server = up("hls_fragment 1s; hls_playlist_length 20s; publish_grace 0;");
    let mut checker = Checker::new("/hls/s/video.m3u8");
    let mut first = Publisher::new(&server, "s");
    first.run(4000);
    wait_for("segments", || checker.look(&server).is_some_and(|now| now.segments.len() >= 3));
    first.end();
    wait_for("the end", || checker.look(&server).is_some_and(|now| now.ended));
    let ended = checker.look(&server).expect("a playlist");
    let mut second = Publisher::new(&server, "s");
    second.run(4000);
    wait_for("more", || checker.look(&server).is_some_and(|now| now.end() >= ended.end() + 3));
    let now = checker.look(&server).expect("a playlist");
    assert!(!now.ended);
    let marked = now.segments.iter().filter(|segment| segment.discontinuity).count();
    assert_eq!(marked, 1, "{}", now.text);
    checker.has_no_gap();
}

#[test]
fn what_is_not_there_is_said_to_be_so() {
    let server = up("hls_fragment 1s; deny play 127.0.0.9;");
    let status = |path: &str| server.get(path).status;
    assert_eq!(status("/hls/s/index.m3u8"), 404);
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(3500);
    wait_for("a segment", || status("/hls/s/video.m3u8") == 200);
    for path in
        ["x.m3u8", "audio.m3u8", "video-1.ts", "video-0.m4s", "../s/video.m3u8x", "", "video.m3u8/"]
    {
        assert_eq!(status(&format!("/hls/s/{path}")), 404, "{path}");
    }
    assert_eq!(status("/hls/other/index.m3u8"), 404);
    let name = server.get("/hls/s/video.m3u8").text();
    let name = name.lines().find(|line| line.ends_with(".ts")).expect("a segment").to_owned();
    let whole = server.get(&format!("/hls/s/{name}"));
    assert_eq!(whole.header("Content-Type"), Some("video/mp2t"));
    assert!(whole.header("Cache-Control").is_some_and(|value| value.contains("immutable")));
    let part = server.curl(&["-r", "188-375"], &format!("/hls/s/{name}"));
    assert_eq!((part.status, &part.body[..]), (206, &whole.body[188..376]));
    assert_eq!(server.curl(&["-X", "POST"], "/hls/s/index.m3u8").status, 405);
    let options = server.curl(&["-X", "OPTIONS"], "/hls/s/index.m3u8");
    assert_eq!(options.status, 204);
}

/// `on_play` is asked for what is got by HLS and DASH, too: not for each segment, and one that cannot be asked refuses.
#[test]
fn a_program_is_asked_who_may_watch() {
    let program = Program::answering("HTTP/1.1 403 No\r\n\r\n");
    let server = up(&format!("dash on; hls_fragment 1s; on_play {};", program.url()));
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(3500);
    let lists = ["/hls/s/index.m3u8", "/hls/s/video.m3u8", "/dash/s/index.mpd", "/hls/s/1.key"];
    for list in lists {
        assert_eq!(server.get(&format!("{list}?who=a")).status, 403, "{list}");
    }
    assert_eq!(program.next().call(), "play");
    program.set("HTTP/1.1 204 Yes\r\n\r\n");
    wait_for("segments", || server.get("/hls/s/video.m3u8?who=b").status == 200);
    // What lets a client in lets it in further on, as the one that was asked about.
    let playlist = server.get("/hls/s/video.m3u8?who=b").text();
    let name = playlist.lines().find(|line| line.starts_with("video-")).expect("a segment");
    assert!(name.ends_with("?who=b"), "{name}");
    while program.next_within(Duration::from_millis(100)).is_some() {}
    for _ in 0..20 {
        assert_eq!(server.get(&format!("/hls/s/{name}")).status, 200);
    }
    let again = std::iter::from_fn(|| program.next_within(Duration::from_millis(100)));
    assert!(again.count() <= 1, "once for each worker");
    program.set("RESET");
    assert_eq!(server.get("/hls/s/video.m3u8?who=c").status, 403);
}
