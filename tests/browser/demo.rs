//! The page that shows event streams.

use support::{Server, process};

use crate::chromium::Chromium;
use crate::listener::{publish, unescape};
use crate::{shipped, shipped_with};

#[test]
fn the_events_page_publishes_and_misses_nothing() {
    let server = shipped();
    let chromium = Chromium::start();
    let said = |id: &str| chromium.text(&format!("document.getElementById('{id}').textContent"));
    let click = |id: &str| {
        chromium.text(&format!("document.getElementById('{id}').click()"));
    };
    let line = || said("line");
    chromium.open(&server.url("/events.html"));
    // What is counted here is the test's own.
    click("tick");
    server.wait_for("the stream", || said("state") == "open");

    // One event, of several lines and a type of its own.
    chromium.text(
        "(document.getElementById('data').value = '<b>one</b>\\n\\n two', \
         document.getElementById('type').value = 'näws', \
         document.getElementById('publish').requestSubmit())",
    );
    server.wait_for("the event", || said("received") == "1");
    let cells = || {
        let all = "[...document.querySelectorAll('#feed-body tr:not(.none) td')].map(cell => cell.textContent)";
        unescape(&chromium.text(&format!("encodeURIComponent({all}.join('|'))")))
    };
    let last = said("last");
    server.wait_for("its row", || cells() == format!("{last}|näws|<b>one</b>\n\n two"));
    server
        .wait_for("the answer", || said("said") == format!("Published as {last}; one subscriber."));
    assert_eq!(chromium.complaints(), "[]");

    // A hundred, with the workers killed in the middle.
    click("hundred");
    server.wait_for("some of them", || chromium.number("now.received") >= 20.0);
    process::kill(&server.workers());
    server.wait_for("the break", || {
        line().contains("the browser comes back by itself, with Last-Event-ID")
    });
    server.wait_for("all of them", || chromium.number("now.received") >= 101.0);
    server.wait_for("the account", || line().contains("events had come, nothing missed"));
    assert!(line().contains("resumedbehind "), "{}", line());

    // The connection dropped by the page, and an event meanwhile.
    click("drop");
    server.wait_for("the drop", || said("state") == "dropped");
    // The server may not have noticed yet.
    assert!(matches!(server.curl(&["-d", "meanwhile"], "/events/demo").status, 201 | 202));
    server.wait_for("its event", || said("received") == "102");
    server.wait_for("the account", || line().contains("one event had come, nothing missed"));
    assert!(line().contains("reconnectingwith ?last_event_id="), "{}", line());
    for (id, count) in [("published", "101"), ("missed", "0"), ("twice", "0")] {
        server.wait_for(id, || said(id) == count);
    }

    // The end of the channel is the end of the stream, until it is opened again.
    click("end");
    server.wait_for("the end", || line().contains("closedthe channel has ended"));
    assert!(line().contains("endthe channel has ended, with "), "{}", line());
    assert_eq!(server.curl(&["-d", "anew"], "/events/demo").status, 202);
    chromium.text("document.getElementById('follow').requestSubmit()");
    server.wait_for("the stream", || said("state") == "open");
    assert_eq!(server.curl(&["-d", "and again"], "/events/demo").status, 201);
    server.wait_for("the event", || cells().contains("|message|and again|"));
}

#[test]
fn the_events_page_tells_of_a_gap() {
    let server = shipped();
    let chromium = Chromium::start();
    chromium.open(&server.url("/events.html?other"));
    let line = || chromium.text("document.getElementById('line').textContent");
    server.wait_for("the stream", || line().contains("openreads other, from what is kept on"));
    // An id of another life of the log, as after a restart.
    chromium.text("(now.source.close(), connect(now, '0-1'))");
    server.wait_for("the gap", || line().contains("gapwhat followed 0-1 is gone (epoch)"));
    assert_eq!(chromium.complaints(), "[]");
}

/// Rows of the feed: what is in them.
fn rows(chromium: &Chromium) -> String {
    chromium.text(
        "[...document.querySelectorAll('#feed-body tr:not(.none)')].map(row => row.lastChild.textContent).join()",
    )
}

fn subscribers(server: &Server, channel: &str) -> String {
    let url = format!("/events/{channel}");
    let text = server.curl(&["-H", "Accept: application/vnd.rserve.channel+json"], &url).text();
    let count = text.split("\"subscribers\":").nth(1).and_then(|rest| rest.split(',').next());
    count.unwrap_or("none").to_owned()
}

#[test]
fn the_events_page_begins_with_the_last_ten() {
    let server = shipped();
    for n in 1..=12 {
        publish(&server, "/events/news", &n.to_string());
    }
    let chromium = Chromium::start();
    chromium.open(&server.url("/events.html?news"));
    server.wait_for("the last ten", || rows(&chromium) == "12,11,10,9,8,7,6,5,4,3");
    publish(&server, "/events/news", "13");
    server.wait_for("the next one", || rows(&chromium) == "13,12,11,10,9,8,7,6,5,4");
    let gaps = "document.querySelectorAll('#line .gap').length";
    assert_eq!(chromium.text(gaps), "0", "that it began at the beginning is nothing to tell");
    // Only the channel of the demonstration ticks.
    assert_eq!(chromium.text("document.getElementById('tick-box').hidden"), "true");
    assert_eq!(chromium.complaints(), "[]");
}

#[test]
fn a_quiet_demonstration_ticks_while_it_is_seen() {
    let server = shipped();
    let chromium = Chromium::start();
    chromium.open(&server.url("/events.html"));
    let ticks = || rows(&chromium).matches("tick at ").count();
    server.wait_for("two ticks", || ticks() >= 2);
    assert_eq!(chromium.text("document.getElementById('tick-box').hidden"), "false");
    // Hidden, then switched off: no timer is left that would publish.
    let silent = || chromium.text("ticker.waits") == "false";
    assert!(!silent());
    chromium.text("(Object.defineProperty(document, 'hidden', { configurable: true, value: true }), document.dispatchEvent(new Event('visibilitychange')))");
    assert!(silent());
    chromium
        .text("(delete document.hidden, document.dispatchEvent(new Event('visibilitychange')))");
    assert!(!silent());
    chromium.text("document.getElementById('tick').click()");
    assert!(silent());
    assert_eq!(chromium.complaints(), "[]");
}

#[test]
fn who_may_not_publish_does_not_tick() {
    let server =
        shipped_with(|conf| conf.replace("# sse_publish_from  127.0.0.1", "sse_publish_from "));
    let chromium = Chromium::start();
    chromium.open(&server.url("/events.html"));
    let hidden = || chromium.text("document.getElementById('tick-box').hidden") == "true";
    server.wait_for("the stream", || chromium.text("now.opened") == "1");
    server.wait_for("the refusal", || hidden() && chromium.text("ticker.refused") == "true");
    chromium.open(&server.url("/"));
    let said = || chromium.text("document.getElementById('ticks').textContent");
    server.wait_for("the front page's word", || said() == "It counts what others publish.");
}

/// A browser has six connections for a server, and may keep a page that was left, with what it holds.
#[test]
fn a_page_that_is_left_holds_no_connection() {
    let server = shipped();
    let chromium = Chromium::start();
    for n in 0..8 {
        chromium.open(&server.url(&format!("/events.html?channel{n}")));
        let open = || chromium.text("document.getElementById('state').textContent") == "open";
        server.wait_for("the stream", open);
    }
    let event = |name: &str| {
        chromium.text(&format!(
            "dispatchEvent(new PageTransitionEvent('{name}', {{ persisted: true }}))"
        ));
    };
    assert_eq!(subscribers(&server, "channel7"), "1");
    event("pagehide");
    server.wait_for("nobody", || subscribers(&server, "channel7") != "1");
    publish(&server, "/events/channel7", "meanwhile");
    event("pageshow");
    server.wait_for("what it missed", || rows(&chromium) == "meanwhile");
    assert_eq!(subscribers(&server, "channel7"), "1");

    chromium.open(&server.url("/"));
    server.wait_for("the front page", || subscribers(&server, "demo") == "1");
    event("pagehide");
    // A channel that nobody has published to is none, when nobody waits for it.
    server.wait_for("nobody", || subscribers(&server, "demo") != "1");
    event("pageshow");
    server.wait_for("the front page again", || subscribers(&server, "demo") == "1");
}
