//! Clients' certificates: who has none that is good is closed, as by nginx.

use std::sync::Arc;

use support::Wire;
use support::certificates::{Authority, Key, Leaf, Validity};

use crate::client::{config, config_of, prepared};
use crate::twin::twin;

const CONF: &str = "stream { {tls} ssl_protocols TLSv1.2 TLSv1.3; ssl_client_certificate {files}authority.pem; ssl_verify_client {verify};
    server { listen 127.0.0.1:{port} ssl; return \"$ssl_client_verify|$ssl_client_s_dn|$ssl_client_i_dn|$ssl_client_serial|$ssl_client_fingerprint|$ssl_client_v_end|$ssl_client_raw_cert\"; } }";

fn told(
    port: u16,
    version: &'static rustls::SupportedProtocolVersion,
    own: Option<&Leaf>,
) -> String {
    let client = Arc::new(config_of(&[version], own));
    String::from_utf8(Wire::open(port).with_tls(client, "a.example").rest()).expect("text")
}

#[test]
fn who_is_let_in_as_by_nginx() {
    let authority = Authority::new("tests");
    let leaf = |validity| authority.leaf("client", &["client"], Key::Ecdsa, validity);
    let (known, expired) = (leaf(Validity::Now), leaf(Validity::Over));
    let stranger = Authority::new("others").server(&["stranger"]);
    for verify in ["off", "on", "optional", "optional_no_ca"] {
        let conf = CONF.replace("{verify}", verify);
        let server = prepared(&conf.replace("{files}", ""), &authority).start();
        let twin = twin(&conf, &server);
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            for (who, own) in [
                ("nobody", None),
                ("known", Some(&known)),
                ("expired", Some(&expired)),
                ("stranger", Some(&stranger)),
            ] {
                let ours = told(server.port(), version, own);
                assert_eq!(ours, told(twin.port(), version, own), "{verify} {who}");
                let is_in = match (verify, who) {
                    ("off", _) | (_, "known") => true,
                    ("optional" | "optional_no_ca", "nobody") => true,
                    (verify, "stranger") => verify == "optional_no_ca",
                    _ => false,
                };
                assert_eq!(!ours.is_empty(), is_in, "{verify} {who}: {ours}");
            }
        }
        if verify == "on" {
            server.wait_for("the log", || {
                let log = server.error_log();
                [
                    "client sent no required SSL certificate, client: 127.0.0.1",
                    "client SSL certificate verify error: (10:",
                ]
                .iter()
                .all(|line| log.contains(line))
            });
        }
    }
}

/// Its clients shake hands with the default server, which asks for nothing: so none may come in.
#[test]
fn a_server_without_a_certificate_of_its_own_lets_in_nobody_unseen() {
    let authority = Authority::new("tests");
    let conf = "stream { server { listen 127.0.0.1:{port} ssl; {tls} return open; }
        server { listen 127.0.0.1:{port} ssl; server_name closed; ssl_verify_client on;
            ssl_client_certificate authority.pem; return closed; } }";
    let server = prepared(conf, &authority).start();
    let known = authority.leaf("client", &["client"], Key::Ecdsa, Validity::Now);
    for own in [None, Some(&known)] {
        let told = |name| Wire::open(server.port()).with_tls(Arc::new(config(own)), name).rest();
        assert_eq!(told("closed"), b"");
        assert_eq!(told("open"), b"open");
    }
}
