//! Who may not: clients that are denied, names that lead elsewhere.

use support::{curl, wait_for};

use super::{FMP4, record};
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
