//! What a client is told: a text with variables in it.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use support::{Wire, raw};

use crate::client::{config, start};
use crate::twin::twin;

/// What the connection comes to, without a word from the client.
fn told(port: u16) -> String {
    String::from_utf8_lossy(&raw(port, "")).into_owned()
}

#[test]
fn a_text_with_variables_as_nginx_tells_it() {
    let conf = "stream { server { listen 127.0.0.1:{port}; return
        \"$remote_addr $server_addr $protocol $status $bytes_sent $bytes_received $hostname [$ssl_protocol]
$binary_remote_addr ${remote_addr}x $proxy_protocol_addr.\"; } }";
    let (server, _) = start(conf);
    let twin = twin(conf, &server);
    let ours = told(server.port());
    assert_eq!(ours, told(twin.port()));
    assert!(ours.starts_with("127.0.0.1 127.0.0.1 TCP 000 0 0 "), "{ours}");
    assert!(ours.ends_with("\n\x7f\0\0\x01 127.0.0.1x ."), "{ours}");
}

#[test]
fn what_is_another_each_time() {
    let conf = "stream { server { listen 127.0.0.1:{port};
        return \"$server_port $remote_port $connection $session_time $pid $msec $time_iso8601 $time_local $nginx_version\"; } }";
    let (server, _) = start(conf);
    let mut wire = server.wire();
    let port = wire.stream().local_addr().expect("an address").port();
    let told = String::from_utf8(wire.rest()).expect("text");
    let words: Vec<&str> = told.split(' ').collect();
    let [server_port, remote_port, connection, time, pid, ..] = words[..] else { panic!("{told}") };
    assert_eq!((server_port, remote_port), (&*server.port().to_string(), &*port.to_string()));
    assert!(connection.parse::<u64>().is_ok_and(|number| number > 0), "{told}");
    assert!(time.split_once('.').is_some_and(|(_, ms)| ms.len() == 3), "{told}");
    assert!(server.workers().iter().any(|worker| worker.to_string() == pid), "{told}");
    assert!(words[5].parse::<f64>().is_ok_and(|now| now > 1e9), "{told}");
    assert!(words[6].contains('T') && words[7].contains('/'), "{told}");
    assert_eq!(words[9], env!("CARGO_PKG_VERSION"));
}

#[test]
fn nothing_is_a_text_too() {
    let conf = "stream { server { listen 127.0.0.1:{port}; return \"\"; } }";
    let (server, _) = start(conf);
    let twin = twin(conf, &server);
    for port in [server.port(), twin.port()] {
        let mut wire = Wire::open(port);
        assert!(wire.closes() && !wire.is_broken());
    }
}

#[test]
fn on_a_unix_socket() {
    let conf = "stream { server { listen unix:{dir}/s; listen 127.0.0.1:{port};
        return \"$remote_addr|$remote_port|$server_addr|$server_port|$protocol\"; } }";
    let (server, _) = start(conf);
    let twin = twin(conf, &server);
    let told = |dir: &support::Dir| {
        let mut said = String::new();
        let mut stream = UnixStream::connect(dir.path("s")).expect("a connection");
        stream.read_to_string(&mut said).expect("text");
        said.replace(&*dir.path("s").to_string_lossy(), "PATH")
    };
    assert_eq!(told(server.dir()), told(twin.dir()));
    assert_eq!(told(server.dir()), "unix:||unix:PATH||TCP");
}

const PROXIED: &str = "stream { server { listen 127.0.0.1:{port} proxy_protocol; proxy_protocol_timeout 300ms;
    return \"$proxy_protocol_addr|$proxy_protocol_port|$proxy_protocol_server_addr|$proxy_protocol_server_port|$remote_addr\"; } }";

#[test]
fn who_a_proxy_says_it_is() {
    let (server, _) = start(PROXIED);
    let twin = twin(PROXIED, &server);
    let headers = [
        "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n",
        "PROXY TCP6 2001:db8::7 ::1 1 2\r\n",
        "PROXY UNKNOWN\r\n",
        "PROXZ TCP4 192.0.2.7 198.51.100.1 56324 443\r\n",
        "PROXY TCP4 192.0.2.7\r\n",
        "",
    ];
    for header in headers {
        let of = |port| String::from_utf8_lossy(&raw(port, header)).into_owned();
        assert_eq!(of(server.port()), of(twin.port()), "{header}");
    }
    let told = raw(server.port(), headers[0]);
    assert_eq!(told, b"192.0.2.7|56324|198.51.100.1|443|127.0.0.1");
    let with_more = headers[0].to_owned() + "what follows is the client's";
    assert_eq!(raw(server.port(), with_more), told);
    // In the other form, and what else it tells.
    let (server, _) = start(&PROXIED.replace("$remote_addr", "$proxy_protocol_tlv_alpn"));
    let body = [&[10, 0, 0, 1, 10, 0, 0, 2, 0x12, 0x34, 7, 0x8F][..], &[1, 0, 2], b"h2"].concat();
    let head = [&b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0"[..], &[body.len() as u8]].concat();
    let told = raw(server.port(), [head, body].concat());
    assert_eq!(told, b"10.0.0.1|4660|10.0.0.2|1935|h2");
}

/// What a proxy tells comes before the handshake, which it does not end.
#[test]
fn who_a_proxy_says_it_is_through_an_encryption() {
    let (server, _) = start(&PROXIED.replace("proxy_protocol;", "ssl proxy_protocol; {tls}"));
    for pieces in [1, 40] {
        let wire = server.wire();
        let header = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n";
        for piece in header.chunks(header.len().div_ceil(pieces)) {
            wire.stream().write_all(piece).expect("sent");
        }
        let mut wire = wire.with_tls(Arc::new(config(None)), "a.example");
        assert_eq!(wire.rest(), b"192.0.2.7|56324|198.51.100.1|443|127.0.0.1");
        assert!(!wire.is_broken());
    }
}

#[test]
fn a_proxy_that_says_nothing_is_not_waited_for() {
    let (server, _) = start(PROXIED);
    let mut wire = server.wire();
    wire.send("PROXY TCP4 ");
    assert!(wire.closes());
    server.wait_for("the log", || {
        let line = "client timed out (110: Connection timed out) while reading PROXY protocol, client: 127.0.0.1";
        server.error_log().contains(line)
    });
}

#[test]
fn a_server_may_have_an_error_log_of_its_own() {
    let conf = "stream { error_log logs/stream.log info; server { listen 127.0.0.1:{port} proxy_protocol;
        error_log logs/own.log info; proxy_protocol_timeout 50ms; return x; }
        server { listen 127.0.0.1:{port2} proxy_protocol; proxy_protocol_timeout 50ms; return x; } }";
    let (server, _) = start(conf);
    for (port, log) in [(server.port(), "logs/own.log"), (server.port2(), "logs/stream.log")] {
        assert!(Wire::open(port).closes());
        server.wait_for(log, || server.dir().text(log).contains("while reading PROXY protocol"));
    }
}
