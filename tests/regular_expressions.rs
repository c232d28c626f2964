//! An expression on which PCRE gives up is no answer: no rule is passed by.

use support::{Server, Twin, http, raw, start};

const CONF: &str = r#"
    large_client_header_buffers 4 32k;
    server {
        listen 127.0.0.1:{port};
        location / { return 200 "open"; }
        location ~ ^/D/(.|\n)*$ { deny all; }
        location ~ ^/E/(?:[^/]|/(?!x))*\.bak$ { deny all; }
        location ~ ^/F/(?:a|b)+$ { deny all; }
        location ~ ^/G/(\(([^()]|(?1))*\))$ { deny all; }
        location ~ ^/H/([^/]*/)+wp-config\.php$ { deny all; }
        location /N/ { location ~ ^/N/(?:a|b|ab)*c$ { deny all; } return 200 "open"; }
        location ~ ^/R/ { location ~ ^/R/(?:a|b|ab)*c$ { deny all; } return 200 "open"; }
        location ~ ^/(?:a|b|ab)*c$ { return 200 "the expression"; }
    }
    server { listen 127.0.0.1:{port}; server_name ~^(?:[a-z]|-)+\.example$; return 200 "by name"; }
    server { listen 127.0.0.1:{port}; server_name ~^(?:a|b|ab)*c\.test$; return 200 "by name"; }
"#;

fn ask(port: u16, host: &str, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let bytes = raw(port, request.as_bytes());
    let line = bytes.split(|&byte| byte == b'\r').next().unwrap_or_default();
    String::from_utf8_lossy(line).into_owned()
}

fn both() -> (Server, Twin) {
    // The default server of the address is the first.
    let server = start!(http(CONF));
    let twin = Twin::start(http(CONF), &server);
    (server, twin)
}

/// nginx's interpreter finds all of these; compiled code has not the stack for them.
#[test]
fn long_subjects_are_matched() {
    let (server, twin) = both();
    for (prefix, part, end) in [
        ("/D/", "a", ""),
        ("/E/", "a", ".bak"),
        ("/F/", "ab", ""),
        ("/G/(", "()", ")"),
        ("/H/", "a/", "wp-config.php"),
    ] {
        for count in [1, 1000, 1500, 6000] {
            let path = format!("{prefix}{}{end}", part.repeat(count));
            assert_eq!(
                ask(server.port(), "x", &path),
                "HTTP/1.1 403 Forbidden",
                "{prefix} {count}"
            );
            assert_eq!(ask(twin.port(), "x", &path), "HTTP/1.1 403 Forbidden", "{prefix} {count}");
        }
    }
}

/// nginx: 500, and `[alert] … pcre2_match() failed: -47 on "…" using "…"`.
#[test]
fn giving_up_is_an_error() {
    let (server, twin) = both();
    let line = |text: &str| {
        let conf = server.dir().text("rserve.conf");
        conf.lines().position(|line| line.contains(text)).map_or(0, |at| at + 1)
    };
    for (prefix, written) in
        [("/", "location ~ ^/(?:a|"), ("/N/", "location /N/"), ("/R/", "location ~ ^/R/")]
    {
        let path = format!("{prefix}{}cx", "ab".repeat(4000));
        for port in [server.port(), twin.port()] {
            assert_eq!(ask(port, "x", &path), "HTTP/1.1 500 Internal Server Error", "{prefix}");
        }
        let place = format!("rserve.conf:{} ", line(written));
        server.wait_for("an alert that names the expression and its place", || {
            server.error_log().lines().any(|line| {
                line.contains("[alert]")
                    && line.contains("pcre2_match() failed: -47")
                    && line.contains(&place)
            })
        });
    }
}

#[test]
fn a_name_that_cannot_be_matched_is_not_the_default_servers() {
    let (server, twin) = both();
    let long = format!("{}.example", "a-".repeat(1500));
    for port in [server.port(), twin.port()] {
        assert_eq!(ask(port, &long, "/"), "HTTP/1.1 200 OK");
    }
    let request = format!("GET / HTTP/1.0\r\nHost: {long}\r\n\r\n");
    assert!(raw(server.port(), request.as_bytes()).ends_with(b"by name"));
    // nginx closes the connection without a word; a status says more.
    let host = format!("{}c.testx", "ab".repeat(4000));
    assert_eq!(ask(twin.port(), &host, "/"), "");
    assert_eq!(ask(server.port(), &host, "/"), "HTTP/1.1 500 Internal Server Error");
    assert!(server.error_log().contains("using \"^(?:a|b|ab)*c\\.test$\""));
}
