//! Figures, and ending channels.

use support::Answer;

use crate::client::{end, number, publish, subscribe};
use crate::up;

fn figures(server: &support::Server, path: &str) -> Answer {
    server.curl(&["-H", "Accept: application/vnd.rserve.channel+json"], path)
}

#[test]
fn a_channel_tells_its_figures() {
    let server = up("sse_history 5 1h;");
    assert_eq!(figures(&server, "/events/c").status, 404);
    let mut last = String::new();
    for n in 0..10 {
        last = publish(&server, "/events/c", &n.to_string());
    }
    let _reader = subscribe(&server, "/events/c", "");
    let answer = figures(&server, "/events/c");
    assert_eq!(answer.header("Content-Type"), Some("application/vnd.rserve.channel+json"));
    assert_eq!((number(&answer, "events"), number(&answer, "published")), (5, 10));
    assert_eq!(number(&answer, "subscribers"), 1);
    let text = answer.text();
    assert!(text.contains(&format!("\"newest\":\"{last}\"")) && text.contains("\"ended\":false"));
    end(&server, "/events/c");
    assert!(figures(&server, "/events/c").text().contains("\"ended\":true"));
}

#[test]
fn the_status_lists_zones_and_channels() {
    let server = up("");
    for name in ["a.1", "a.2", "b"] {
        publish(&server, &format!("/events/{name}"), "x");
    }
    let _readers = [subscribe(&server, "/events/b", ""), subscribe(&server, "/below", "")];
    let status = server.get("/status");
    assert_eq!((number(&status, "channels"), number(&status, "published")), (3, 3));
    assert_eq!((number(&status, "subscribers"), number(&status, "workers")), (2, 2));
    let list = |path: &str| server.get(path).text().matches("\"channel\":").count();
    assert_eq!((list("/status"), list("/status?prefix=a."), list("/status?limit=1")), (3, 2, 1));
    // What is delivered is counted within a second or so.
    publish(&server, "/events/b", "x");
    server.wait_for("a delivery", || number(&server.get("/status"), "delivered") == 1);
}

#[test]
fn only_what_is_there_can_be_ended() {
    let server = up("");
    assert_eq!(server.curl(&["-X", "DELETE"], "/events/c").status, 404);
    publish(&server, "/events/c", "x");
    let first = end(&server, "/events/c");
    assert_ne!(end(&server, "/events/c"), first);
}

#[test]
fn a_configuration_that_cannot_be_is_explained() {
    use support::{Start, http, site};
    let fails = |conf: String| Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf).fail().1;
    let said = fails(site("location / { sse_subscribe a; }"));
    assert!(said.contains("event streams need an \"sse_zone\" in the http block"), "{said}");
    let said = fails(http("sse_zone z 1m; server { location / { sse_use y; sse_subscribe a; } }"));
    assert!(said.contains("there is no sse_zone \"y\""), "{said}");
    let said = fails(http("sse_zone z 1k; server { }"));
    assert!(said.contains("a zone has at least 256k"), "{said}");
    let said = fails(http("sse_zone z 1m; sse_zone z 2m; server { }"));
    assert!(said.contains("there is an sse_zone \"z\" already"), "{said}");
    let said = fails(http("sse_zone z 1m; server { location / { sse_allow_origin a.example; } }"));
    assert!(said.contains("an origin is SCHEME://HOST[:PORT]"), "{said}");
}
