//! More tabs than a browser opens connections to one server.

use crate::chromium::Chromium;
use crate::listener::{publish, start_channels};

const WORKER: &str = "'use strict';
const ports = [], source = new EventSource('/streams/tabs');
source.onmessage = event => ports.forEach(port => port.postMessage(event.data));
onconnect = event => { ports.push(event.ports[0]); event.ports[0].postMessage('connected'); };
";
const TAB: &str = "'use strict';
const got = [], worker = new SharedWorker('worker.js');
worker.port.onmessage = event => got.push(event.data);
";

#[test]
fn seven_tabs_share_one_stream() {
    let server = start_channels("");
    server.file("html/tab.html", "<!doctype html><script src=tab.js></script>");
    server.file("html/tab.js", TAB);
    server.file("html/worker.js", WORKER);
    let chromium = Chromium::start();
    chromium.open(&server.url("/tab.html"));
    for _ in 1..7 {
        chromium.open_tab();
        chromium.open(&server.url("/tab.html"));
    }
    assert_eq!(chromium.tabs(), 7);
    let wait_in_each = |said: &str| {
        for tab in 0..7 {
            chromium.go_to(tab);
            server.wait_for(said, || chromium.text("got.join()") == said);
        }
    };
    wait_in_each("connected");
    let one = || server.get("/status").text().contains("\"subscribers\":1,\"behind\"");
    server.wait_for("a subscriber", one);
    publish(&server, "/streams/tabs", "for all");
    wait_in_each("connected,for all");
    assert!(one(), "{}", server.get("/status").text());
}
