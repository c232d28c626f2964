//! What is refused when a configuration is read, in nginx's words.

use support::Start;

/// What is said to a `stream {}` that must not come up.
fn refused(stream: &str) -> String {
    let start = Start::new(env!("CARGO_BIN_EXE_rserve")).plain();
    let (code, said) = start.conf(format!("stream {{\n{stream}\n}}")).fail();
    assert_eq!(code, 1, "{said}");
    said
}

#[test]
fn faults_are_told() {
    for (stream, wanted) in [
        ("upstream a { }", "no servers are inside upstream"),
        ("upstream a { server 127.0.0.1; }", "no port in upstream \"127.0.0.1\""),
        (
            "upstream a { server 127.0.0.1:1; keepalive 1; }",
            "\"keepalive\" directive is not allowed here",
        ),
        (
            "upstream a { server 127.0.0.1:1; ip_hash; }",
            "\"ip_hash\" directive is not allowed here",
        ),
        ("upstream a { server 127.0.0.1:1 backup; }", "no servers in upstream \"a\""),
        (
            "upstream a { server 127.0.0.1:1; } upstream A { server 127.0.0.1:1; }",
            "duplicate upstream \"a\"",
        ),
        (
            "upstream a { server some.example:1 resolve; }\nserver { listen 127.0.0.1:{port}; proxy_pass a; }",
            "no resolver defined to resolve names at run time in upstream \"a\"",
        ),
        (
            "server { listen 127.0.0.1:{port};\nproxy_pass 127.0.0.1; }",
            "no port in upstream \"127.0.0.1\"",
        ),
        (
            "server { listen 127.0.0.1:{port};\nproxy_pass nowhere; }",
            "no port in upstream \"nowhere\"",
        ),
        (
            "server { listen 127.0.0.1:{port};\nproxy_pass $nowhere; }",
            "unknown \"nowhere\" variable",
        ),
        (
            "server { listen 127.0.0.1:{port}; proxy_pass 127.0.0.1:1;\nproxy_pass 127.0.0.1:2; }",
            "\"proxy_pass\" directive is duplicate",
        ),
        ("proxy_pass 127.0.0.1:1;", "\"proxy_pass\" directive is not allowed here"),
        (
            "proxy_next_upstream error;",
            "invalid value \"error\" in \"proxy_next_upstream\" directive",
        ),
        ("proxy_protocol v3;", "invalid value \"v3\""),
        (
            "server { listen 127.0.0.1:{port}; proxy_pass 127.0.0.1:1; proxy_bind nonsense; }",
            "invalid address \"nonsense\"",
        ),
        (
            "server { listen 127.0.0.1:{port}; proxy_pass 127.0.0.1:1; proxy_download_rate fast; }",
            "invalid value \"fast\"",
        ),
        (
            "server { listen 127.0.0.1:{port}; proxy_pass 127.0.0.1:1; proxy_ssl on; proxy_ssl_verify on; }",
            "no proxy_ssl_trusted_certificate for proxy_ssl_verify",
        ),
    ] {
        let said = refused(stream);
        assert!(said.contains(wanted), "{stream}:\n{said}");
    }
}
