//! What a configuration may say, and what it is told.

use support::certificates::{Authority, Key, Validity};

use crate::client::{LAST, prepared, s_client, start, with_leaf};

fn fails(conf: &str) -> String {
    let authority = Authority::new("tests");
    let other = authority.leaf("other", &["other"], Key::Ecdsa, Validity::Now);
    let (_, said) = with_leaf(prepared(conf, &authority), "other", &other)
        .file("text", "no PEM")
        .file("old.key", "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n")
        .fail();
    said
}

fn site(words: &str) -> String {
    format!("http {{ server {{ listen 127.0.0.1:{{port}} ssl; {words} }} }}")
}

#[test]
fn faults_are_named() {
    let cases = [
        ("", "no \"ssl_certificate\" is defined for the \"listen ... ssl\" directive"),
        (
            "ssl_certificate server.pem;",
            "no \"ssl_certificate_key\" is defined for certificate \"server.pem\"",
        ),
        ("ssl_certificate none; ssl_certificate_key server.key;", "No such file or directory"),
        ("ssl_certificate text; ssl_certificate_key server.key;", "no certificate is in it"),
        ("ssl_certificate server.pem; ssl_certificate_key text;", "no key is in it"),
        ("ssl_certificate server.pem; ssl_certificate_key old.key;", "openssl pkcs8 -topk8"),
        ("ssl_certificate server.pem; ssl_certificate_key other.key;", "key values mismatch"),
        ("{tls} ssl_protocols SSLv3 TLSv1;", "no protocol is left"),
        ("{tls} ssl_protocols TLSv1.4;", "invalid value \"TLSv1.4\""),
        ("{tls} ssl_ciphers AES128-SHA;", "no cipher match"),
        ("{tls} ssl_ecdh_curve secp521r1;", "none of these groups is available here"),
        ("{tls} ssl_verify_client on;", "no ssl_client_certificate for ssl_verify_client"),
        (
            "{tls} ssl_verify_client on; ssl_client_certificate text;",
            "cannot load certificate \"text\"",
        ),
    ];
    for (words, fault) in cases {
        let said = fails(&site(words));
        assert!(said.contains(fault), "{words}: {said}");
        assert!(
            said.contains("rserve.conf:1") || fault.starts_with("no ssl_client"),
            "{words}: {said}"
        );
    }
}

#[test]
fn what_is_not_here_is_named_in_a_warning() {
    let (server, _) = start(&site(
        "{tls} ssl_protocols TLSv1 TLSv1.1 TLSv1.2; ssl_dhparam dh.pem; ssl_ecdh_curve X25519:secp521r1; return 200 x;
        ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA:DHE-RSA-AES128-GCM-SHA256;",
    ));
    let log = server.error_log();
    for warning in
        ["TLSv1, TLSv1.1 not spoken here", "no DHE", "secp521r1", "ECDHE-ECDSA-AES128-SHA"]
    {
        assert!(log.contains(warning), "{warning}: {log}");
    }
    let said = s_client(server.port(), &["-tls1_2"], LAST);
    assert!(said.contains("Cipher is ECDHE-ECDSA-AES128-GCM-SHA256"), "{said}");
    let said = s_client(server.port(), &["-tls1_3"], "");
    assert!(said.contains("protocol version"), "{said}");
}

/// `data:` in the place of a file, and a key that everybody may read.
#[test]
fn certificates_may_stand_in_the_configuration() {
    let authority = Authority::new("tests");
    let leaf = authority.server(&["localhost"]);
    let words = format!(
        "ssl_certificate \"data:{}\"; ssl_certificate_key \"data:{}\"; return 200 x;",
        leaf.chain, leaf.key
    );
    let server = prepared(&site(&words), &authority).start();
    let said = s_client(server.port(), &[], LAST);
    assert!(said.contains("200 OK"), "{said}");
}
