//! Who may not: clients that are denied, names that lead elsewhere.

use support::{curl, wait_for};

use super::{FMP4, record};
use crate::film::Publisher;
use crate::program::Program;
use crate::up;

#[test]
fn who_may_not_play_may_not_play_what_was_recorded() {
    let server = up(FMP4);
    let file = record(&server, 1000);
    server.set_conf(crate::conf(&format!("{FMP4} deny play all;")));
    assert!(server.command(&["-s", "reload"]).status.success());
    wait_for("a refusal", || server.get("/dvr/s/").status == 403);
    for name in ["", &file, "index.m3u8", "video.mp4"] {
        assert_eq!(server.get(&format!("/dvr/s/{name}")).status, 403, "{name}");
    }
    assert!(server.error_log().contains("a recording is refused"));
}

/// The list of streams has those that the client may have, and no word of others.
#[test]
fn streams_that_need_a_key_are_not_listed_without_it() {
    let conf = crate::conf(&format!("{FMP4} stream_key play s secret;"));
    let all = "location = /all/ { record_play live/; } location /stat";
    let server = crate::up_with(conf.replacen("location /stat", all, 1));
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(1000);
    publisher.end();
    let names = |args: &str| server.get(&format!("/all/{args}")).text();
    wait_for("it, with its key", || names("?key=secret").contains("\"s\""));
    assert_eq!(names("").trim(), "[]");
    assert_eq!(names("?key=other").trim(), "[]");
}

/// `on_play` is asked for what was recorded, too; one that cannot be asked refuses.
#[test]
fn a_program_is_asked_who_may_play_it() {
    let program = Program::answering("HTTP/1.1 204 Yes\r\n\r\n");
    let server = up(&format!("{FMP4} on_play {};", program.url()));
    let file = record(&server, 1000);
    assert_eq!(program.next().call(), "play");
    program.set("HTTP/1.1 403 No\r\n\r\n");
    for name in ["", &file, "index.m3u8", "video.mp4"] {
        assert_eq!(server.get(&format!("/dvr/s/{name}?who=a")).status, 403, "{name}");
    }
    program.set("HTTP/1.1 204 Yes\r\n\r\n");
    for name in ["", &file, "index.m3u8", "video.mp4"] {
        assert_eq!(server.get(&format!("/dvr/s/{name}?who=b")).status, 200, "{name}");
    }
    program.set("RESET");
    assert_eq!(server.get("/dvr/s/?who=c").status, 403);
}

#[test]
fn names_that_lead_elsewhere_lead_nowhere() {
    let server = up(FMP4);
    record(&server, 1000);
    server.file("secret", "mine");
    let long = "a".repeat(300);
    for path in [
        "/dvr/s/..%2fsecret",
        "/dvr/s/%2e%2e%2fsecret",
        "/dvr/s/..%252fsecret",
        "/dvr/s/%252e%252e%252fsecret",
        "/dvr/s/a%00b",
        "/dvr/s/%ff",
        "/dvr/s/.",
        "/dvr/s/.rserve-live.journal",
        "/dvr/../secret",
        "/dvr/%2e%2e/secret",
        &format!("/dvr/s/{long}"),
        &format!("/dvr/{long}/"),
        "/dvr/s%0a/",
    ] {
        let answer = curl(&[&server.url(path)]);
        assert!(
            [400, 404].contains(&answer.status)
                || answer.text().trim() == "[\n]"
                || path == "/dvr/s/.",
            "{path}: {} {}",
            answer.status,
            answer.text()
        );
        assert!(!answer.text().contains("mine"));
    }
    assert_eq!(server.get("/dvr/s/video.mp4?recorder=none").status, 404);
    // Other pages may read it, and ask beforehand.
    let preflight = [
        "-X",
        "OPTIONS",
        "-H",
        "Origin: https://a.example",
        "-H",
        "Access-Control-Request-Method: GET",
    ];
    let answer = server.curl(&preflight, "/dvr/s/index.m3u8");
    assert_eq!((answer.status, answer.header("Access-Control-Allow-Origin")), (204, Some("*")));
}
