//! Chromium as a client: the pages that come with the server, with the configuration that comes with
//! it, and event streams.

#[allow(dead_code, reason = "the tests of players use the rest")]
mod chromium;
mod demo;
mod event_source;
mod hls;
mod http2;
mod listener;
mod live;
mod one_address;
mod origins;
mod pictures;
mod quality;
mod recordings;
mod refuser;
mod site;
#[allow(dead_code, reason = "the tests of players use the rest")]
mod stage;
mod tabs;
mod web_socket;

use std::path::Path;

use chromium::Chromium;
use support::{Server, Start};

/// The configuration as it is shipped, but for the ports.
fn shipped() -> Server {
    shipped_with(|conf| conf)
}

/// The same with a change.
fn shipped_with(change: impl Fn(String) -> String) -> Server {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("conf");
    let conf = std::fs::read_to_string(home.join("rserve.conf")).expect("conf/rserve.conf");
    let ports = ["listen          8080;", "listen          1935;"];
    ports.iter().for_each(|port| assert!(conf.contains(port), "conf/rserve.conf has no {port}"));
    let mut start = Start::new(env!("CARGO_BIN_EXE_rserve"));
    let types = std::fs::read(home.join("mime.types")).expect("conf/mime.types");
    start = start.file("mime.types", types);
    let mut folders = vec![home.join("html")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(&home).expect("a path in it").to_string_lossy();
            start = start.file(&format!("conf/{name}"), std::fs::read(&path).expect("a file"));
        }
    }
    let conf = change(conf).replace(ports[0], "listen 127.0.0.1:{port};");
    start.conf(conf.replace(ports[1], "listen 127.0.0.1:{port2};")).start()
}

#[test]
fn the_front_page_sees_ranges() {
    let server = shipped();
    let chromium = Chromium::start();
    chromium.open(&server.url("/"));
    let fact =
        |id: &str| chromium.text(&format!("document.getElementById('fact-{id}').textContent"));
    let known = |id: &str, words: &str| {
        server.wait_for(words, || fact(id) != "…");
        let said = fact(id);
        assert!(said.contains(words), "fact-{id}: {said}");
    };
    known("server", "rserve/");
    known("accept-ranges", "bytes");
    known("range", " 206 Partial Content, 65536 bytes");
    known("304", " 304 Not Modified, 0 bytes");
    assert_eq!(chromium.complaints(), "[]");
}

/// The operators' page as it is shipped: it has all that it needs, and shows how to publish.
#[test]
fn operators_have_their_page() {
    let server = shipped();
    let chromium = Chromium::start();
    chromium.open(&server.url("/streams.html"));
    let none = || chromium.text("document.getElementById('none').textContent");
    let address = format!("rtmp://127.0.0.1:{}/live/NAME", server.port2());
    server.wait_for("the figures", || none().contains(&address));
    assert_eq!(chromium.text("document.getElementById('trouble').textContent"), "");
    assert_eq!(server.get("/control/drop/client?clientid=1").text(), "0");
    assert_eq!(chromium.complaints(), "[]");
}

#[test]
fn the_player_starts_at_a_second_and_seeks() {
    let server = shipped();
    let chromium = Chromium::start();
    chromium.open(&server.url("/player.html?60"));
    let time = || chromium.number("document.getElementById('video').currentTime");
    let state = || chromium.number("document.getElementById('video').readyState");
    // Rows of the inspector that had a part of the file.
    let count = || {
        chromium.number(
            "[...document.querySelectorAll('#ranges-body tr')].filter(row => \
             row.dataset.source === 'inspector' && row.dataset.status === '206' && \
             Number(row.dataset.bytes) > 0).length",
        )
    };
    server.wait_for("the minute", || time() >= 60.0 && state() >= 2.0);
    assert!(time() <= 62.0, "{}", time());
    // The index and where it is, and the bytes behind the play position.
    server.wait_for("the inspector", || count() >= 3.0);

    let before = count();
    chromium.text("document.getElementById('ch-20').click()");
    let there = || (20.0..22.0).contains(&time()) && state() >= 2.0;
    server.wait_for("the chapter", there);
    server.wait_for("its row", || count() > before);
    assert_eq!(chromium.text("location.search"), "?20");
    assert_eq!(chromium.text("document.getElementById('status').textContent"), "");
    assert_eq!(chromium.complaints(), "[]");
    // The video element asked for ranges, too.
    let asked = || server.access_log().matches("/media/day.mp4 HTTP/1.1\" 206 ").count();
    server.wait_for("the requests in the log", || asked() >= 4);
}
