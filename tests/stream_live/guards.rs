//! Who may: the same for every form.

use std::time::Duration;

use support::{Server, start, wait_for};

use crate::film::Publisher;
use crate::program::Program;
use crate::{FORMS, up, with_both_workers, with_web};

const BOTH: &str = "hls on; dash on; hls_fragment 1s;";
const YES: &str = "HTTP/1.1 204 No\r\n\r\n";
const NO: &str = "HTTP/1.1 403 No\r\n\r\n";

/// The status of each form; of those without an end the head is all that is read.
fn statuses(server: &Server, query: &str) -> Vec<(String, u16)> {
    let accept = ["*/*", "text/html"];
    let all = FORMS.iter().map(|form| (*form, accept[0])).chain([("", accept[1])]);
    let status = |(form, accept): (&str, &str)| {
        let mut wire = server.wire();
        let fields = format!("Host: x\r\nAccept: {accept}\r\nConnection: close");
        wire.send(format!("GET /live/s{form}{query} HTTP/1.1\r\n{fields}\r\n\r\n"));
        let head = wire.until("\r\n\r\n");
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
        (format!("{form} {accept}"), status.unwrap_or_default())
    };
    all.map(status).collect()
}

#[track_caller]
fn all_are(server: &Server, query: &str, wanted: u16) {
    for (form, status) in statuses(server, query) {
        assert_eq!(status, wanted, "{form}{query}\n{}", server.error_log());
    }
}

fn published(server: &Server) -> Publisher {
    let mut publisher = Publisher::new(server, "s");
    publisher.run(3500);
    publisher
}

#[test]
fn rules_and_keys_hold_for_every_form() {
    let server = up(&format!("{BOTH} deny play 127.0.0.1;"));
    let _publisher = published(&server);
    all_are(&server, "", 403);

    let server = up(&format!("{BOTH} stream_key play s SECRET;"));
    let _publisher = published(&server);
    let there = || server.get("/live/s.m3u8?key=SECRET").status == 200;
    wait_for("segments", there);
    all_are(&server, "", 403);
    all_are(&server, "?key=WRONG", 403);
    all_are(&server, "?key=SECRET", 200);
    // What lets a client in lets it in further on.
    let master = server.get("/live/s.m3u8?key=SECRET").text();
    assert!(master.contains("\ns/video.m3u8?key=SECRET\n"), "{master}");
    let page = server.curl(&["-H", "Accept: text/html"], "/live/s?key=SECRET").text();
    assert!(page.contains("src=\"s.mp4?key=SECRET\""), "{page}");
}

#[test]
fn a_program_is_asked_for_every_form() {
    let program = Program::answering(NO);
    let server = up(&format!("{BOTH} on_play {};", program.url()));
    let _publisher = published(&server);
    all_are(&server, "", 403);
    let asked = program.next();
    assert_eq!(asked.call(), "play");
    program.set(YES);
    // Refusals are kept for a second.
    wait_for("segments", || server.get("/live/s.m3u8").status == 200);
    wait_for("both workers", || statuses(&server, "").iter().all(|(_, status)| *status == 200));
    // One that cannot be asked refuses.
    program.set("RESET");
    all_are(&server, "?another=1", 403);
}

#[test]
fn a_program_is_not_asked_for_every_segment() {
    let program = Program::answering(YES);
    let web = "stream_recheck 1h;";
    let conf = with_web(&format!("{BOTH} hls_part 200ms; on_play {};", program.url()), web);
    let server = with_both_workers(start!(conf));
    let _publisher = published(&server);
    wait_for("segments", || server.get("/live/s.m3u8?who=me").status == 200);
    let playlist = server.get("/live/s/video.m3u8?who=me").text();
    let name = playlist.lines().find(|line| line.starts_with("video-")).expect("a segment");
    assert!(name.ends_with(".m4s?who=me"), "{name}");
    for _ in 0..20 {
        assert_eq!(server.get(&format!("/live/s/{name}")).status, 200);
        // Waiting for what is to come is no other client's.
        let path = "/live/s/video.m3u8?who=me&_HLS_skip=YES";
        assert_eq!(server.get(path).status, 200);
    }
    let count = |program: &Program| {
        std::iter::from_fn(|| program.next_within(Duration::from_millis(100))).count()
    };
    assert!((1..=2).contains(&count(&program)), "once for each worker");
    assert_eq!(server.get("/live/s/video.m3u8?who=you").status, 200);
    assert_eq!(count(&program), 1, "another client");
    // Who plays is asked about each time.
    for _ in 0..3 {
        let mut wire = server.wire();
        wire.send("GET /live/s.ts?who=me HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(wire.until("\r\n\r\n").contains(" 200 "));
        assert_eq!(program.next().call(), "play");
    }
}

#[test]
fn a_program_may_give_the_stream_another_name() {
    let to = "HTTP/1.1 302 There\r\nLocation: s\r\n\r\n";
    let program = Program::answering(to);
    let server = up(&format!("{BOTH} on_play {};", program.url()));
    let _publisher = published(&server);
    wait_for("segments", || server.get("/live/public.m3u8").status == 200);
    let master = server.get("/live/public.m3u8").text();
    assert!(master.contains("\npublic/video.m3u8\n"), "{master}");
    assert_eq!(server.get("/live/public/video.m3u8").status, 200);
    assert_eq!(server.get("/live/public/thumbnail.mp4").status, 200);
    for form in ["ts", "mp4"] {
        let mut wire = server.wire();
        wire.send(format!("GET /live/public.{form} HTTP/1.1\r\nHost: x\r\n\r\n"));
        wire.until("\r\n\r\n");
        assert!(!wire.some().is_empty());
    }
}
