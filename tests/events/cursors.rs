//! Where a stream begins, and what a lost place is.

use std::sync::atomic::{AtomicBool, Ordering};

use support::curl;

use crate::client::{data, end, events, publish, replay, subscribe};
use crate::up;

#[test]
fn a_known_id_is_followed_by_exactly_what_came_after() {
    let server = up("");
    let ids: Vec<String> = (0..50).map(|n| publish(&server, "/events/c", &n.to_string())).collect();
    end(&server, "/events/c");
    for at in [0, 1, 25, 48, 49] {
        let wanted: Vec<String> = (at + 1..50).map(|n| n.to_string()).collect();
        let all = replay(&server, "/events/c", &ids[at]);
        assert_eq!(data(&all), wanted);
        assert!(all.iter().all(|event| event.event != "gap"));
    }
}

#[test]
fn a_lost_place_is_told_in_the_stream() {
    let server = up("");
    let id = publish(&server, "/events/c", "1");
    publish(&server, "/events/c", "2");
    end(&server, "/events/c");
    let (epoch, _) = id.split_once('-').expect("an id");
    for (asked, reason) in [
        (format!("{epoch}-999"), "future"),
        ("zzz-1".to_owned(), "epoch"),
        ("urn:uuid:x".to_owned(), "malformed"),
        (format!("{epoch}-1-ü"), "malformed"),
        (format!("{epoch}-99999999999999999999999"), "malformed"),
        ("0".to_owned(), "malformed"),
    ] {
        let all = replay(&server, "/events/c", &asked);
        assert_eq!(all[0].event, "gap", "{asked}");
        assert!(all[0].data.contains(&format!("\"reason\":\"{reason}\"")), "{asked}: {:?}", all[0]);
        assert_eq!(data(&all[1..]), ["1", "2"], "{asked}");
    }
}

#[test]
fn header_goes_before_query_and_of_that_the_last_counts() {
    let server = up("sse_start oldest;");
    let first = publish(&server, "/events/c", "1");
    let second = publish(&server, "/events/c", "2");
    publish(&server, "/events/c", "3");
    end(&server, "/events/c");
    let path = format!("/events/c?last_event_id={first}");
    assert_eq!(data(&replay(&server, &path, "")), ["2", "3"]);
    assert_eq!(data(&replay(&server, &path, &second)), ["3"]);
    // Empty ones are none.
    for (path, wanted) in [(path.as_str(), &["2", "3"][..]), ("/events/c", &["1", "2", "3"])] {
        let url = server.url(path);
        let empty = curl(&["-N", "-H", "Last-Event-ID;", &url]).text();
        assert_eq!(data(&events(&empty).0), wanted);
    }
    // The names that clients in use have (event-source-polyfill, Mercure's, amvtek's); a stand-in for
    // EventSource appends its own to an address that has one.
    for name in [
        "lastEventId",
        "lastEventID",
        "Last-Event-ID",
        "last-event-id",
        "evs_last_event_id",
        "last%5Fevent_id",
    ] {
        let query = format!("/events/c?last_event_id={first}&{name}={second}&x=1&last_event_id=");
        assert_eq!(data(&replay(&server, &query, "")), ["3"], "{name}");
    }
}

#[test]
fn a_place_may_come_from_elsewhere() {
    let server = up("sse_start oldest; sse_last_event_id $http_x_from $arg_from;");
    let first = publish(&server, "/events/c", "1");
    let second = publish(&server, "/events/c", "2");
    end(&server, "/events/c");
    assert_eq!(data(&replay(&server, &format!("/events/c?from={first}"), "")), ["2"]);
    let url = server.url(&format!("/events/c?from={first}&last_event_id={second}"));
    let both = curl(&["-N", "-H", &format!("X-From: {second}"), &url]).text();
    assert_eq!(data(&events(&both).0), [""; 0]);
    // What is not written does not count.
    let answer = curl(&["-N", "-H", &format!("Last-Event-ID: {second}"), &server.url("/events/c")]);
    assert_eq!(data(&events(&answer.text()).0), ["1", "2"]);
}

#[test]
fn a_history_of_none_is_for_no_newcomer() {
    for start in ["oldest", "5", "newest"] {
        let server = up(&format!("sse_start {start}; sse_history 0;"));
        let first = publish(&server, "/events/c", "1");
        publish(&server, "/events/c", "2");
        let mut newcomer = subscribe(&server, "/events/c", "");
        // One that was there gets what it has not got: that is kept for a moment.
        let mut reader = subscribe(&server, "/events/c", &format!("Last-Event-ID: {first}\r\n"));
        assert!(reader.until("data: 2\n\n").contains("data: 2"));
        publish(&server, "/events/c", "3");
        assert!(!newcomer.until("data: 3\n\n").contains("data: 2"), "{start}");
    }
}

#[test]
fn without_an_id_it_begins_where_it_is_told() {
    let all: Vec<String> = (0..10).map(|n| n.to_string()).collect();
    // The count is what a newcomer gets; who asks for more gets what is still kept.
    for (start, wanted) in [("oldest", &all[7..]), ("2", &all[8..]), ("99", &all[..])] {
        let server = up(&format!("sse_start {start}; sse_history 3 1h;"));
        for body in &all {
            publish(&server, "/events/c", body);
        }
        let mut wire = subscribe(&server, "/events/c", "");
        publish(&server, "/events/c", "live");
        let text = wire.until("data: live\n\n");
        let found: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
        assert_eq!(found, [wanted, &["live".to_owned()]].concat(), "{start}");
    }
    let server = up("");
    publish(&server, "/events/c", "old");
    let mut wire = subscribe(&server, "/events/c", "");
    publish(&server, "/events/c", "new");
    assert!(!wire.until("data: new\n\n").contains("old"));
}

#[test]
fn who_drops_out_before_the_first_event_misses_nothing() {
    let server = up("");
    publish(&server, "/events/c", "before");
    let mut wire = subscribe(&server, "/events/c", "");
    let primed = wire.until("\n").trim_end().to_owned();
    drop(wire);
    publish(&server, "/events/c", "between");
    end(&server, "/events/c");
    assert_eq!(data(&replay(&server, "/events/c", &primed)), ["between"]);
}

#[test]
fn an_end_in_the_middle_of_a_replay_comes_last() {
    let server = up("sse_start oldest; sse_history 100000 1h;");
    let file = server.file("body", "x".repeat(20_000));
    let arg = format!("@{}", file.display());
    let url = server.url("/events/c");
    let urls: Vec<&str> = std::iter::repeat_n(url.as_str(), 400).collect();
    curl(&[&["--data-binary", &arg, "-o", "/dev/null"], &urls[..]].concat());
    // Eight megabytes are more than the socket takes: it is still being served when the channel ends.
    let mut wire = subscribe(&server, "/events/c", "");
    let last = end(&server, "/events/c");
    let all = String::from_utf8_lossy(&wire.rest()).into_owned();
    assert_eq!(all.matches("\ndata: x").count(), 400);
    assert!(all.ends_with(&format!("id: {last}\nevent: end\ndata: {{}}\n\n\r\n0\r\n\r\n")));
}

#[test]
fn a_channel_that_has_ended_sends_nobody_back() {
    let server = up("");
    publish(&server, "/events/c", "x");
    let mut live = subscribe(&server, "/events/c", "");
    let last = end(&server, "/events/c");
    assert!(live.until("0\r\n\r\n").contains(&format!("id: {last}\nevent: end\n")));
    assert!(live.closes(), "the stream has ended");
    let field = format!("Last-Event-ID: {last}");
    assert_eq!(server.curl(&["-H", &field], "/events/c").status, 204);
    // Who has no id begins behind the end.
    assert_eq!(server.get("/events/c").status, 204);
}

#[test]
fn a_quiet_channel_has_no_gap_when_others_are_evicted() {
    let server = up("sse_history 5 1h;");
    let id = publish(&server, "/events/quiet", "1");
    let body = server.file("body", "x".repeat(20_000));
    let arg = format!("@{}", body.display());
    for _ in 0..2000 / 20 {
        let url = server.url("/events/busy");
        let urls: Vec<&str> = std::iter::repeat_n(url.as_str(), 20).collect();
        curl(&[&["--data-binary", &arg, "-o", "/dev/null"], &urls[..]].concat());
    }
    publish(&server, "/events/quiet", "2");
    end(&server, "/events/quiet");
    assert_eq!(data(&replay(&server, "/events/quiet", &id)), ["2"]);
}

#[test]
fn aged_events_are_gone_and_that_is_told() {
    let server = up("sse_history 100 200ms;");
    let first = publish(&server, "/events/c", "1");
    publish(&server, "/events/c", "2");
    server.wait_for("the events to age", || {
        server
            .curl(&["-H", "Accept: application/vnd.rserve.channel+json"], "/events/c")
            .text()
            .contains("\"events\":0")
    });
    publish(&server, "/events/c", "3");
    let mut wire = server.wire();
    wire.send(format!("GET /events/c HTTP/1.1\r\nHost: x\r\nLast-Event-ID: {first}\r\n\r\n"));
    let text = wire.until("data: 3\n\n");
    assert!(text.contains("event: gap\n") && text.contains("\"reason\":\"evicted\""), "{text}");
}

#[test]
fn what_ages_before_the_first_event_came_is_told() {
    let server = up("sse_history 100 200ms;");
    let mut wire = subscribe(&server, "/events/c", "");
    let primed = wire.until("\n").trim_end().to_owned();
    drop(wire);
    publish(&server, "/events/c", "gone");
    server.wait_for("the event to age", || {
        server
            .curl(&["-H", "Accept: application/vnd.rserve.channel+json"], "/events/c")
            .text()
            .contains("\"events\":0")
    });
    publish(&server, "/events/c", "there");
    let mut wire = subscribe(&server, "/events/c", &format!("Last-Event-ID: {primed}\r\n"));
    assert!(wire.until("data: there\n\n").contains("event: gap\n"));
}

#[test]
fn a_pattern_tells_of_channels_that_were_forgotten() {
    let server = up("sse_history 100 200ms;");
    let mut wire = subscribe(&server, "/below", "");
    let primed = wire.until("\n").trim_end().to_owned();
    drop(wire);
    publish(&server, "/events/a.b.x", "gone");
    server.wait_for("the channel to be forgotten", || {
        server.get("/status").text().contains("\"channels\":0,")
    });
    let mut wire = subscribe(&server, "/below", &format!("Last-Event-ID: {primed}\r\n"));
    wire.until("event: gap\n");
    publish(&server, "/events/a.b.y", "there");
    wire.until("data: there\n\n");
}

#[test]
fn newcomers_are_told_of_no_gap() {
    let server = crate::start!(crate::with_zone("z 1m", "sse_history 3 1h; sse_start 2;"));
    publish(&server, "/events/a", "of a");
    let file = server.file("body", "x".repeat(50_000));
    let arg = format!("@{}", file.display());
    for _ in 0..30 {
        server.curl(&["--data-binary", &arg], "/events/b");
    }
    let mut wire = subscribe(&server, "/some?c=a,b", "");
    publish(&server, "/events/a", "live");
    assert!(!wire.until("data: live\n\n").contains("gap"));
}

#[test]
fn a_quiet_reader_is_given_ids_that_do_not_age() {
    let server = up("sse_keepalive 100ms;");
    let mut wire = subscribe(&server, "/some?c=quiet,too", "");
    let last = publish(&server, "/events/other", "x");
    wire.until(&format!("id: {last}\n\n"));
    // Then nothing has moved: comments are enough.
    wire.until(":\n\n");
}

#[test]
fn there_is_no_hole_at_the_seam_of_old_and_new() {
    let server = up("sse_history 100000 1h;");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut wire = server.wire();
            let mut n = 0u32;
            while !done.load(Ordering::Relaxed) {
                let body = n.to_string();
                wire.send(format!(
                    "POST /events/c HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                ));
                // Each on the connection's next request, until that is its last.
                if !wire.answer().keeps() {
                    wire = server.wire();
                }
                n += 1;
            }
        });
        let (mut cursor, mut seen) = (publish(&server, "/events/c", "first"), Vec::new());
        for _ in 0..60 {
            let mut wire = subscribe(&server, "/events/c", &format!("Last-Event-ID: {cursor}\r\n"));
            wire.until("\n\n");
            for _ in 0..20 {
                let block = wire.until("\n\n");
                let field = |name: &str| {
                    let line = block.lines().find_map(|line| line.strip_prefix(name));
                    line.unwrap_or_else(|| panic!("{block:?}")).to_owned()
                };
                cursor = field("id: ");
                seen.push(field("data: ").parse::<u32>().expect("a number"));
            }
        }
        done.store(true, Ordering::Relaxed);
        assert_eq!(seen, (seen[0]..seen[0] + 1200).collect::<Vec<_>>());
    });
}
