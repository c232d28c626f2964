//! Whom a server trusts: authorities, what stands between, lists of what is revoked; Debian's nginx says the same.

use std::sync::Arc;

use support::certificates::{Authority, Key, Leaf, Shape, Validity};
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

const UNVERIFIED: &str = "FAILED:unable to verify the first certificate";
const REVOKED: &str = "FAILED:certificate revoked";

fn leaf(authority: &Authority) -> Leaf {
    authority.leaf("client", &["client"], Key::Ecdsa, Validity::Now)
}

fn case(name: &'static str, trusted: &[&str], client: Leaf, said: &'static str) -> Case {
    Case { name, trusted: trusted.concat(), list: None, depth: 1, client, said }
}

/// What lists say of certificates of a root.
fn listed(root: &Authority) -> Vec<Case> {
    let revoked = leaf(root);
    let list = || root.list(&[&revoked], Validity::Now);
    let case = |name, list, client, said| Case {
        list: Some(list),
        ..case(name, &[&root.certificate], client, said)
    };
    let missing = "FAILED:unable to get certificate CRL";
    let other = Authority::new("other").list(&[], Validity::Now);
    let trusted = format!("{}{}", root.certificate, revoked.chain);
    vec![
        case("listed", list(), leaf(root), "SUCCESS"),
        case("revoked", list(), revoked.with_chain(&[]), REVOKED),
        case("list-over", root.list(&[], Validity::Over), leaf(root), "FAILED:CRL has expired"),
        case("list-of-another", other, leaf(root), missing),
        Case { trusted, ..case("trusted", list(), revoked.with_chain(&[]), REVOKED) },
    ]
}

/// Where paths end.
fn ends(root: &Authority) -> Vec<Case> {
    let (old, other) = (Authority::valid("old", Validity::Over), Authority::new("other"));
    let (known, own) = (leaf(root), Leaf::self_signed("own"));
    let unknown = leaf(&other).with_chain(&[&other.certificate]);
    let (self_signed, in_chain) =
        ("FAILED:self-signed certificate", "FAILED:self-signed certificate in certificate chain");
    let purpose = "FAILED:unsuitable certificate purpose";
    vec![
        case("root-over", &[&old.certificate], leaf(&old), "FAILED:certificate has expired"),
        case("leaf-alone", &[&known.chain], known.with_chain(&[]), UNVERIFIED),
        case("own-trusted", &[&own.chain], own.with_chain(&[]), "SUCCESS"),
        case("own-unknown", &[&root.certificate], own, self_signed),
        case("chain-unknown", &[&root.certificate], unknown, in_chain),
        case("no-client", &[&root.certificate], root.no_client("server"), purpose),
    ]
}

/// What stands between a client and its root.
fn between(root: &Authority) -> Vec<Case> {
    let between = root.authority("between");
    let (root, own) = (&root.certificate[..], &between.certificate[..]);
    let long = || leaf(&between).with_chain(&[own]);
    let too_long = "FAILED:unable to get local issuer certificate";
    vec![
        case("no-root", &[own], leaf(&between), "FAILED:unable to get issuer certificate"),
        case("between-known", &[own, root], leaf(&between), "SUCCESS"),
        case("between-sent", &[root], long(), "SUCCESS"),
        case("between-missing", &[root], leaf(&between), UNVERIFIED),
        Case { depth: 0, ..case("too-long", &[root], long(), too_long) },
    ]
}

/// Whatever those say of themselves who have signed a client's certificate: roots, and those between. nginx knows what it comes to.
#[test]
fn only_authorities_sign() {
    let root = Authority::new("tests");
    let mut cases = Vec::new();
    for (at, shape) in Shape::all().enumerate() {
        let (alone, between) = (
            Authority::shaped("alone", shape, None),
            Authority::shaped("between", shape, Some(&root)),
        );
        let chain = leaf(&between).with_chain(&[&between.certificate]);
        cases.push((format!("root-{at}"), shape, alone.certificate.clone(), leaf(&alone)));
        cases.push((format!("between-{at}"), shape, root.certificate.clone(), chain));
    }
    let servers = cases.iter().map(|(name, ..)| {
        format!(
            "server {{ listen 127.0.0.1:{{port}} ssl; server_name {name}; ssl_verify_client optional; ssl_verify_depth 3;
                ssl_client_certificate {{files}}{name}.ca; error_page 495 /page;
                location = /page {{ return 403 $ssl_client_verify; }} location / {{ return 200 $ssl_client_verify; }} }}"
        )
    });
    let conf = format!("http {{ {{tls}} access_log off; {} }}", servers.collect::<String>());
    let mut server = prepared(&conf.replace("{files}", ""), &root);
    for (name, _, trusted, _) in &cases {
        server = server.file(&format!("{name}.ca"), trusted);
    }
    let server = server.start();
    let twin = twin(&conf, &server);
    let mut differ = Vec::new();
    for (name, shape, _, client) in &cases {
        let client = Arc::new(config(Some(client)));
        let (ours, theirs) =
            (get(server.port(), &client, name, "/"), get(twin.port(), &client, name, "/"));
        if ours != theirs {
            differ.push(format!("{name} {shape:?}: {ours:?}\n    nginx: {theirs:?}"));
        }
    }
    assert!(differ.is_empty(), "{} of {}\n{}", differ.len(), cases.len(), differ.join("\n"));
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
    let cases = [listed(&root), ends(&root), between(&root)].into_iter().flatten();
    let cases: Vec<Case> = cases.collect();
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
