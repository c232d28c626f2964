//! `listen … proxy_protocol`, beside nginx: who the client is, as a proxy tells it before the first request.

use std::io::Write;

use support::{Server, Twin, http, raw, start};

const CONF: &str = r#"server {
    listen 127.0.0.1:{port} proxy_protocol;
    return 200 "$proxy_protocol_addr|$proxy_protocol_port|$proxy_protocol_server_addr|$proxy_protocol_server_port|$remote_addr|$proxy_protocol_tlv_alpn|$proxy_protocol_tlv_0xEA|$proxy_protocol_tlv_ssl_version|$proxy_protocol_tlv_ssl_verify|$http_x";
}"#;

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: x\r\nX: y\r\nConnection: close\r\n\r\n";

fn both() -> (Server, Twin) {
    let server = start!(http(CONF));
    // Debian's nginx has no variables for TLVs yet.
    let words = CONF.split('|').filter(|word| !word.starts_with("$proxy_protocol_tlv"));
    let text = words.collect::<Vec<_>>().join("|");
    let twin = Twin::start(http(&text.replace("$remote_addr|", "$remote_addr|||||")), &server);
    (server, twin)
}

/// The answer's body; empty: there is none.
fn told(port: u16, bytes: &[u8]) -> String {
    let answers = support::answers(&raw(port, bytes), &[]);
    answers.first().map_or(String::new(), |answer| format!("{} {}", answer.status, answer.text()))
}

fn v2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n".to_vec();
    header.extend_from_slice(&[command, family]);
    header.extend_from_slice(&(body.len() as u16).to_be_bytes());
    header.extend_from_slice(body);
    header
}

fn tlv(kind: u8, value: &[u8]) -> Vec<u8> {
    [&[kind][..], &(value.len() as u16).to_be_bytes(), value].concat()
}

#[test]
fn the_headers_that_there_are_say_the_same_as_to_nginx() {
    let (server, twin) = both();
    let v4 = [10, 0, 0, 1, 10, 0, 0, 2, 0x12, 0x34, 7, 0x8F];
    let v6 = [&[0; 15][..], &[1], &[0; 15], &[2], &[0, 1, 0, 2]].concat();
    let ssl = tlv(0x20, &[&[1, 0, 0, 0, 7][..], &tlv(0x21, b"TLSv1.3")].concat());
    let tlvs = [&v4[..], &tlv(1, b"h2"), &tlv(0xEA, b"vpce"), &ssl].concat();
    let headers: [&[u8]; 13] = [
        b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n",
        b"PROXY TCP6 2001:db8::7 ::1 1 2\r\n",
        b"PROXY UNKNOWN\r\n",
        b"PROXY UNKNOWN whatever it says\r\n",
        &v2(0x21, 0x11, &v4),
        &v2(0x21, 0x21, &v6),
        &v2(0x20, 0x00, &[]),
        // None, or a broken one: the connection is closed without an answer.
        b"",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 99999\r\n",
        b"PROXY TCP4 192.0.2.7\r\n",
        b"PROXZ TCP4 192.0.2.7 198.51.100.1 56324 443\r\n",
        &v2(0x11, 0x11, &v4),
        &v2(0x21, 0x21, &v4),
    ];
    for header in headers {
        let bytes = [header, REQUEST.as_bytes()].concat();
        let (ours, theirs) = (told(server.port(), &bytes), told(twin.port(), &bytes));
        assert_eq!(ours, theirs, "{}", header.escape_ascii());
    }
    let all = told(server.port(), &[&v2(0x21, 0x11, &tlvs)[..], REQUEST.as_bytes()].concat());
    assert_eq!(all, "200 10.0.0.1|4660|10.0.0.2|1935|127.0.0.1|h2|vpce|TLSv1.3|7|y");
}

#[test]
fn it_comes_once_and_in_any_pieces() {
    let server = start!(http(CONF));
    let header = "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n";
    let request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    for size in [1, 7, header.len() - 1, header.len(), header.len() + 5] {
        let mut wire = server.wire();
        let bytes = format!("{header}{request}{request}");
        for piece in bytes.as_bytes().chunks(size) {
            wire.stream().write_all(piece).expect("sent");
            std::thread::yield_now();
        }
        for _ in 0..2 {
            assert!(wire.answer().text().starts_with("192.0.2.7|56324|"), "{size}");
        }
        // A third one, after the connection was idle.
        wire.send(request);
        assert!(wire.answer().text().starts_with("192.0.2.7|56324|"), "{size}");
    }
    // What one connection was told is not another's.
    assert_eq!(
        told(server.port(), format!("PROXY UNKNOWN\r\n{REQUEST}").as_bytes()),
        "200 ||||127.0.0.1|||||y"
    );
}

#[test]
fn who_keeps_the_header_back_is_closed() {
    let server = start!(http(&CONF.replace("return", "client_header_timeout 100ms; return")));
    let mut wire = server.wire();
    wire.send("PROXY TCP4 ");
    assert_eq!(wire.rest(), b"");
    let mut half = server.wire();
    half.send("PROXY TCP4 ");
    half.half_close();
    assert_eq!(half.rest(), b"");
    server.wait_for("the log", || server.error_log().contains("broken header: \"PROXY TCP4 \""));
}

#[test]
fn only_where_it_is_written() {
    let conf = "server { listen 127.0.0.1:{port} proxy_protocol; listen 127.0.0.1:{port2};
        server_name a; return 200 a$proxy_protocol_addr; }
        server { listen 127.0.0.1:{port}; server_name b; return 200 b$proxy_protocol_addr; }";
    let server = start!(http(conf));
    let request = |host: &str| format!("GET / HTTP/1.0\r\nHost: {host}\r\n\r\n");
    let header = "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n";
    // A property of the address: of all its servers.
    for host in ["a", "b"] {
        let bytes = format!("{header}{}", request(host));
        assert_eq!(told(server.port(), bytes.as_bytes()), format!("200 {host}192.0.2.7"));
        assert_eq!(told(server.port(), request(host).as_bytes()), "");
    }
    assert_eq!(told(server.port2(), request("a").as_bytes()), "200 a");
}
