//! Which form is sent: by suffix, by upgrade, by what the client takes.

use support::{Answer, Server, start, wait_for};

use crate::film::Publisher;
use crate::{FORMS, conf, up, with_both_workers, with_web};

const BROWSER: &str =
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";

fn asked(server: &Server, accept: &str) -> Answer {
    server.curl(&["-I", "-H", &format!("Accept: {accept}")], "/live/s")
}

fn with_stream(settings: &str) -> (Server, Publisher) {
    let server = up(settings);
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(3500);
    if settings.contains("hls on") {
        wait_for("segments", || server.get("/live/s.m3u8").status == 200);
    }
    (server, publisher)
}

const BOTH: &str = "hls on; dash on; hls_fragment 1s;";

#[test]
fn a_head_tells_the_type_and_joins_nothing() {
    let (server, _publisher) = with_stream(BOTH);
    for (form, wanted) in [
        ("", "video/mp4"),
        (".flv", "video/x-flv"),
        (".ts", "video/mp2t"),
        (".mp4", "video/mp4"),
        (".m3u8", "application/vnd.apple.mpegurl"),
        (".mpd", "application/dash+xml"),
        ("/index.m3u8", "application/vnd.apple.mpegurl"),
        ("/index.mpd", "application/dash+xml"),
        ("/video.m3u8", "application/vnd.apple.mpegurl"),
        ("/thumbnail.mp4", "video/mp4"),
    ] {
        let head = server.curl(&["-I"], &format!("/live/s{form}"));
        assert_eq!((head.status, head.header("Content-Type")), (200, Some(wanted)), "{form}");
        let vary = form.is_empty().then_some("Accept");
        assert_eq!(head.header("Vary"), vary, "{form}");
    }
    assert_eq!(server.get("/stat").text().matches("<client>").count(), 1, "the publisher");
}

#[test]
fn the_client_chooses_by_accept() {
    let (server, _publisher) = with_stream(BOTH);
    for (accept, wanted) in [
        ("*/*", "video/mp4"),
        ("video/webm,video/ogg,video/*;q=0.9,audio/*;q=0.6,*/*;q=0.5", "video/mp4"),
        (BROWSER, "text/html; charset=utf-8"),
        ("application/vnd.apple.mpegurl", "application/vnd.apple.mpegurl"),
        ("application/x-mpegURL;q=0.9, video/mp4;q=0.5", "application/vnd.apple.mpegurl"),
        ("video/mp4;q=0.2, video/x-flv;q=0.3", "video/x-flv"),
        ("application/dash+xml, */*;q=0.1", "application/dash+xml"),
        ("video/mp4;q=0, video/mp2t", "video/mp2t"),
    ] {
        let head = asked(&server, accept);
        let got = (head.status, head.header("Content-Type"), head.header("Vary"));
        assert_eq!(got, (200, Some(wanted), Some("Accept")), "{accept}");
    }
    let none = asked(&server, "image/png");
    assert_eq!(none.status, 406);
    // Fields may come in pieces.
    let args = ["-I", "-H", "Accept: video/mp4;q=0.1", "-H", "Accept: video/x-flv"];
    let head = server.curl(&args, "/live/s");
    assert_eq!(head.header("Content-Type"), Some("video/x-flv"));
}

#[test]
fn what_the_application_does_not_make_is_not_there() {
    let (server, _publisher) = with_stream("");
    for form in [".m3u8", ".mpd", "/video.m3u8", "/index.mpd"] {
        assert_eq!(server.get(&format!("/live/s{form}")).status, 404, "{form}");
    }
    assert_eq!(asked(&server, "application/vnd.apple.mpegurl").status, 406);
    assert_eq!(asked(&server, "application/dash+xml, video/x-flv;q=0.1").status, 200);
    let page = server.curl(&["-H", "Accept: text/html"], "/live/s").text();
    assert!(!page.contains("m3u8") && page.contains("<source src=\"s.mp4\""), "{page}");

    let server = with_both_workers(start!(conf("idle_streams off;")));
    for form in [".flv", ".ts", ".mp4", "", "/thumbnail.mp4"] {
        assert_eq!(server.get(&format!("/live/nobody{form}")).status, 404, "{form}");
    }
    assert_eq!(server.get("/live/").status, 404);
}

#[test]
fn pages_are_sent_or_named() {
    let (server, _publisher) = with_stream(BOTH);
    let page = |agent: &str| {
        let (accept, agent) = (format!("Accept: {BROWSER}"), format!("User-Agent: {agent}"));
        server.curl(&["-H", &accept, "-H", &agent], "/live/s")
    };
    let webkit = "Mozilla/5.0 (X) AppleWebKit/605.1.15 (KHTML, like Gecko)";
    for (agent, first) in [
        (format!("{webkit} Version/18.1 Safari/605.1.15"), "s.m3u8"),
        (format!("{webkit} Chrome/156.0.0.0 Safari/537.36"), "s.mp4"),
        ("Mozilla/5.0 (X; rv:150.0) Gecko/20100101 Firefox/150.0".to_owned(), "s.mp4"),
    ] {
        let text = page(&agent).text();
        let source = text.split("<source src=\"").nth(1).and_then(|rest| rest.split('"').next());
        assert_eq!(source, Some(first), "{agent}");
    }
    let text = page("").text();
    assert_eq!(page("").all("Vary"), ["Accept", "User-Agent"]);
    for wanted in [
        "<title>s</title>",
        "<video autoplay muted controls playsinline>",
        "<source src=\"s.m3u8\" type=\"application/vnd.apple.mpegurl\">",
        "<source src=\"s.mp4\" type=\"video/mp4\">",
    ] {
        assert!(text.contains(wanted), "{wanted} in {text}");
    }
    let server = with_both_workers(start!(with_web("", "stream_page /live.html?stream=$name;")));
    let page = server.curl(&["-H", "Accept: text/html"], "/live/s");
    assert_eq!(page.status, 302);
    let location = page.header("Location").unwrap_or_default();
    assert!(location.ends_with("/live.html?stream=s"), "{location}");
    assert_eq!(page.header("Vary"), Some("Accept"));
}

#[test]
fn other_methods_and_other_origins() {
    let web = "stream_allow_origin https://good.example;";
    let server = with_both_workers(start!(with_web(BOTH, web)));
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(3500);
    wait_for("segments", || server.get("/live/s.m3u8").status == 200);
    for form in FORMS {
        let path = format!("/live/s{form}");
        for method in ["POST", "PUT", "DELETE"] {
            let answer = server.curl(&["-X", method], &path);
            assert_eq!((answer.status, answer.header("Allow")), (405, Some("GET, HEAD, OPTIONS")));
        }
        let from = |origin: &str, method: &str| {
            let field = format!("Origin: https://{origin}.example");
            let args = ["-I", "-X", method, "-H", &field];
            server.curl(&args, &path)
        };
        let good = from("good", "HEAD");
        assert_eq!(good.status, 200, "{form}");
        let allowed = |answer: &Answer| {
            answer.all("Access-Control-Allow-Origin").iter().map(|it| (*it).to_owned()).collect()
        };
        let all: Vec<String> = allowed(&good);
        assert_eq!(all, ["https://good.example"], "{form}");
        let all: Vec<String> = allowed(&from("evil", "HEAD"));
        assert_eq!(all, [""; 0], "{form}");
        let preflight = from("good", "OPTIONS");
        assert_eq!(preflight.status, 204);
        assert!(preflight.header("Access-Control-Allow-Methods").is_some());
    }
}

fn upgrade(server: &Server, address: &str, fields: &str) -> String {
    let mut wire = server.wire();
    wire.send(format!(
        "GET /live/{address} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{fields}\r\n"
    ));
    wire.until("\r\n\r\n")
}

#[test]
fn an_upgrade_is_flv_in_messages() {
    let (server, _publisher) = with_stream("");
    for address in ["s", "s.flv"] {
        assert!(upgrade(&server, address, "").starts_with("HTTP/1.1 101 "), "{address}");
        let evil = upgrade(&server, address, "Origin: https://evil.example\r\n");
        assert!(evil.starts_with("HTTP/1.1 403 "), "{evil}");
        let own = upgrade(&server, address, "Origin: http://x\r\n");
        assert!(own.starts_with("HTTP/1.1 101 "), "{own}");
    }
    // Other forms are no messages.
    let plain = upgrade(&server, "s.ts", "");
    assert!(plain.starts_with("HTTP/1.1 200 ") && plain.contains("video/mp2t"), "{plain}");
}
