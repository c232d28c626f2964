//! Several servers at one address: a handshake's name says which.

use std::sync::Arc;

use support::{Server, Wire};

use crate::client::{config, s_client, start};

const SERVERS: &str = "stream { {tls}
    server { listen 127.0.0.1:{port} ssl; server_name a.example; return \"a $ssl_server_name\"; }
    server { listen 127.0.0.1:{port} ssl; server_name b.example *.b.example; return b; }
    server { listen 127.0.0.1:{port} ssl; server_name www.*; return www; }
    server { listen 127.0.0.1:{port} ssl; server_name ~^(?<who>\\w+)\\.re\\.example$; return \"re $who $1\"; }
    server { listen 127.0.0.1:{port} ssl default_server; server_name d.example; return default; }
    server { listen 127.0.0.1:{port2}; server_name a.example; return \"plain a\"; }
    server { listen 127.0.0.1:{port2}; server_name b.example; return \"plain b\"; } }";

/// What this name is told.
pub fn told(server: &Server, name: &str) -> String {
    let mut wire = Wire::open(server.port()).with_tls(Arc::new(config(None)), name);
    let said = wire.rest();
    assert!(!wire.is_broken(), "{name}");
    String::from_utf8_lossy(&said).into_owned()
}

#[test]
fn a_name_has_its_server() {
    let (server, _) = start(SERVERS);
    for (name, said) in [
        ("a.example", "a a.example"),
        ("A.Example", "a a.example"),
        ("b.example", "b"),
        ("x.b.example", "b"),
        ("www.example.org", "www"),
        ("joe.re.example", "re joe joe"),
        ("d.example", "default"),
        ("nobody.example", "default"),
        // No name is sent for an address.
        ("127.0.0.1", "default"),
    ] {
        assert_eq!(told(&server, name), said, "{name}");
    }
    // Where nothing is encrypted nobody asks for a name: the first one is the default.
    assert_eq!(support::raw(server.port2(), ""), b"plain a");
}

#[test]
fn a_server_without_a_certificate_has_that_of_the_default_one() {
    let (server, _) = start(
        "stream { server { listen 127.0.0.1:{port} ssl; {tls} return a; }
        server { listen 127.0.0.1:{port} ssl; server_name b.example; return b; } }",
    );
    assert_eq!(told(&server, "a.example"), "a");
    assert_eq!(told(&server, "b.example"), "b");
}

/// nginx: alert 112, unrecognized_name.
#[test]
fn a_handshake_can_be_rejected() {
    let (server, _) = start(
        "stream { server { listen 127.0.0.1:{port} ssl default_server; ssl_reject_handshake on; return x; }
        server { listen 127.0.0.1:{port} ssl; server_name a.example; {tls} return a; } }",
    );
    for name in [&["-servername", "other"][..], &["-noservername"]] {
        let said = s_client(server.port(), name, "");
        assert!(said.contains("alert number 112"), "{said}");
    }
    assert_eq!(told(&server, "a.example"), "a");
    server.wait_for("the log", || {
        server.error_log().contains("SSL_do_handshake() failed (the handshake is rejected")
    });
}

/// An address of its own beside a wildcard one that has its port: servers of the address that was connected to.
#[test]
fn an_address_goes_before_the_wildcard() {
    let (server, _) = start(
        "stream { server { listen *:{port2}; return any; } server { listen 127.0.0.1:{port2}; return own; }
        server { listen 127.0.0.1:{port}; return other; } }",
    );
    let from = |ip: [u8; 4]| {
        use std::io::Read;
        let mut said = String::new();
        let to = std::net::SocketAddr::from((ip, server.port2()));
        let mut stream = std::net::TcpStream::connect(to).expect("a connection");
        stream.read_to_string(&mut said).expect("text");
        said
    };
    assert_eq!((from([127, 0, 0, 1]), from([127, 0, 0, 2])), ("own".into(), "any".into()));
}
