//! Clients' certificates: 495, 496, 421, and the variables, as nginx has them.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use support::certificates::{Authority, Key, Leaf, Validity};
use support::{Server, Twin, Wire};

use crate::client::{config, get, prepared, with_leaf};

const VARIABLES: &str = "$ssl_client_verify|$ssl_client_s_dn|$ssl_client_i_dn|$ssl_client_s_dn_legacy|\
    $ssl_client_serial|$ssl_client_fingerprint|$ssl_client_v_start|$ssl_client_v_end|$ssl_client_v_remain|\
    $ssl_client_escaped_cert|$ssl_protocol|$ssl_session_reused|$ssl_server_name";

fn conf(verify: &str) -> String {
    format!(
        "http {{ {{tls}} access_log off; ssl_protocols TLSv1.2 TLSv1.3; ssl_verify_client {verify}; ssl_client_certificate authority.pem;
        server {{ listen 127.0.0.1:{{port}} ssl; server_name a.example;
            error_page 495 496 /page; location = /page {{ return 403 \"page $ssl_client_verify\"; }}
            location / {{ return 200 \"{VARIABLES}\"; }} }}
        server {{ listen 127.0.0.1:{{port}} ssl; server_name plain.example; return 200 plain; }} }}"
    )
}

struct Stage {
    authority: Authority,
    known: Leaf,
    stranger: Leaf,
    expired: Leaf,
    later: Leaf,
}

fn stage() -> Stage {
    let authority = Authority::new("tests");
    let leaf = |validity| authority.leaf("Zo\u{eb}, a client", &["client"], Key::Ecdsa, validity);
    let stranger = Authority::new("others").server(&["stranger"]);
    let (known, expired, later) =
        (leaf(Validity::Now), leaf(Validity::Over), leaf(Validity::Later));
    Stage { known, stranger, expired, later, authority }
}

fn ask(server: &Server, own: Option<&Leaf>) -> (u16, String) {
    let (status, body) = get(server.port(), &Arc::new(config(own)), "a.example", "/");
    (status, body.split('|').next().unwrap_or_default().to_owned())
}

#[test]
fn who_is_let_in() {
    let stage = stage();
    let server = |verify: &str| prepared(&conf(verify), &stage.authority).start();
    // The status that was the fault stays, and is told as 400.
    let page = |why: &str| (400, format!("page {why}"));
    let success = || (200, "SUCCESS".to_owned());
    let on = server("on");
    assert_eq!(ask(&on, Some(&stage.known)), success());
    assert_eq!(ask(&on, None), page("NONE"));
    let unknown = "FAILED:unable to verify the first certificate";
    assert_eq!(ask(&on, Some(&stage.stranger)), page(unknown));
    assert_eq!(ask(&on, Some(&stage.expired)), page("FAILED:certificate has expired"));
    assert_eq!(ask(&on, Some(&stage.later)), page("FAILED:certificate is not yet valid"));
    on.wait_for("the log", || {
        on.error_log().contains("client SSL certificate verify error: (10:certificate has expired)")
            && on.error_log().contains("client sent no required SSL certificate")
    });
    let optional = server("optional");
    assert_eq!(ask(&optional, None), (200, "NONE".into()));
    assert_eq!(ask(&optional, Some(&stage.known)), success());
    assert_eq!(ask(&optional, Some(&stage.stranger)), page(unknown));
    let any = server("optional_no_ca");
    assert_eq!(ask(&any, Some(&stage.stranger)), (200, unknown.into()));
    assert_eq!(ask(&any, Some(&stage.expired)).0, 400, "but not one that has expired");
}

/// Debian's nginx says the same of the same certificate.
#[test]
fn what_is_told_is_what_nginx_tells() {
    let stage = stage();
    let server = prepared(&conf("on"), &stage.authority).start();
    let dir = server.dir();
    let nginx = conf("on").replace(
        "{tls}",
        "ssl_certificate {tls}/server.pem; ssl_certificate_key {tls}/server.key;",
    );
    let nginx = nginx.replace("{tls}", &dir.path("").to_string_lossy());
    let nginx = nginx.replace("authority.pem", &dir.path("authority.pem").to_string_lossy());
    let twin = Twin::start(&nginx, &server);
    for own in [Some(&stage.known), Some(&stage.expired), Some(&stage.stranger), None] {
        let client = Arc::new(config(own));
        let ours = get(server.port(), &client, "a.example", "/");
        let theirs = get(twin.port(), &client, "a.example", "/");
        assert_eq!(ours, theirs);
    }
}

/// nginx ≥ 1.27.4: who shook hands with one server is not let in by another that asks for certificates.
#[test]
fn another_servers_certificates_are_asked_for_anew() {
    let authority = Authority::new("tests");
    let server = prepared(
        "http { {tls} access_log off;
        server { listen 127.0.0.1:{port} ssl; server_name open.example; return 200 open; }
        server { listen 127.0.0.1:{port} ssl; server_name closed.example; ssl_verify_client on;
            ssl_client_certificate authority.pem; return 200 closed; } }",
        &authority,
    );
    let server = with_leaf(server, "x", &authority.server(&["x"])).start();
    let client = Arc::new(config(None));
    let mut wire = server.wire().with_tls(client.clone(), "open.example");
    wire.send("GET / HTTP/1.1\r\nHost: closed.example\r\n\r\n");
    assert_eq!(wire.answer().status, 421);
    assert_eq!(get(server.port(), &client, "closed.example", "/").0, 400);
    assert_eq!(get(server.port(), &client, "open.example", "/"), (200, "open".into()));
}

/// A client that has the certificate of another one, and not its key, is told so by an alert, and that is all that comes of it.
#[test]
fn a_certificate_without_its_key() {
    let stage = stage();
    let server = prepared(&conf("optional"), &stage.authority).start();
    let chain = CertificateDer::pem_slice_iter(stage.known.chain.as_bytes());
    let key = PrivateKeyDer::from_pem_slice(stage.stranger.key.as_bytes()).expect("a key");
    let signer = support::transport::provider().key_provider.load_private_key(key);
    let chain = chain.collect::<Result<_, _>>().expect("a certificate");
    let thief = CertifiedKey::new(chain, signer.expect("a key"));
    let mut config = config(None);
    config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(thief));
    let mut wire = Wire::open(server.port()).with_tls(Arc::new(config), "a.example");
    wire.send("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
    assert!(wire.closes());
    server.wait_for("the log", || server.error_log().contains("SSL_do_handshake() failed ("));
    assert!(!server.error_log().contains("panic"), "{}", server.error_log());
    assert_eq!(ask(&server, Some(&stage.known)), (200, "SUCCESS".to_owned()));
}
