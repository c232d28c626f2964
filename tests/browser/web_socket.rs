//! The browser's WebSocket on the location of an event stream.

use crate::chromium::Chromium;
use crate::listener::{publish, start_channels, unescape};

#[test]
fn a_page_reads_and_publishes() {
    let server = start_channels("");
    let chromium = Chromium::start();
    chromium.open(&server.url("/listen.html?/streams/other"));
    let address = format!("ws://127.0.0.1:{}/streams/a", server.port());
    chromium.text(&format!(
        "window.said = [], window.ends = [], window.open = (name, protocols) => {{ \
         const socket = new WebSocket('{address}', protocols); \
         socket.onmessage = e => said.push(name + encodeURIComponent(e.data)); \
         socket.onclose = e => ends.push(name + e.code + e.wasClean); return socket; }}"
    ));
    chromium.text("window.plain = open('plain:', [])");
    chromium.text("window.whole = open('whole:', ['sse'])");
    server.wait_for("both", || chromium.text("plain.readyState + whole.readyState") == "2");
    assert_eq!(chromium.text("whole.protocol"), "sse");
    let heard = |word: &str| {
        let all = chromium.text("said.join(' ')");
        all.split(' ').any(|said| unescape(said) == word)
    };
    let id = publish(&server, "/streams/a?event=tick", "two\nlines ü");
    server.wait_for("the data", || heard("plain:two\nlines ü"));
    let block = format!("whole:id: {id}\nevent: tick\ndata: two\ndata: lines ü\n\n");
    server.wait_for("the event", || heard(&block));
    chromium.text("plain.send('from the page')");
    server.wait_for("its own", || heard("plain:from the page"));
    server.curl(&["-X", "DELETE"], "/streams/a");
    server.wait_for("the end", || {
        let ends = chromium.text("ends.sort().join(' ')");
        ends == "plain:1000true whole:1000true"
    });
}
