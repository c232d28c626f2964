//! Certificates that do not live long.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use support::wait_for;

use crate::pebble::Pebble;

/// At two thirds of its life there is another, without a reload. Each handshake finds one.
#[test]
fn certificates_are_renewed_in_time() {
    let pebble = Pebble::start(15);
    let server = pebble.server(&pebble.issuer("")).start();
    let first = pebble.comes(&server, "");
    let workers = server.workers();
    let (mut second, mut handshakes) = (first.clone(), 0);
    wait_for("another certificate", || {
        second = pebble.shown();
        handshakes += 1;
        assert!(!second.is_empty(), "a handshake failed:\n{}", server.error_log());
        second != first
    });
    assert!(handshakes > 1);
    assert_eq!(server.workers(), workers, "nobody was replaced");
    // The state has the one that is served.
    let state = std::fs::read_dir(server.path("state")).expect("a folder");
    let mut file = state.map(|entry| entry.expect("an entry").path());
    let file = file.find(|path| path.extension().is_some_and(|end| end == "pem"));
    wait_for("the file", || {
        let mut openssl = Command::new("openssl");
        openssl.args(["x509", "-noout", "-serial", "-in"]).arg(file.as_ref().expect("a file"));
        let serial = openssl.output().expect("openssl").stdout;
        pebble.shown().starts_with(String::from_utf8_lossy(&serial).as_ref())
    });
}

/// A connection goes on with the certificate that it has begun with.
#[test]
fn open_connections_stay() {
    let pebble = Pebble::start(15);
    let server = pebble.server(&pebble.issuer("")).start();
    let first = pebble.comes(&server, "");
    let mut plain = TcpStream::connect(("127.0.0.1", server.port())).expect("a connection");
    let script = format!(
        "openssl s_client -quiet -connect 127.0.0.1:{} -servername a.example 2>/dev/null",
        pebble.tls
    );
    let mut client = Command::new("sh")
        .args(["-c", &script])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("sh");
    let (mut input, mut output) =
        (client.stdin.take().expect("a pipe"), client.stdout.take().expect("a pipe"));
    let mut ask = || {
        input.write_all(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n").expect("it takes it");
        let mut answer = Vec::new();
        while !answer.ends_with(b"hello") {
            let mut byte = [0];
            output.read_exact(&mut byte).expect("it is open");
            answer.push(byte[0]);
        }
    };
    ask();
    pebble.comes(&server, &first);
    ask();
    plain.write_all(b"GET / HTTP/1.0\r\nHost: a.example\r\n\r\n").expect("it is open");
    let mut answer = String::new();
    plain.read_to_string(&mut answer).expect("an answer");
    assert!(answer.ends_with("hello"));
    let _ = client.kill();
    let _ = client.wait();
}
