//! What is refused when a configuration is read, and where it says so.

use support::certificates::Authority;
use support::{Dir, Start, rserve};

use crate::client::prepared;

/// What is said to a `stream {}` that must not come up.
fn refused(stream: &str) -> String {
    let conf = format!("stream {{\n{stream}\n}}");
    let (code, said) = prepared(&conf, &Authority::new("tests")).fail();
    assert_eq!(code, 1, "{said}");
    said
}

#[test]
fn faults_are_told_with_their_place() {
    for (stream, wanted) in [
        ("server { listen 127.0.0.1:{port}; }", "no handler for server in {conf}:2"),
        ("server { return x; }", "no \"listen\" is defined for server in {conf}:2"),
        (
            "server {\nlisten 127.0.0.1; return x; }",
            "no port in \"127.0.0.1\" of the \"listen\" directive in {conf}:3",
        ),
        (
            "server {\nlisten 127.0.0.1:{port} ssl; return x; }",
            "no \"ssl_certificate\" is defined for the \"listen ... ssl\" directive in {conf}:3",
        ),
        (
            "server { listen 127.0.0.1:{port};\nreturn $nope; }",
            "unknown \"nope\" variable in {conf}:3",
        ),
        (
            "server { listen 127.0.0.1:{port}; return x;\nreturn y; }",
            "\"return\" directive is duplicate in {conf}:3",
        ),
        (
            "server { listen 127.0.0.1:{port} spdy; return x; }",
            "invalid parameter \"spdy\" in {conf}:2",
        ),
        ("ssl_alpn a;\nssl_alpn b;", "\"ssl_alpn\" directive is duplicate in {conf}:3"),
        ("access_log logs/s.log;", "log format is not specified"),
        ("ssl_early_data on;", "\"ssl_early_data\" directive is not allowed here in {conf}:2"),
        ("return x;", "\"return\" directive is not allowed here in {conf}:2"),
        (
            "server { listen 127.0.0.1:{port}; return x;\nproxy_ssl_alpn a; }",
            "\"proxy_ssl_alpn\" directive is not supported (rserve does not do this with streams yet) in {conf}:3",
        ),
        (
            "server { listen 127.0.0.1:{port}; return x; }\n} http { server {\nlisten 127.0.0.1:{port}; }",
            "duplicate listen 127.0.0.1:",
        ),
    ] {
        let said = refused(stream);
        let told = said.contains(&wanted.replace("{conf}", "rserve.conf"))
            || said.lines().any(|line| line.starts_with("rserve: [emerg]") && places(line, wanted));
        assert!(told, "{stream}:\n{said}");
    }
}

/// Whether a line says so, the file's folders aside.
fn places(line: &str, wanted: &str) -> bool {
    match wanted.split_once("{conf}") {
        Some((what, place)) => {
            line.contains(what) && line.ends_with(&format!("rserve.conf{place}"))
        }
        None => line.contains(wanted) && line.contains("rserve.conf:"),
    }
}

/// Whoever brings a whole proxy is told of all that is missing at once.
#[test]
fn what_proxies_need_is_named() {
    let dir = Dir::new();
    dir.file(
        "rserve.conf",
        "events {} stream { upstream a { server 127.0.0.1:1; least_time connect; } geoip_country x;
        server { listen 127.0.0.1:1; proxy_ssl_alpn a; proxy_pass a; } }",
    );
    let output = rserve!(["-t", "-p", &dir.path("").to_string_lossy(), "-c", "rserve.conf"]);
    let said = String::from_utf8_lossy(&output.stderr);
    for name in ["least_time", "geoip_country", "proxy_ssl_alpn"] {
        assert!(said.contains(name), "{name}: {said}");
    }
    assert!(said.contains("rserve does not do this with streams yet"), "{said}");
}

#[test]
fn names_that_are_there_twice_are_told() {
    let conf = "stream { server { listen 127.0.0.1:{port}; return a; } server { listen 127.0.0.1:{port}; return b; } }";
    let server = Start::new(env!("CARGO_BIN_EXE_rserve")).plain().conf(conf).start();
    assert_eq!(support::raw(server.port(), ""), b"a");
    let said = server.error_log() + &server.dir().text("logs/stderr");
    assert!(said.contains("conflicting server name \"\" on 127.0.0.1:"), "{said}");
}

#[test]
fn all_that_encryption_has_may_stand_there() {
    let conf = "stream {
        ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256; ssl_prefer_server_ciphers on;
        ssl_ecdh_curve X25519; ssl_session_cache shared:s:1m; ssl_session_timeout 10m; ssl_session_tickets on;
        ssl_verify_client optional; ssl_client_certificate authority.pem; ssl_verify_depth 2; ssl_stapling off;
        ssl_conf_command Ciphersuites TLS_AES_256_GCM_SHA384; ssl_certificate_watch off; ssl_certificate_warn 7d;
        ssl_certificate_compression off; ssl_handshake_timeout 30s; ssl_alpn a b; tcp_nodelay off;
        server_names_hash_max_size 512; proxy_protocol_timeout 10s;
        server { listen 127.0.0.1:{port} ssl backlog=64 so_keepalive=on; {tls} ssl_reject_handshake off; return x; } }";
    let server = prepared(conf, &Authority::new("tests")).start();
    assert_eq!(crate::names::told(&server, "a.example"), "x");
}
