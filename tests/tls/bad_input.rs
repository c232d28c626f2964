//! What no honest client sends, and what honest ones send to the wrong place.

use std::sync::Arc;

use support::certificates::{Authority, Key, Validity};
use support::{Wire, proc};

use crate::client::{config, get, prepared, s_client, start, with_leaf};

const SITE: &str = "worker_processes 1; events { worker_connections 12000; }
    http { {tls} access_log off; client_header_timeout 1500ms;
    server { listen 127.0.0.1:{port} ssl; location / { return 200 fine; } location = /plain { return 200 x; }
        error_page 497 =301 https://$host$request_uri; }
    server { listen 127.0.0.1:{port2}; return 200 plain; } }";

fn rss(pid: u32) -> u64 {
    proc::memory_kb(pid) << 10
}

/// A client's hello, as rustls makes it.
fn hello() -> Vec<u8> {
    let name = rustls::pki_types::ServerName::try_from("a.example").expect("a name");
    let client = rustls::ClientConnection::new(Arc::new(config(None)), name);
    let mut client = client.expect("a client");
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).expect("into memory");
    bytes
}

#[test]
fn plain_http_is_told_so() {
    let (server, _) = start(SITE);
    let mut wire = Wire::open(server.port());
    wire.send("GET /plain?a=b HTTP/1.1\r\nHost: a.example\r\n\r\n");
    let answer = wire.answer();
    assert_eq!(answer.status, 301);
    assert_eq!(answer.header("Location"), Some("https://a.example/plain?a=b"));
    let (server, _) = start(&SITE.replace("error_page 497 =301 https://$host$request_uri;", ""));
    let mut wire = Wire::open(server.port());
    wire.send("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
    let answer = wire.answer();
    assert_eq!(answer.status, 400);
    assert!(
        answer.text().contains("<center>The plain HTTP request was sent to HTTPS port</center>")
    );
    assert!(wire.closes());
    server.wait_for("the log", || {
        server.error_log().contains("client sent plain HTTP request to HTTPS port")
    });
}

/// As nginx: 400, since it is no request line.
#[test]
fn tls_on_a_plain_port_is_a_bad_request() {
    let (server, _) = start(SITE);
    let mut wire = Wire::open(server.port2());
    wire.send(hello());
    wire.half_close();
    let said = String::from_utf8_lossy(&wire.rest()).into_owned();
    assert!(said.contains("400 Bad Request"), "{said}");
}

#[test]
fn a_hello_may_come_byte_by_byte_and_record_by_record() {
    let (server, _) = start(SITE);
    let hello = hello();
    let mut wire = Wire::open(server.port());
    for byte in &hello {
        assert!(wire.send([*byte]));
    }
    assert_eq!(wire.exactly(1), [22], "a handshake's record");
    // The same message in records of one byte each.
    let mut wire = Wire::open(server.port());
    let mut records = Vec::new();
    for byte in &hello[5..] {
        records.extend([22, 3, 1, 0, 1, *byte]);
    }
    wire.send(records);
    assert_eq!(wire.exactly(1), [22]);
}

#[test]
fn garbage_is_answered_by_an_alert_and_disturbs_nobody() {
    let (server, _) = start(SITE);
    let hello = hello();
    let mut cases: Vec<Vec<u8>> = vec![
        b"\x16\x03\x01\xff\xff".to_vec(),
        b"\x16\x03\x01\x00\x00".to_vec(),
        b"\x16\x03\x01\x00\x04\x01\x00\x00\x00".to_vec(),
        b"\x15\x03\x01\x00\x02\x02\x28".to_vec(),
        b"\x80\x2e\x01\x00\x02".to_vec(),
        vec![0; 100],
    ];
    for at in [6, 9, 40, hello.len() / 2, hello.len() - 1] {
        let mut broken = hello.clone();
        broken[at] ^= 0xff;
        cases.push(broken);
    }
    for bytes in cases {
        let mut wire = Wire::open(server.port());
        wire.send(&bytes);
        wire.half_close();
        wire.rest();
    }
    let client = Arc::new(config(None));
    assert_eq!(get(server.port(), &client, "a.example", "/"), (200, "fine".into()));
}

#[test]
fn old_versions_are_refused_and_renegotiation_does_not_happen() {
    let (server, _) = start(SITE);
    for version in ["-tls1_1", "-tls1"] {
        let said = s_client(server.port(), &[version, "-cipher", "ALL:@SECLEVEL=0"], "");
        assert!(said.contains("protocol version"), "{version}: {said}");
    }
    let said = s_client(server.port(), &["-tls1_2"], "R\n");
    assert!(!said.contains("verify return:1\nread R BLOCK\nverify"), "{said}");
}

/// As many as the descriptors of a test allow; the worker has room for more.
const MANY: u64 = 10_000;

/// Each costs its slot and little more, and goes by `client_header_timeout`; who shakes hands properly is served.
#[test]
fn many_half_done_handshakes() {
    let (server, _) = start(SITE);
    let worker = server.workers()[0];
    let before = rss(worker);
    let hello = hello();
    let mut waiting = Vec::new();
    for at in 0..MANY {
        let mut wire = Wire::open(server.port());
        // Some have sent a part of it, some all of it and do not go on.
        let sent = if at % 2 == 0 { &hello[..100] } else { &hello[..] };
        wire.send(sent);
        waiting.push(wire);
    }
    let client = Arc::new(config(None));
    assert_eq!(get(server.port(), &client, "a.example", "/"), (200, "fine".into()));
    let each = rss(worker).saturating_sub(before) / MANY;
    assert!(each < 24 << 10, "{each} bytes for each");
    for wire in &mut waiting {
        wire.rest();
    }
    server.wait_for("the log", || {
        server
            .error_log()
            .contains("client timed out (110: Connection timed out) while SSL handshaking")
    });
}

/// The answer's bytes are counted as they are, whatever the client takes, and nobody's memory grows by it.
#[test]
fn a_client_that_takes_nothing_costs_a_few_records() {
    let (server, _) = start(
        "worker_processes 1; http { {tls} access_log off; server { listen 127.0.0.1:{port} ssl; } }",
    );
    let big = server.file("html/big", vec![b'x'; 64 << 20]);
    let worker = server.workers()[0];
    let before = rss(worker);
    let client = Arc::new(config(None));
    let mut wires: Vec<Wire> = (0..20)
        .map(|_| {
            let mut wire = Wire::open(server.port()).with_tls(client.clone(), "a.example");
            wire.send("GET /big HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n");
            wire
        })
        .collect();
    let grown = || rss(worker).saturating_sub(before);
    assert!(grown() < 12 << 20, "{} bytes", grown());
    let answer = wires[0].answer();
    assert_eq!(answer.body, std::fs::read(big).expect("the file"));
    assert!(grown() < 12 << 20, "{} bytes", grown());
}

/// RFC 8446 §6.1: who sees no close_notify knows that something may be missing. Where nothing else frames a body, its end
/// must not look like one.
#[test]
fn half_a_body_is_not_taken_for_the_whole() {
    let (server, _) = start(
        "http { {tls} access_log off; gunzip on; gzip_static always;
        server { listen 127.0.0.1:{port} ssl; } }",
    );
    let mut packed = support::process::run(
        std::process::Command::new("sh").args(["-c", "seq 1 400000 | gzip -c"]),
    )
    .stdout;
    server.file("html/whole.gz", &packed);
    let end = packed.len() - 8;
    packed.truncate(end / 2);
    server.file("html/half.gz", &packed);
    let client = Arc::new(config(None));
    for (path, whole) in [("/whole", true), ("/half", false)] {
        let mut wire = Wire::open(server.port()).with_tls(client.clone(), "a.example");
        wire.send(format!("GET {path} HTTP/1.0\r\nHost: a.example\r\n\r\n"));
        let said = wire.rest();
        assert!(said.starts_with(b"HTTP/1.1 200"), "{path}");
        assert_eq!(wire.is_broken(), !whole, "{path}");
    }
}

/// Handshakes that come all at once have their turns one after the other, whatever is spoken inside, and each goes on.
#[test]
fn many_handshakes_at_once() {
    let authority = Authority::new("tests");
    let leaf = authority.leaf("rsa", &["a.example"], Key::Rsa, Validity::Now);
    let hello = hello();
    for block in ["http { server {", "rtmp { server {", "stream { server { return x;"] {
        let conf = format!(
            "worker_processes 1; {block} listen 127.0.0.1:{{port}} ssl; ssl_certificate rsa.pem; ssl_certificate_key rsa.key; }} }}"
        );
        let server = with_leaf(prepared(&conf, &authority), "rsa", &leaf).start();
        let mut wires: Vec<Wire> = (0..60).map(|_| Wire::open(server.port())).collect();
        // They are all there when the worker looks.
        let worker = server.workers()[0];
        support::process::signal(worker, "STOP");
        wires.iter_mut().for_each(|wire| assert!(wire.send(&hello)));
        support::process::signal(worker, "CONT");
        for wire in &mut wires {
            assert_eq!(wire.exactly(1), [22], "{block}: a handshake's record");
        }
    }
}
