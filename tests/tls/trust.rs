//! Whom a server trusts: authorities, what stands between, lists of what is revoked; Debian's nginx says the same.

use std::sync::Arc;

use support::certificates::{Authority, Key, Leaf, Validity};
use support::{Server, Twin, wait_for};

use crate::client::{config, get, prepared, with_leaf};

/// A server with its own idea of whom to trust, and who comes.
struct Case {
    name: &'static str,
    trusted: String,
    list: Option<String>,
    depth: u32,
    client: Leaf,
    /// `SUCCESS`, or why not.
    said: &'static str,
}

fn cases(root: &Authority) -> Vec<Case> {
    let leaf =
        |authority: &Authority| authority.leaf("client", &["client"], Key::Ecdsa, Validity::Now);
    let case = |name, trusted: &[&str], client: Leaf, said| Case {
        name,
        trusted: trusted.concat(),
        list: None,
        depth: 1,
        client,
        said,
    };
    let listed = |name, list: String, client: Leaf, said| {
        let trusted = root.certificate.clone();
        Case { name, trusted, list: Some(list), depth: 1, client, said }
    };
    let (old, other) = (Authority::valid("old", Validity::Over), Authority::new("other"));
    let between = root.authority("between");
    let (known, revoked, own) = (leaf(root), leaf(root), Leaf::self_signed("own"));
    let list = || root.list(&[&revoked], Validity::Now);
    let long = leaf(&between).with_chain(&[&between.certificate]);
    let mut cases = vec![
        listed("listed", list(), leaf(root), "SUCCESS"),
        listed("revoked", list(), revoked.with_chain(&[]), "FAILED:certificate revoked"),
        listed("list-over", root.list(&[], Validity::Over), leaf(root), "FAILED:CRL has expired"),
        listed(
            "list-of-another",
            other.list(&[], Validity::Now),
            leaf(root),
            "FAILED:unable to get certificate CRL",
        ),
        case("root-over", &[&old.certificate], leaf(&old), "FAILED:certificate has expired"),
        case(
            "no-root",
            &[&between.certificate],
            leaf(&between),
            "FAILED:unable to get issuer certificate",
        ),
        case(
            "between-known",
            &[&between.certificate, &root.certificate],
            leaf(&between),
            "SUCCESS",
        ),
        case("between-sent", &[&root.certificate], long.with_chain(&[]), "SUCCESS"),
        case(
            "between-missing",
            &[&root.certificate],
            leaf(&between),
            "FAILED:unable to verify the first certificate",
        ),
        case(
            "too-long",
            &[&root.certificate],
            long,
            "FAILED:unable to get local issuer certificate",
        ),
        case(
            "leaf-alone",
            &[&known.chain],
            known.with_chain(&[]),
            "FAILED:unable to verify the first certificate",
        ),
        case("own-trusted", &[&own.chain], own.with_chain(&[]), "SUCCESS"),
        case("own-unknown", &[&root.certificate], own, "FAILED:self-signed certificate"),
        case(
            "chain-unknown",
            &[&root.certificate],
            leaf(&other).with_chain(&[&other.certificate]),
            "FAILED:self-signed certificate in certificate chain",
        ),
        case(
            "no-client",
            &[&root.certificate],
            root.no_client("server"),
            "FAILED:unsuitable certificate purpose",
        ),
    ];
    cases.iter_mut().filter(|case| case.name == "too-long").for_each(|case| case.depth = 0);
    let trusted = format!("{}{}", root.certificate, revoked.chain);
    let said = "FAILED:certificate revoked";
    cases.push(Case { trusted, ..listed("revoked-and-trusted", list(), revoked, said) });
    cases
}

fn conf(cases: &[Case]) -> String {
    let servers = cases.iter().map(|Case { name, list, depth, .. }| {
        let list = list.as_ref().map(|_| format!("ssl_crl {{files}}{name}.crl;")).unwrap_or_default();
        format!(
            "server {{ listen 127.0.0.1:{{port}} ssl; server_name {name}; ssl_verify_client optional; ssl_verify_depth {depth};
                ssl_client_certificate {{files}}{name}.ca; {list}
                error_page 495 /page; location = /page {{ return 403 $ssl_client_verify; }}
                location / {{ return 200 $ssl_client_verify; }} }}"
        )
    });
    format!("http {{ {{tls}} access_log off; {} }}", servers.collect::<String>())
}

/// nginx with the same configuration and files.
fn twin(conf: &str, server: &Server) -> Twin {
    let files = server.dir().path("").to_string_lossy().into_owned() + "/";
    let tls = format!("ssl_certificate {files}server.pem; ssl_certificate_key {files}server.key;");
    Twin::start(conf.replace("{tls}", &tls).replace("{files}", &files), server)
}

#[test]
fn who_is_trusted() {
    let root = Authority::new("tests");
    let cases = cases(&root);
    let conf = conf(&cases);
    let mut server = prepared(&conf.replace("{files}", ""), &root);
    for Case { name, trusted, list, .. } in &cases {
        server = server.file(&format!("{name}.ca"), trusted);
        if let Some(list) = list {
            server = server.file(&format!("{name}.crl"), list);
        }
    }
    let server = server.start();
    let twin = twin(&conf, &server);
    for Case { name, client, said, .. } in &cases {
        let client = Arc::new(config(Some(client)));
        let ours = get(server.port(), &client, name, "/");
        assert_eq!(ours, get(twin.port(), &client, name, "/"), "{name}");
        let status = if *said == "SUCCESS" { 200 } else { 400 };
        assert_eq!(ours, (status, (*said).to_owned()), "{name}");
    }
}

/// Its clients shake hands with the default server, which asks for nothing: so none may come in.
#[test]
fn a_server_without_a_certificate_of_its_own_lets_in_nobody_unseen() {
    let authority = Authority::new("tests");
    let conf = "http { access_log off;
        server { listen 127.0.0.1:{port} ssl; {tls} server_name open; return 200 open; }
        server { listen 127.0.0.1:{port} ssl; server_name closed; ssl_verify_client on;
            ssl_client_certificate {files}authority.pem; return 200 closed; } }";
    let server = prepared(&conf.replace("{files}", ""), &authority).start();
    let twin = twin(conf, &server);
    let known = authority.leaf("client", &["client"], Key::Ecdsa, Validity::Now);
    for own in [None, Some(&known)] {
        let client = Arc::new(config(own));
        for port in [server.port(), twin.port()] {
            let (status, page) = get(port, &client, "closed", "/");
            assert_eq!(status, 400);
            assert!(page.contains("No required SSL certificate was sent"), "{page}");
            assert_eq!(get(port, &client, "open", "/"), (200, "open".to_owned()));
        }
    }
}

/// `connect` to the application `live` of this server, as RTMP has it, behind a handshake.
fn connect(host: &str) -> Vec<u8> {
    let mut amf =
        b"\x02\x00\x07connect\x00\x3f\xf0\x00\x00\x00\x00\x00\x00\x03\x00\x03app\x02\x00\x04live"
            .to_vec();
    let url = format!("rtmps://{host}/live");
    amf.extend_from_slice(b"\x00\x05tcUrl\x02\x00");
    amf.push(url.len() as u8);
    amf.extend_from_slice(url.as_bytes());
    amf.extend_from_slice(b"\x00\x00\x09");
    assert!(amf.len() <= 128, "one chunk");
    [&[3, 0, 0, 0, 0, 0, amf.len() as u8, 20, 0, 0, 0, 0][..], &amf].concat()
}

/// What a client with this certificate gets of RTMP, before it may do anything.
fn rtmp(port: u16, own: Option<&Leaf>, name: &str, host: &str) -> Vec<u8> {
    let mut wire = support::Wire::open(port).with_tls(Arc::new(config(own)), name);
    wire.send([&[3][..], &[0; 1536]].concat());
    wire.exactly(1 + 2 * 1536);
    wire.send([&[0; 1536][..], &connect(host)].concat());
    wire.half_close();
    wire.rest()
}

#[test]
fn rtmp_lets_in_who_is_trusted() {
    let authority = Authority::new("tests");
    let conf = "rtmp { {tls}
        server { listen 127.0.0.1:{port} ssl; server_name open; application live { live on; } }
        server { listen 127.0.0.1:{port} ssl; server_name closed; ssl_verify_client on;
            ssl_client_certificate authority.pem; application live { live on; } } }";
    let server = with_leaf(prepared(conf, &authority), "x", &authority.server(&["x"])).start();
    let known = authority.leaf("client", &["client"], Key::Ecdsa, Validity::Now);
    let stranger = Authority::new("others").server(&["stranger"]);
    let is_in = |own, name, host| {
        let answer = rtmp(server.port(), own, name, host);
        String::from_utf8_lossy(&answer).contains("NetConnection.Connect.Success")
    };
    assert!(is_in(None, "open", "open"));
    assert!(is_in(Some(&known), "closed", "closed"));
    assert!(!is_in(None, "closed", "closed"));
    assert!(!is_in(Some(&stranger), "closed", "closed"));
    assert!(!is_in(Some(&known), "open", "closed"), "nor by the handshake of another");
    wait_for("the log", || {
        let log = server.error_log();
        ["client sent no required SSL certificate", "client SSL certificate verify error: (21:"]
            .iter()
            .all(|line| log.contains(line))
    });
}

/// What the handshake failed for is told, as on a port of HTTP.
#[test]
fn a_failed_handshake_of_rtmp_is_told() {
    let (server, _) = crate::client::start(
        "rtmp { {tls} server { listen 127.0.0.1:{port} ssl; application live { live on; } } }",
    );
    let mut plain = support::Wire::open(server.port());
    plain.send([&[3][..], &[0; 1536]].concat());
    assert!(plain.closes());
    server.wait_for("the log", || server.error_log().contains("SSL_do_handshake() failed"));
}
