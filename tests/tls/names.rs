//! The server is chosen by the name in the client's first message, before anything else is known (RFC 6066 §3).

use std::sync::Arc;

use support::certificates::{Authority, Key, Validity};

use crate::client::{LAST, config, get, prepared, s_client, start, with_leaf};

const THREE: &str = "http { {tls} access_log off;
    server { listen 127.0.0.1:{port} ssl; server_name a.example;
        location / { return 200 \"a $ssl_server_name $scheme $https\"; } }
    server { listen 127.0.0.1:{port} ssl; server_name b.example *.b.example;
        ssl_certificate b.pem; ssl_certificate_key b.key; location / { return 200 b; } }
    server { listen 127.0.0.1:{port} ssl; server_name ~^r\\d+\\.example$;
        ssl_certificate b.pem; ssl_certificate_key b.key; location / { return 200 \"r $host\"; } } }";

fn three() -> support::Server {
    let authority = Authority::new("tests");
    let b = authority.server(&["b.example"]);
    with_leaf(prepared(THREE, &authority), "b", &b).start()
}

#[test]
fn a_name_has_its_server_and_its_certificate() {
    let server = three();
    let subject = |name: &[&str]| {
        let said = s_client(server.port(), name, LAST);
        let line = said.lines().find(|line| line.starts_with("subject="));
        line.unwrap_or_else(|| panic!("{said}")).to_owned()
    };
    assert_eq!(subject(&["-servername", "a.example"]), "subject=CN = localhost");
    for name in ["b.example", "x.b.example", "B.EXAMPLE", "r7.example"] {
        assert_eq!(subject(&["-servername", name]), "subject=CN = b.example", "{name}");
    }
    // Unknown, none at all: the default.
    for name in [&["-servername", "c.example"][..], &["-noservername"]] {
        assert_eq!(subject(name), "subject=CN = localhost", "{name:?}");
    }
}

#[test]
fn requests_go_to_the_server_of_their_host() {
    let server = three();
    let client = Arc::new(config(None));
    let port = server.port();
    assert_eq!(get(port, &client, "a.example", "/"), (200, "a a.example https on".into()));
    assert_eq!(get(port, &client, "x.b.example", "/").1, "b");
    assert_eq!(get(port, &client, "r12.example", "/").1, "r r12.example");
    assert_eq!(get(port, &client, "c.example", "/").1, "a c.example https on");
    // As nginx: who shook hands with one server and asks for no name that there is, gets that one.
    let mut wire = server.wire().with_tls(client.clone(), "b.example");
    wire.send("GET / HTTP/1.1\r\nHost: unknown\r\n\r\n");
    assert_eq!(wire.answer().body, b"b");
    wire.send("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
    assert_eq!(wire.answer().text(), "a b.example https on");
}

/// nginx: alert 112, unrecognized_name.
#[test]
fn a_handshake_can_be_rejected() {
    let (server, _) = start(
        "http { access_log off;
        server { listen 127.0.0.1:{port} ssl default_server; ssl_reject_handshake on; }
        server { listen 127.0.0.1:{port} ssl; server_name a.example; {tls} return 200 a; } }",
    );
    let said = s_client(server.port(), &["-servername", "other"], "");
    assert!(said.contains("unrecognized name") && said.contains("alert number 112"), "{said}");
    let said = s_client(server.port(), &["-noservername"], "");
    assert!(said.contains("alert number 112"), "{said}");
    let client = Arc::new(config(None));
    assert_eq!(get(server.port(), &client, "a.example", "/"), (200, "a".into()));
    server.wait_for("the log", || {
        server.error_log().contains("SSL_do_handshake() failed (the handshake is rejected")
    });
}

#[test]
fn keys_of_several_types_are_chosen_by_what_the_client_signs_with() {
    let authority = Authority::new("tests");
    let rsa = authority.leaf("rsa", &["localhost"], Key::Rsa, Validity::Now);
    let conf = "http { server { listen 127.0.0.1:{port} ssl; {tls}
        ssl_certificate rsa.pem; ssl_certificate_key rsa.key; return 200 x; } }";
    let server = with_leaf(prepared(conf, &authority), "rsa", &rsa).start();
    let algorithm = |arguments: &[&str]| {
        let said = s_client(server.port(), arguments, LAST);
        let line = said.lines().find(|line| line.starts_with("Peer signature type"));
        line.unwrap_or_else(|| panic!("{said}")).to_owned()
    };
    assert_eq!(algorithm(&[]), "Peer signature type: ECDSA");
    assert_eq!(algorithm(&["-sigalgs", "RSA-PSS+SHA256"]), "Peer signature type: RSA-PSS");
    assert_eq!(algorithm(&["-tls1_2"]), "Peer signature type: ECDSA");
    assert_eq!(
        algorithm(&["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"]),
        "Peer signature type: RSA-PSS"
    );
}

/// As nginx: offered, and none in common, is fatal (RFC 7301 §3.2).
#[test]
fn protocols_are_agreed_on() {
    let (server, _) = start("http { server { listen 127.0.0.1:{port} ssl; {tls} return 200 x; } }");
    let said = s_client(server.port(), &["-alpn", "h2,http/1.1"], LAST);
    assert!(said.contains("ALPN protocol: http/1.1"), "{said}");
    let said = s_client(server.port(), &["-alpn", "spdy/3"], "");
    assert!(said.contains("no application protocol"), "{said}");
    let said = s_client(server.port(), &[], LAST);
    assert!(said.contains("No ALPN negotiated") && said.contains("200 OK"), "{said}");
}

/// Loaded in the handshake, with the worker's rights; a name without one gets an alert and a line in the log.
#[test]
fn certificates_may_be_named_by_what_is_asked_for() {
    let authority = Authority::new("tests");
    let conf = |cache: &str| {
        format!(
            "http {{ server {{ listen 127.0.0.1:{{port}} ssl; return 200 \"$ssl_server_name\"; {cache}
            ssl_certificate certs/$ssl_server_name.pem; ssl_certificate_key certs/$ssl_server_name.key; }} }}"
        )
    };
    for cache in ["", "ssl_certificate_cache max=10 valid=1h inactive=1h;"] {
        let mut start = prepared(&conf(cache), &authority);
        for name in ["a.example", "b.example"] {
            start = with_leaf(start, &format!("certs/{name}"), &authority.server(&[name]));
            // A worker is nobody.
            let key = start.dir().path(&format!("certs/{name}.key"));
            let all = std::os::unix::fs::PermissionsExt::from_mode(0o644);
            std::fs::set_permissions(key, all).expect("chmod");
        }
        let server = start.start();
        let subject = |name: &str| {
            let said = s_client(server.port(), &["-servername", name], LAST);
            said.lines().find(|line| line.starts_with("subject=")).map(str::to_owned)
        };
        assert_eq!(subject("a.example").as_deref(), Some("subject=CN = a.example"));
        assert_eq!(subject("B.example").as_deref(), Some("subject=CN = b.example"));
        assert_eq!(subject("c.example"), None);
        server.wait_for("the log", || server.error_log().contains("certs/c.example.pem"));
        // Another certificate: seen at once, or kept.
        let leaf = authority.leaf("new", &["a.example"], Key::Ecdsa, Validity::Now);
        server.file("certs/a.example.pem", &leaf.chain);
        server.file("certs/a.example.key", &leaf.key);
        let now = if cache.is_empty() { "subject=CN = new" } else { "subject=CN = a.example" };
        assert_eq!(subject("a.example").as_deref(), Some(now));
        assert_eq!(
            s_client(server.port(), &["-noservername"], "").matches("BEGIN CERT").count(),
            0
        );
    }
    let wrong = conf("").replace("$ssl_server_name.key", "$nonsense.key");
    let (_, said) = prepared(&wrong, &authority).fail();
    assert!(said.contains("unknown \"nonsense\" variable"), "{said}");
    let rtmp = "rtmp { server { listen 127.0.0.1:{port} ssl; ssl_certificate $host; ssl_certificate_key x; } }";
    let (_, said) = prepared(rtmp, &authority).fail();
    assert!(said.contains("$ssl_server_name alone may stand in \"$host\""), "{said}");
}

/// What is known in the handshake may stand there: a `map`, what the server's name has captured, where the client has come to.
#[test]
fn certificates_may_be_named_by_variables() {
    let authority = Authority::new("tests");
    let pair = "ssl_certificate certs/NAME.pem; ssl_certificate_key certs/NAME.key;";
    let conf = format!(
        "http {{ map $ssl_server_name $kind {{ default other; m.example mapped; }}
        map $ssl_server_name $text {{ default certs/other.pem; }}
        server {{ listen 127.0.0.1:{{port}} ssl; {} return 200 x; }}
        server {{ listen 127.0.0.1:{{port}} ssl; server_name ~^(?<who>.+)\\.captured$; {} return 200 x; }}
        server {{ listen 127.0.0.1:{{port}} ssl; server_name bare.example; return 200 x;
            ssl_certificate $text; ssl_certificate_key certs/$kind.key; }} }}
        stream {{ server {{ listen 127.0.0.1:{{port2}} ssl; {} return $ssl_server_name; }} }}",
        pair.replace("NAME", "$kind"),
        pair.replace("NAME", "$who-$server_name"),
        pair.replace("NAME", "$ssl_server_name$server_addr"),
    );
    let mut start = prepared(&conf, &authority);
    let names = ["other", "mapped", "a-~^(?<who>.+)\\.captured$", "s.example127.0.0.1"];
    for (at, name) in names.iter().enumerate() {
        start = with_leaf(start, &format!("certs/{name}"), &authority.server(&[&format!("n{at}")]));
        let key = start.dir().path(&format!("certs/{name}.key"));
        let all = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        std::fs::set_permissions(key, all).expect("chmod");
    }
    let server = start.start();
    let subject = |port: u16, arguments: &[&str]| {
        let said = s_client(port, arguments, LAST);
        said.lines().find_map(|line| line.strip_prefix("subject=CN = ").map(str::to_owned))
    };
    let is = |port: u16, name: &str| subject(port, &["-servername", name]).unwrap_or_default();
    let port = server.port();
    assert_eq!(is(port, "m.example"), "n1");
    assert_eq!(is(port, "x.example"), "n0");
    assert_eq!(is(port, "a.captured"), "n2");
    assert_eq!(is(port, "bare.example"), "n0");
    assert_eq!(subject(port, &["-noservername"]).as_deref(), Some("n0"));
    assert_eq!(is(server.port2(), "s.example"), "n3");
    // What is no name is none of a file either.
    assert_eq!(is(server.port2(), "../certs/other"), "");
    assert_eq!(is(server.port2(), "t.example"), "");
    server.wait_for("the log", || server.error_log().contains("certs/t.example127.0.0.1.pem"));
    assert!(!server.error_log().contains("certs/../"));
}
