//! Handshakes: what is agreed on, what is refused, and how long they are waited for.

use std::sync::Arc;

use support::{Server, Twin, Wire};

use crate::client::{config, config_of, s_client, start};
use crate::twin::twin;

const ALPN: &str = "stream { {tls} ssl_protocols TLSv1.2 TLSv1.3; ssl_alpn first second;
    server { listen 127.0.0.1:{port} ssl; return \"$ssl_alpn_protocol $ssl_protocol $ssl_session_reused.\"; } }";

/// What a client with these protocols is told; the error: why there was no handshake.
fn agreed(port: u16, offered: &[&str]) -> Result<String, String> {
    let mut config = config_of(&[&rustls::version::TLS13], None);
    config.alpn_protocols = offered.iter().map(|name| name.as_bytes().to_vec()).collect();
    let name = "a.example".try_into().expect("a name");
    let mut client = rustls::ClientConnection::new(Arc::new(config), name).expect("a client");
    let mut tcp = std::net::TcpStream::connect(("127.0.0.1", port)).expect("a connection");
    let mut said = Vec::new();
    let mut stream = rustls::Stream::new(&mut client, &mut tcp);
    match std::io::Read::read_to_end(&mut stream, &mut said) {
        Ok(_) => Ok(String::from_utf8_lossy(&said).into_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn both(conf: &str) -> (Server, Twin) {
    let (server, _) = start(conf);
    let twin = twin(conf, &server);
    (server, twin)
}

#[test]
fn protocols_are_agreed_on_as_with_nginx() {
    let conf = ALPN.replace("$ssl_alpn_protocol ", "");
    // Debian's nginx has no such variable yet.
    let (like_twin, _) = start(&conf);
    let twin = twin(&conf, &like_twin);
    let (server, _) = start(ALPN);
    for (offered, agreed_on) in [
        (&[][..], Some("")),
        (&["first"], Some("first")),
        (&["second", "first"], Some("first")),
        (&["other", "second"], Some("second")),
        (&["other"], None),
        (&["First"], None),
    ] {
        let (ours, theirs) = (agreed(server.port(), offered), agreed(twin.port(), offered));
        let wanted = agreed_on.map(|protocol| format!("{protocol} TLSv1.3 .."));
        assert_eq!(ours.as_ref().ok(), wanted.as_ref(), "{offered:?}");
        assert_eq!(theirs.is_ok(), ours.is_ok(), "{offered:?} {theirs:?}");
        if let (Err(ours), Err(theirs)) = (ours, theirs) {
            assert_eq!(ours, theirs);
            assert!(ours.contains("NoApplicationProtocol"), "{ours}");
        }
    }
    for alpn in ["second,first", "other,second"] {
        let line = |port| {
            let said = s_client(port, &["-alpn", alpn], "");
            said.lines().find(|line| line.starts_with("ALPN")).map(str::to_owned)
        };
        assert_eq!(line(server.port()), line(twin.port()), "{alpn}");
    }
}

/// Each server has its own.
#[test]
fn a_servers_own_protocols_replace_those_around_it() {
    let (server, _) = start(
        "stream { {tls} ssl_alpn outer; server { listen 127.0.0.1:{port} ssl; return $ssl_alpn_protocol; }
        server { listen 127.0.0.1:{port} ssl; server_name a.example; ssl_alpn own; return \"a $ssl_alpn_protocol\"; } }",
    );
    assert_eq!(agreed(server.port(), &["own", "outer"]), Ok("a own".into()));
    assert!(agreed(server.port(), &["outer"]).is_err());
}

#[test]
fn what_is_known_of_the_encryption_is_what_nginx_knows() {
    let conf = "stream { {tls} ssl_protocols TLSv1.2 TLSv1.3; server { listen 127.0.0.1:{port} ssl;
        return \"$ssl_protocol $ssl_cipher $ssl_server_name $ssl_session_reused $ssl_client_verify $ssl_client_s_dn|\"; } }";
    let (server, twin) = both(conf);
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let told = |port| {
            let client = Arc::new(config_of(&[version], None));
            String::from_utf8(Wire::open(port).with_tls(client, "a.example").rest()).expect("text")
        };
        assert_eq!(told(server.port()), told(twin.port()));
        assert!(told(server.port()).contains(" a.example . NONE |"), "{}", told(server.port()));
    }
}

#[test]
fn who_does_not_speak_tls_is_closed() {
    let (server, twin) = both(ALPN.replace("$ssl_alpn_protocol ", "").as_str());
    for said in
        ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x16\x03\x01\0\x04\x01\0\0\0", "\0\0\0\0\0\0\0\0"]
    {
        for port in [server.port(), twin.port()] {
            let mut wire = Wire::open(port);
            wire.send(said);
            let rest = wire.rest();
            // An alert, if it was taken for TLS.
            assert!(rest.is_empty() || rest[0] == 21, "{rest:?}");
        }
    }
    let mut half = Wire::open(server.port());
    half.send("\x16\x03\x01");
    half.half_close();
    assert!(half.closes());
    server.wait_for("the log", || {
        let log = server.error_log();
        let lines = [
            "SSL_do_handshake() failed (this is no TLS) while SSL handshaking, client: 127.0.0.1",
            "peer closed connection in SSL handshake while SSL handshaking",
        ];
        lines.iter().all(|line| log.contains(line))
    });
}

/// A client's hello, as rustls makes it.
fn hello() -> Vec<u8> {
    let name = "a.example".try_into().expect("a name");
    let mut client = rustls::ClientConnection::new(Arc::new(config(None)), name).expect("a client");
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).expect("into memory");
    bytes
}

#[test]
fn a_handshake_that_does_not_go_on_is_not_waited_for() {
    let conf = ALPN.replace("ssl_alpn first second;", "ssl_handshake_timeout 300ms;");
    let (server, twin) = both(&conf.replace("$ssl_alpn_protocol ", ""));
    let hello = hello();
    // Nothing, a part of the hello, the hello and nothing behind it.
    for said in [&[][..], &hello[..20], &hello] {
        for port in [server.port(), twin.port()] {
            let mut wire = Wire::open(port);
            assert!(wire.send(said));
            let answer = wire.rest();
            assert_eq!(!answer.is_empty(), said.len() == hello.len(), "{}", said.len());
        }
    }
    server.wait_for("the log", || {
        let line =
            "client timed out (110: Connection timed out) while SSL handshaking, client: 127.0.0.1";
        server.error_log().matches(line).count() == 3
    });
    // Byte by byte, without a pause that would be too long: the whole of it must not take longer.
    let mut wire = Wire::open(server.port());
    let mut bytes = hello.iter().cycle();
    while wire.send([*bytes.next().expect("they begin again")]) {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(wire.rest().len() < 10, "at most an alert");
}
