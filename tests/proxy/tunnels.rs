//! Connections that leave HTTP on their way through: WebSockets, and whatever else a peer switches to.

use std::io::{Read, Write};
use std::process::Command;

use support::{Server, Wire, bytes, http, process, start};

use crate::origin::{Exchange, Origin};

const UPGRADE: &str =
    "GET /x HTTP/1.1\r\nHost: a\r\nUpgrade: other\r\nConnection: keep-alive, Upgrade\r\n\r\n";
const SETTINGS: &str =
    "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;";

fn server(origin: &Origin, more: &str) -> Server {
    start!(http(&format!(
        "log_format told '$status $bytes_sent $upstream_bytes_sent $upstream_bytes_received'; access_log logs/access.log told buffer=0;
        server {{ listen 127.0.0.1:{{port}}; location / {{ proxy_pass http://127.0.0.1:{}; {SETTINGS} {more} }} }}",
        origin.port
    )))
}

const ANSWER: &str =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\nX-Own: 1\r\n\r\n";

/// Switches, and sends this at once.
fn switch(exchange: &mut Exchange, at_once: &[u8]) {
    exchange.send([ANSWER.as_bytes(), at_once].concat());
}

/// An origin that sends back what it is sent, and ends when its client does.
fn echo(at_once: &'static [u8]) -> Origin {
    Origin::start(move |exchange| {
        switch(exchange, at_once);
        let mut piece = [0; 4096];
        while let Ok(count) = exchange.stream.read(&mut piece) {
            if count == 0 || exchange.stream.write_all(&piece[..count]).is_err() {
                break;
            }
        }
        false
    })
}

#[test]
fn both_sides_hear_each_other() {
    let origin = echo(b"hello");
    let server = server(&origin, "");
    let mut wire = Wire::open(server.port());
    // What stands behind the request is for whoever has switched.
    wire.send([UPGRADE.as_bytes(), b"early"].concat());
    let head = wire.until("\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{head}");
    assert!(head.contains("Upgrade: other\r\n") && head.contains("X-Own: 1\r\n"), "{head}");
    assert!(head.to_lowercase().contains("connection: upgrade\r\n"), "{head}");
    assert_eq!(wire.exactly(10), b"helloearly");
    for size in [1, 100, 70_000] {
        let sent = bytes(size);
        wire.send(&sent);
        assert_eq!(wire.exactly(size), sent);
    }
    let asked = &origin.heads()[0];
    assert!(
        asked.contains("Upgrade: other\r\n") && asked.contains("Connection: upgrade\r\n"),
        "{asked}"
    );
    wire.half_close();
    assert!(wire.closes());
    // Bytes that were sent and came beside the heads are told, too.
    server.wait_for("the log", || {
        let log = server.access_log();
        let Some(line) = log.lines().find(|line| line.starts_with("101 ")) else { return false };
        let numbers: Vec<usize> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
        let (up, down) = (5 + 70_101, 10 + 70_101);
        assert_eq!(numbers[1..], [head.len() + down, asked.len() + up, ANSWER.len() + down]);
        true
    });
}

/// One side sends more than the other takes: nothing is lost, and nothing is collected.
#[test]
fn a_slow_side_holds_the_other_up() {
    const LEN: usize = 40 << 20;
    let origin = Origin::start(|exchange| {
        switch(exchange, b"");
        exchange.send(bytes(LEN));
        exchange.hang();
        false
    });
    let server = server(&origin, "");
    let mut wire = Wire::open(server.port());
    wire.send(UPGRADE);
    wire.until("\r\n\r\n");
    let pids = process::children(server.pid());
    let memory = || pids.iter().map(|pid| support::proc::memory_kb(*pid)).max();
    assert_eq!(wire.exactly(LEN), bytes(LEN));
    assert!(memory().is_some_and(|kb| kb < 60_000), "{:?} kB", memory());
}

#[test]
fn silence_ends_it() {
    let origin = echo(b"");
    let server = server(&origin, "proxy_read_timeout 300ms;");
    let mut wire = Wire::open(server.port());
    wire.send(UPGRADE);
    wire.until("\r\n\r\n");
    assert!(wire.closes());
}

#[test]
fn the_peers_end_is_the_clients() {
    let origin = Origin::start(|exchange| {
        switch(exchange, b"last words");
        false
    });
    let server = server(&origin, "");
    let mut wire = Wire::open(server.port());
    wire.send(UPGRADE);
    wire.until("\r\n\r\n");
    assert_eq!(wire.rest(), b"last words");
}

/// Who was not asked to switch does not; nor is anybody asked for HTTP/2 in this way, which would pass by all rules.
#[test]
fn nobody_switches_by_himself() {
    let origin = echo(b"");
    let server = start!(http(&format!(
        "server {{ listen 127.0.0.1:{{port}};
            location / {{ proxy_pass http://127.0.0.1:{0}; }}
            location /up/ {{ proxy_pass http://127.0.0.1:{0}; {SETTINGS} }} }}",
        origin.port
    )));
    // The configuration does not pass the wish on.
    let mut wire = Wire::open(server.port());
    wire.send(UPGRADE);
    assert_eq!(wire.answer().status, 502);
    // The client has no wish.
    assert_eq!(server.get("/up/").status, 502);
    for field in ["Upgrade: h2c", "Upgrade: websocket, h2c"] {
        let mut wire = Wire::open(server.port());
        wire.send(format!(
            "GET /up/ HTTP/1.1\r\nHost: a\r\n{field}\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n"
        ));
        assert_eq!(wire.answer().status, 502);
    }
    for head in origin.heads().iter().skip(2) {
        assert!(!head.contains("h2c") && !head.contains("HTTP2"), "{head}");
    }
}

/// A tunnel outlives a reload of the server: its worker stays until it has ended.
#[test]
fn a_reload_does_not_cut_it() {
    let origin = echo(b"");
    let server = server(&origin, "");
    let mut wire = Wire::open(server.port());
    wire.send(UPGRADE);
    wire.until("\r\n\r\n");
    for _ in 0..3 {
        let output = server.command(&["-s", "reload"]);
        assert!(output.status.success(), "{output:?}");
        wire.send("still there");
        assert_eq!(wire.exactly(11), b"still there");
    }
}

/// Node's client reads our own events by WebSocket, through a proxy that is another location of the same server.
#[test]
fn a_web_socket_of_others() {
    let server = start!(http(&format!(
        "sse_zone chat 1m;
        server {{ listen 127.0.0.1:{{port}};
            location = /chat {{ sse_subscribe chat; sse_publish chat; }}
            location /through/ {{ proxy_pass http://127.0.0.1:{{port}}/chat; {SETTINGS} }} }}"
    )));
    let script = format!(
        "const socket = new (require('ws'))('ws://127.0.0.1:{}/through/');
        const timer = setTimeout(() => process.exit(2), 15000);
        socket.on('open', () => socket.send('a message'));
        socket.on('message', data => {{ console.log(String(data)); clearTimeout(timer); socket.close(); }});
        socket.on('error', error => {{ console.error(String(error)); process.exit(1); }});",
        server.port()
    );
    let program = std::env::current_exe().expect("a path");
    let target = program.ancestors().nth(3).expect("the build directory");
    let output = process::run(
        Command::new("node")
            .arg("-e")
            .arg(script)
            .env("NODE_PATH", target.join("clients/node/node_modules")),
    );
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && told.contains("a message"), "{output:?}");
}
