//! What is said of the files of `proxy_ssl_*`: at the start, and at a reload.

use support::http;

use crate::encrypted::prepared;

#[test]
fn what_is_wrong_is_told_before_the_start() {
    let site = |body: &str| {
        prepared(&http(&format!(
            "server {{ listen 127.0.0.1:{{port}}; location / {{ proxy_pass https://127.0.0.1:1; {body} }} }}"
        )))
        .file("html/empty.pem", "")
        .file("html/pass", "wrong\n")
    };
    for (body, why) in [
        ("proxy_ssl_verify on;", "no proxy_ssl_trusted_certificate for proxy_ssl_verify"),
        (
            "proxy_ssl_verify on; proxy_ssl_trusted_certificate html/none.pem;",
            "cannot load certificate",
        ),
        (
            "proxy_ssl_verify on; proxy_ssl_trusted_certificate html/empty.pem;",
            "no certificate is in it",
        ),
        (
            "proxy_ssl_verify on; proxy_ssl_trusted_certificate html/authority.pem; proxy_ssl_crl html/none.crl;",
            "cannot load CRL",
        ),
        (
            "proxy_ssl_certificate html/client.pem;",
            "no \"proxy_ssl_certificate_key\" is defined for certificate",
        ),
        (
            "proxy_ssl_certificate html/client.pem; proxy_ssl_certificate_key html/good.key;",
            "key values mismatch",
        ),
        (
            "proxy_ssl_certificate html/none.pem; proxy_ssl_certificate_key html/good.key;",
            "cannot load certificate",
        ),
        (
            "proxy_ssl_certificate html/$host.pem; proxy_ssl_certificate_key html/$host.key;",
            "variables in \"proxy_ssl_certificate\" and \"proxy_ssl_certificate_key\" are not supported yet",
        ),
        ("proxy_ssl_protocols TLSv1;", "no protocol is left"),
        (
            "proxy_ssl_protocols TLSv1.3; proxy_ssl_conf_command MaxProtocol TLSv1.2;",
            "no protocol is left by \"proxy_ssl_protocols\"",
        ),
        ("proxy_ssl_ciphers NOTHING;", "\"proxy_ssl_ciphers\""),
        (
            "proxy_ssl_certificate_cache inactive=1s;",
            "\"proxy_ssl_certificate_cache\" must have the \"max\" parameter",
        ),
    ] {
        let (code, said) = site(body).fail();
        assert!(code == 1 && said.contains(why) && said.contains("rserve.conf"), "{body}\n{said}");
    }
    // What nobody uses is not loaded.
    let plain = http(
        "proxy_ssl_verify on; server { listen 127.0.0.1:{port}; location / { proxy_pass http://127.0.0.1:1; } }",
    );
    assert_eq!(prepared(&plain).start().get("/").status, 502);
}

#[test]
fn what_has_no_effect_is_named_in_a_warning() {
    let server = prepared(&http(
        "server { listen 127.0.0.1:{port}; location / { proxy_pass https://127.0.0.1:1; proxy_ssl_protocols TLSv1 TLSv1.2;
            proxy_ssl_conf_command Options x; proxy_ssl_conf_command Strange x;
            proxy_ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA; } }",
    ))
    .start();
    let log = server.error_log();
    for warning in [
        "\"proxy_ssl_protocols\": TLSv1 not spoken here",
        "\"proxy_ssl_conf_command Options\" has no effect",
        "\"proxy_ssl_conf_command Strange\" has no effect",
        "\"proxy_ssl_ciphers\": not available here",
    ] {
        assert!(log.contains(warning), "{warning}: {log}");
    }
}

#[test]
fn a_passphrase_opens_the_key() {
    let conf = http(
        "proxy_ssl_certificate html/client.pem; proxy_ssl_certificate_key html/client.key; proxy_ssl_password_file html/pass;
        server { listen 127.0.0.1:{port2} ssl; ssl_certificate html/good.pem; ssl_certificate_key html/good.key;
            ssl_verify_client on; ssl_client_certificate html/authority.pem; location / { return 200 $ssl_client_verify; } }
        server { listen 127.0.0.1:{port}; location / { proxy_pass https://127.0.0.1:{port2}; } }",
    );
    let start = prepared(&conf).file("html/pass", "wrong\nright\n");
    let key = start.dir().path("html/client.key");
    let mut openssl = std::process::Command::new("openssl");
    openssl.args(["pkcs8", "-topk8", "-v2", "aes-256-cbc", "-passout", "pass:right", "-in"]);
    let encrypted = openssl.arg(&key).output().expect("openssl");
    std::fs::write(&key, &encrypted.stdout).expect("written");
    assert_eq!(start.clone().start().get("/").text(), "SUCCESS");
    let (_, said) = start.file("html/pass", "wrong\n").fail();
    assert!(said.contains("none of the passphrases"), "{said}");
}

#[test]
fn a_reload_with_a_broken_key_changes_nothing() {
    let server = prepared(&http(
        "proxy_ssl_certificate html/client.pem; proxy_ssl_certificate_key html/client.key;
        server { listen 127.0.0.1:{port2} ssl; ssl_certificate html/good.pem; ssl_certificate_key html/good.key;
            ssl_verify_client on; ssl_client_certificate html/authority.pem; location / { return 200 $ssl_client_verify; } }
        server { listen 127.0.0.1:{port}; location / { proxy_pass https://127.0.0.1:{port2}; }
            location /none/ { proxy_pass https://127.0.0.1:{port2}; proxy_ssl_certificate ''; } }",
    ))
    .start();
    assert_eq!(server.get("/").text(), "SUCCESS");
    assert_eq!(server.get("/none/").status, 400, "an empty name takes away what is inherited");
    let key = std::fs::read(server.path("html/client.key")).expect("a key");
    server.file("html/client.key", "broken");
    let output = server.command(&["-s", "reload"]);
    assert!(!output.status.success(), "{output:?}");
    assert!(server.error_log().contains("html/client.key"), "{}", server.error_log());
    assert_eq!(server.get("/").text(), "SUCCESS");
    server.file("html/client.key", key);
    assert!(server.command(&["-s", "reload"]).status.success(), "{}", server.error_log());
    assert_eq!(server.get("/").text(), "SUCCESS");
}
