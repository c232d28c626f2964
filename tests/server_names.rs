//! Which server a host name belongs to.

use support::{http, start};

#[test]
fn names_wildcards_and_regexes() {
    let server = |names: &str, says: &str| {
        format!(
            "server {{ listen 127.0.0.1:{{port}}; server_name {names}; return 200 \"{says}\"; }}\n"
        )
    };
    let conf = [
        server("default.test", "first"),
        server("example.com www.example.com", "exact"),
        server("*.example.com", "before"),
        server("*.sub.example.com", "longer before"),
        server("www.example.*", "after"),
        server(".both.test", "both"),
        server(r"~^(?<who>[a-z]+)\.user\.test$", "user $who $1"),
        server(r"~^.+\.test$", "second regex"),
        server(r#""""#, "no name"),
    ];
    let server = start!(http(&conf.concat()));
    let ask = |host: &str| server.curl(&["--header", &format!("Host: {host}")], "/").text();
    for (host, wanted) in [
        ("default.test", "first"),
        ("unknown", "first"),
        ("127.0.0.1", "first"),
        ("example.com", "exact"),
        ("EXAMPLE.com", "exact"),
        ("example.com.", "exact"),
        ("example.com:99", "exact"),
        ("www.example.com", "exact"),
        ("a.example.com", "before"),
        ("a.b.example.com", "before"),
        ("a.sub.example.com", "longer before"),
        ("sub.example.com", "before"),
        ("www.example.org", "after"),
        ("www.example.co.uk", "after"),
        ("both.test", "both"),
        ("x.both.test", "both"),
        ("ann.user.test", "user ann ann"),
        ("ANN.user.test", "user ann ann"),
        ("ann1.user.test", "second regex"),
    ] {
        assert_eq!(ask(host), wanted, "{host}");
    }
    let answer = server.raw("GET / HTTP/1.0\r\n\r\n");
    assert!(answer.ends_with(b"no name"));
    let answer = server.raw("GET http://example.com/ HTTP/1.1\r\nHost: other\r\n\r\n");
    assert!(answer.ends_with(b"exact"), "the target's host goes before the field");
}

#[test]
fn addresses_choose_first() {
    let server = start!(http(
        r#"
        server { listen {port}; server_name a; return 200 wildcard-a; }
        server { listen {port} default_server; server_name b; return 200 wildcard-b; }
        server { listen 127.0.0.2:{port}; server_name a; return 200 second-a; }
        server { listen {port2}; server_name a; return 200 port2-a; }
    "#
    ));
    let ask = |address: &str, port: u16, host: &str| {
        let url = format!("http://{address}:{port}/");
        support::curl(&["--header", &format!("Host: {host}"), &url]).text()
    };
    let (port, port2) = (server.port(), server.port2());
    assert_eq!(ask("127.0.0.1", port, "a"), "wildcard-a");
    assert_eq!(ask("127.0.0.1", port, "x"), "wildcard-b");
    assert_eq!(ask("127.0.0.2", port, "b"), "second-a");
    assert_eq!(ask("127.0.0.3", port, "b"), "wildcard-b");
    assert_eq!(ask("127.0.0.1", port2, "b"), "port2-a");
}

#[test]
fn each_request_of_a_connection_has_its_own_host() {
    let server = start!(http(
        r#"
        server { listen 127.0.0.1:{port}; server_name a; return 200 "a $host"; }
        server { listen 127.0.0.1:{port}; server_name b; return 200 "b $host"; }
    "#
    ));
    let mut wire = server.wire();
    for host in ["a", "b", "c", "b"] {
        wire.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        let server = if host == "b" { "b" } else { "a" };
        assert_eq!(wire.answer().text(), format!("{server} {host}"));
    }
}

#[test]
fn unix_sockets_and_ipv6() {
    let server = start!(http(
        r#"
        server { listen unix:{dir}/socket; listen [::1]:{port}; listen 127.0.0.1:{port};
            location / { return 200 "from $remote_addr"; } location /dir/ { root html; } }
    "#
    ));
    server.file("html/dir/x/a", "");
    let socket = server.path("socket");
    let socket = socket.to_str().expect("a name");
    let unix =
        |path: &str| support::curl(&["--unix-socket", socket, &format!("http://local{path}")]);
    assert_eq!(unix("/").text(), "from unix:");
    assert_eq!(unix("/dir/x").header("Location"), Some("http://local/dir/x/"));
    let url = format!("http://[::1]:{}", server.port());
    assert_eq!(support::curl(&[&format!("{url}/")]).text(), "from ::1");
    assert_eq!(
        support::curl(&[&format!("{url}/dir/x")]).header("Location"),
        Some(format!("{url}/dir/x/").as_str())
    );
}
