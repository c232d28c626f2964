//! The page that shows event streams.

use support::process;

use crate::chromium::Chromium;
use crate::listener::unescape;
use crate::shipped;

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
    server.wait_for("the stream", || said("state") == "open");

    // One event, of several lines and a type of its own.
    chromium.text(
        "(document.getElementById('data').value = '<b>one</b>\\n\\n two', \
         document.getElementById('type').value = 'näws', \
         document.getElementById('publish').requestSubmit())",
    );
    server.wait_for("the event", || said("received") == "1");
    let cells = || {
        let all = "[...document.querySelectorAll('#feed-body td')].map(cell => cell.textContent)";
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
    server.workers().iter().for_each(|&worker| process::signal(worker, "KILL"));
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
    server.wait_for("the event", || cells().ends_with("|message|and again"));
}

#[test]
fn the_events_page_tells_of_a_gap() {
    let server = shipped();
    let chromium = Chromium::start();
    chromium.open(&server.url("/events.html?other"));
    let line = || chromium.text("document.getElementById('line').textContent");
    server.wait_for("the stream", || line().contains("openreads other from now on"));
    // An id of another life of the log, as after a restart.
    chromium.text("(now.source.close(), connect(now, '0-1'))");
    server.wait_for("the gap", || line().contains("gapwhat followed 0-1 is gone (epoch)"));
    assert_eq!(chromium.complaints(), "[]");
}
