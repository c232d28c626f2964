//! What peers are told of the client.

use std::io::{Read, Write};

use support::{Wire, raw};

use crate::peer::Peer;
use crate::twin::{both, start};

fn conf(peer: &Peer, more: &str) -> String {
    let port = peer.port;
    format!(
        "stream {{ server {{ listen 127.0.0.1:{{port}}; proxy_pass 127.0.0.1:{port}; proxy_half_close on; {more} }} }}"
    )
}

#[test]
fn who_the_client_is_as_nginx_tells_it() {
    let peer = Peer::mirror();
    let (server, twin) = both(&conf(&peer, "proxy_protocol on;"));
    for port in [server.port(), twin.port()] {
        let mut wire = Wire::open_from([127, 0, 0, 5], port);
        let own = wire.stream().local_addr().expect("an address").port();
        wire.send("what follows");
        wire.half_close();
        let told = String::from_utf8(wire.rest()).expect("text");
        assert_eq!(told, format!("PROXY TCP4 127.0.0.5 127.0.0.1 {own} {port}\r\nwhat follows"));
    }
}

#[test]
fn who_the_client_is_in_bytes() {
    let peer = Peer::mirror();
    let server = start(&conf(&peer, "proxy_protocol v2;"));
    let mut wire = server.wire();
    let own = wire.stream().local_addr().expect("an address").port();
    wire.send("x");
    wire.half_close();
    let told = wire.rest();
    let (from, to) = (own.to_be_bytes(), server.port().to_be_bytes());
    let head = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x7f\0\0\x01\x7f\0\0\x01";
    assert_eq!(told, [&head[..], &from, &to, b"x"].concat());
}

/// What a proxy in front has told goes on to the peer, if that proxy is trusted.
#[test]
fn what_a_trusted_proxy_tells_goes_on() {
    let peer = Peer::mirror();
    let header = "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n";
    for (trusted, from) in [("127.0.0.1", "192.0.2.7"), ("10.0.0.0/8", "127.0.0.1")] {
        let text = conf(&peer, &format!("set_real_ip_from {trusted}; proxy_protocol on;"));
        let text =
            text.replace("listen 127.0.0.1:{port};", "listen 127.0.0.1:{port} proxy_protocol;");
        let (server, twin) = both(&text);
        for port in [server.port(), twin.port()] {
            let told = raw(port, format!("{header}x"));
            let told = String::from_utf8(told).expect("text");
            assert!(told.starts_with(&format!("PROXY TCP4 {from} 127.0.0.1 ")), "{told}");
            assert!(told.ends_with("\r\nx"), "{told}");
        }
    }
}

/// Headers that are none end the session, and nobody is asked.
#[test]
fn hostile_headers_reach_no_peer() {
    let peer = Peer::echo();
    let text = conf(&peer, "");
    let text = text.replace("listen 127.0.0.1:{port};", "listen 127.0.0.1:{port} proxy_protocol;");
    let server = start(&text);
    let long = "PROXY TCP4 ".to_owned() + &"1".repeat(70_000) + "\r\n";
    for header in ["PROXY\r\n", "GET / HTTP/1.1\r\n\r\n", &long, "\r\n\r\n\0\r\nQUIT\n\x21\x11", ""]
    {
        assert!(raw(server.port(), header).is_empty(), "{header:.40}");
    }
    let v2 = [&b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff"[..], &[0; 70_000]].concat();
    assert!(raw(server.port(), v2).is_empty());
    assert_eq!(peer.count(), 0);
    assert_eq!(raw(server.port(), "PROXY UNKNOWN\r\nx"), b"x");
}

/// A client over a Unix socket has no address.
#[test]
fn a_client_without_an_address_is_unknown() {
    let peer = Peer::mirror();
    let text = conf(&peer, "listen unix:{dir}/s; proxy_protocol on;");
    let (server, twin) = both(&text);
    for dir in [server.dir(), twin.dir()] {
        let mut stream = std::os::unix::net::UnixStream::connect(dir.path("s")).expect("connected");
        stream.write_all(b"x").expect("sent");
        stream.shutdown(std::net::Shutdown::Write).expect("an end");
        let mut told = String::new();
        stream.read_to_string(&mut told).expect("text");
        assert_eq!(told, "PROXY UNKNOWN\r\nx");
    }
}
