//! The server's certificates: by name, and new ones.

use support::certificates::{Authority, Key, Validity};
use support::{Server, wait_for};

use crate::client::{prepared, s_client, start};

/// The name in the certificate that a client gets which asks for this one.
fn shown(server: &Server, name: &str) -> String {
    let said = s_client(server.port(), &["-servername", name], "");
    let line = said.lines().find_map(|line| line.strip_prefix("subject=CN = "));
    line.unwrap_or_default().to_owned()
}

#[test]
fn variables_may_stand_in_their_names() {
    let authority = Authority::new("tests");
    let conf = "stream { server { listen 127.0.0.1:{port} ssl; return x;
        ssl_certificate $ssl_server_name.pem; ssl_certificate_key $ssl_server_name.key; } }";
    let mut start = prepared(conf, &authority);
    for name in ["a.example", "b.example"] {
        // Workers read them, and they are nobody.
        let leaf = authority.server(&[name]);
        start = start.file(&format!("{name}.pem"), &leaf.chain);
        start = start.file(&format!("{name}.key"), &leaf.key);
    }
    let server = start.start();
    assert_eq!(shown(&server, "a.example"), "a.example");
    assert_eq!(shown(&server, "b.example"), "b.example");
    assert_eq!(shown(&server, "c.example"), "");
}

#[test]
fn new_ones_are_taken_without_a_reload() {
    let (server, authority) =
        start("stream { {tls} server { listen 127.0.0.1:{port} ssl; return x; } }");
    wait_for("the worker", || server.workers().len() == 1);
    let workers = server.workers();
    let two = authority.leaf("two", &["localhost"], Key::Ecdsa, Validity::Now);
    for (name, text) in [("server.key", &two.key), ("server.pem", &two.chain)] {
        let new = server.file(&format!("{name}.new"), text);
        std::fs::rename(new, server.path(name)).expect("renamed");
    }
    wait_for("the new one", || shown(&server, "localhost") == "two");
    assert_eq!(server.workers(), workers);
}

/// Of a renewal that is told of, the command waits for the end.
#[test]
fn the_command_says_whether_they_are_taken() {
    let (server, authority) = start(
        "stream { {tls} ssl_certificate_watch on; server { listen 127.0.0.1:{port} ssl; return x; } }",
    );
    let two = authority.leaf("two", &["localhost"], Key::Ecdsa, Validity::Now);
    server.file("server.key", &two.key);
    let output = server.command(&["-s", "certificates"]);
    assert_eq!(output.status.code(), Some(1), "a key of another certificate");
    server.file("server.pem", &two.chain);
    assert!(server.command(&["-s", "certificates"]).status.success());
    assert_eq!(shown(&server, "localhost"), "two");
}
