//! Conditional requests.

use support::transport::reason;
use support::{Answer, Server, set_modified, site, start};

const DATE: &str = "Fri, 01 Jan 2021 00:00:00 GMT";
const EARLIER: &str = "Thu, 31 Dec 2020 23:59:59 GMT";
const LATER: &str = "Fri, 01 Jan 2021 00:00:01 GMT";
const TAG: &str = "\"5fee6600-5\"";

fn serving(body: &str) -> Server {
    let server = start!(site(&format!("root html; {body}")));
    set_modified(&server.file("html/a.txt", "hello"), 1_609_459_200);
    server
}

fn ask(server: &Server, path: &str, fields: &[(&str, &str)]) -> Answer {
    let lines: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let args: Vec<&str> = lines.iter().flat_map(|line| ["--header", line]).collect();
    server.curl(&args, path)
}

#[test]
fn unmodified_since_then() {
    let server = serving(
        "location /before/ { alias html/; if_modified_since before; }
        location /off/ { alias html/; if_modified_since off; }",
    );
    let status = |path: &str, date: &str| ask(&server, path, &[("If-Modified-Since", date)]).status;
    assert_eq!([EARLIER, DATE, LATER].map(|date| status("/a.txt", date)), [200, 304, 200]);
    assert_eq!([EARLIER, DATE, LATER].map(|date| status("/before/a.txt", date)), [200, 304, 304]);
    assert_eq!([EARLIER, DATE, LATER].map(|date| status("/off/a.txt", date)), [200, 200, 200]);
    for form in ["Friday, 01-Jan-21 00:00:00 GMT", "Fri Jan  1 00:00:00 2021"] {
        assert_eq!(status("/a.txt", form), 304, "{form}");
    }
    for nonsense in ["yesterday", "0", "Fri, 99 Jan 2021 00:00:00 GMT"] {
        assert_eq!(status("/a.txt", nonsense), 200, "{nonsense}");
    }
}

#[test]
fn a_304_is_a_head_without_a_body_and_the_connection_goes_on() {
    let server = serving("");
    let mut wire = server.wire();
    for _ in 0..3 {
        wire.send(format!("GET /a.txt HTTP/1.1\r\nHost: x\r\nIf-None-Match: {TAG}\r\n\r\n"));
        let answer = wire.answer();
        assert_eq!((answer.status, answer.reason.as_str()), (304, "Not Modified"));
        assert_eq!(
            (answer.header("ETag"), answer.header("Last-Modified")),
            (Some(TAG), Some(DATE))
        );
        for absent in ["Content-Length", "Content-Type", "Accept-Ranges"] {
            assert_eq!(answer.header(absent), None, "{absent}");
        }
        assert!(answer.keeps());
    }
}

#[test]
fn none_of_these_tags() {
    let server = serving("");
    let status = |tags: &str| ask(&server, "/a.txt", &[("If-None-Match", tags)]).status;
    for same in [TAG, "W/\"5fee6600-5\"", "*", "\"x\", \"5fee6600-5\"", "\"x\",W/\"5fee6600-5\""] {
        assert_eq!(status(same), 304, "{same}");
    }
    for other in ["\"x\"", "5fee6600-5", "\"5fee6600-6\"", "\"x\", \"y\""] {
        assert_eq!(status(other), 200, "{other}");
    }
}

#[test]
fn both_must_say_that_it_is_unchanged() {
    let server = serving("");
    for (tag, date, status) in
        [(TAG, DATE, 304), (TAG, EARLIER, 200), ("\"x\"", DATE, 200), ("\"x\"", EARLIER, 200)]
    {
        let fields = [("If-None-Match", tag), ("If-Modified-Since", date)];
        assert_eq!(ask(&server, "/a.txt", &fields).status, status, "{tag} {date}");
    }
}

#[test]
fn only_if_it_is_still_the_same() {
    let server = serving("");
    let status = |name: &str, value: &str| ask(&server, "/a.txt", &[(name, value)]).status;
    assert_eq!(
        [EARLIER, DATE, LATER].map(|date| status("If-Unmodified-Since", date)),
        [412, 200, 200]
    );
    for (tags, wanted) in [
        (TAG, 200),
        ("*", 200),
        ("\"x\", \"5fee6600-5\"", 200),
        ("\"x\"", 412),
        ("W/\"5fee6600-5\"", 412),
    ] {
        assert_eq!(status("If-Match", tags), wanted, "{tags}");
    }
    let answer = ask(&server, "/a.txt", &[("If-Match", "\"x\"")]);
    assert_eq!(
        (answer.reason.as_str(), answer.header("ETag")),
        (reason("Precondition Failed"), None)
    );
    assert!(answer.text().contains("412 Precondition Failed"));
    // It is looked at before all others, ranges too.
    let fields = [("If-Match", "\"x\""), ("If-None-Match", TAG), ("Range", "bytes=0-1")];
    assert_eq!(ask(&server, "/a.txt", &fields).status, 412);
    assert_eq!(
        ask(&server, "/a.txt", &[("If-None-Match", TAG), ("Range", "bytes=9-")]).status,
        304
    );
}

#[test]
fn the_tag_follows_the_file() {
    let server = serving("");
    let first = server.get("/a.txt").header("ETag").map(str::to_owned).expect("a tag");
    server.file("html/a.txt", "hello, world");
    let ask = || ask(&server, "/a.txt", &[("If-None-Match", &first)]);
    assert_eq!((ask().status, ask().text().as_str()), (200, "hello, world"));
}

#[test]
fn errors_are_not_conditional() {
    let server = serving("location /page/ { error_page 404 /a.txt; }");
    let fields = [("If-None-Match", "*"), ("If-Modified-Since", DATE)];
    assert_eq!(ask(&server, "/none", &fields).status, 404);
    let page = ask(&server, "/page/none", &fields);
    assert_eq!((page.status, page.text().as_str()), (404, "hello"));
    assert_eq!(ask(&server, "/page/none", &[("Range", "bytes=0-1")]).text(), "hello");
}
