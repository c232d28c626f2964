//! What a configuration may say, and what it is told.

use std::process::Command;

use support::certificates::{Authority, Key, Validity};
use support::{Dir, Start, process};

use crate::client::{LAST, prepared, s_client, start, with_leaf};

fn fails(conf: &str) -> String {
    let authority = Authority::new("tests");
    let other = authority.leaf("other", &["other"], Key::Ecdsa, Validity::Now);
    let start = with_leaf(prepared(conf, &authority), "other", &other)
        .file("text", "no PEM")
        .file("old.key", "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n")
        .file("first.crl", FIRST_VERSION);
    process::run(Command::new("mkfifo").arg(start.dir().path("pipe")));
    start.fail().1
}

/// A list of version 1, as `openssl ca -gencrl` makes it by default.
const FIRST_VERSION: &str = "-----BEGIN X509 CRL-----\n\
    MIGQMDkwCgYIKoZIzj0EAwIwDTELMAkGA1UEAwwCY2EXDTI2MTEyODIzNDYzMFoX\n\
    DTI2MTIyODIzNDYzMFowCgYIKoZIzj0EAwIDRwAwRAIgCwQQFa3tNWPuKQZPKTjm\n\
    n2PfEGRQ2Aa4/kuRPMD2OIYCIEDUSZ4pO6fn8pm8tZ61b6J/Sig3Jc2cp8I3I38r\n\
    9F4N\n\
    -----END X509 CRL-----\n";

fn site(words: &str) -> String {
    format!("http {{ server {{ listen 127.0.0.1:{{port}} ssl; {words} }} }}")
}

/// How a server's certificate is made is for those to judge who come: of the first version, as `openssl x509 -req -signkey` makes them, with
/// critical extensions, with a point of its curve in the short form.
#[test]
fn certificates_of_any_making_are_served() {
    let made = Dir::new();
    let openssl = |words: &str| {
        let output =
            process::run(Command::new("openssl").args(words.split(' ')).current_dir(made.path("")));
        assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let new = "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout";
    openssl(&format!("{new} first.key -out first.csr -subj /CN=localhost"));
    openssl("x509 -req -in first.csr -signkey first.key -days 9 -out first.pem");
    for (name, extension) in [
        ("policies", "certificatePolicies=critical,1.2.3.4"),
        ("netscape", "nsCertType=critical,server"),
        ("private", "1.3.6.1.4.1.32473.1=critical,DER:0500"),
        ("authority", "keyUsage=critical,keyCertSign"),
    ] {
        openssl(&format!(
            "{new} {name}.key -x509 -days 9 -out {name}.pem -subj /CN=localhost -addext {extension}"
        ));
    }
    openssl("ecparam -name prime256v1 -genkey -noout -conv_form compressed -out short.key");
    openssl("req -x509 -key short.key -days 9 -out short.pem -subj /CN=localhost");
    for name in ["first", "policies", "netscape", "private", "authority", "short"] {
        let read = |end: &str| std::fs::read(made.path(&format!("{name}.{end}"))).expect("a file");
        let conf = "http { server { listen 127.0.0.1:{port} ssl; ssl_certificate own.pem; ssl_certificate_key own.key; return 200 served; } }";
        let start = Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf);
        let server = start.file("own.pem", read("pem")).file("own.key", read("key")).start();
        let url = format!("https://localhost:{}/", server.port());
        assert_eq!(support::curl(&[&url]).text(), "served", "{name}");
    }
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
        (
            "{tls} ssl_verify_client on; ssl_client_certificate authority.pem; ssl_crl first.crl;",
            "a list of version 1",
        ),
        ("{tls} ssl_session_ticket_key text;", "\"text\" must be 48 or 80 bytes"),
        ("{tls} ssl_session_ticket_key pipe;", "cannot load keys of tickets"),
        ("{tls} ssl_password_file pipe;", "cannot load passphrases"),
        ("ssl_certificate pipe; ssl_certificate_key server.key;", "it is not a file"),
        (
            "{tls} ssl_conf_command MinProtocol TLSv1.3; ssl_protocols TLSv1.2;",
            "no protocol is left by",
        ),
        ("{tls} ssl_conf_command Ciphersuites x; ssl_protocols TLSv1.3;", "no cipher is left by"),
        (
            "{tls} ssl_ocsp_responder https://a.example;",
            "invalid URL prefix in OCSP responder \"https://a.example\"",
        ),
    ];
    for (words, fault) in cases {
        let said = fails(&site(words));
        assert!(said.contains(fault), "{words}: {said}");
        assert!(said.contains("rserve.conf:1"), "{words}: {said}");
    }
}

/// Blocks of other protocols may have the sessions of the same zone; so it has one size.
#[test]
fn a_zone_of_several_blocks_has_one_size() {
    let conf = |size: &str| {
        format!(
            "http {{ {{tls}} ssl_session_cache shared:s:1m; server {{ listen 127.0.0.1:{{port}} ssl; return 200 x; }} }}
            stream {{ {{tls}} ssl_session_cache shared:s:{size}; server {{ listen 127.0.0.1:{{port2}} ssl; return x; }} }}"
        )
    };
    let said = fails(&conf("2m"));
    assert!(
        said.contains("of shared memory zone \"s\" conflicts with already declared size"),
        "{said}"
    );
    assert!(said.contains("rserve.conf:"), "{said}");
    let (server, _) = start(&conf("1m"));
    let said = s_client(server.port2(), &[], "");
    assert!(said.contains("BEGIN CERTIFICATE"), "{said}");
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

/// Keys that OpenSSL has encrypted, and the passphrases in a file, of which one fits.
#[test]
fn a_passphrase_opens_a_key() {
    let authority = Authority::new("tests");
    let leaf = authority.server(&["localhost"]);
    for cipher in ["aes-256-cbc", "aes-128-cbc"] {
        let start = prepared(&site("{tls} ssl_password_file pass; return 200 x;"), &authority);
        let start = with_leaf(start, "server", &leaf).file("pass", "wrong\nright one\n");
        let key = start.dir().path("server.key");
        let encrypted = std::process::Command::new("openssl")
            .args(["pkcs8", "-topk8", "-v2", cipher, "-passout", "pass:right one", "-in"])
            .arg(&key)
            .output()
            .expect("openssl");
        std::fs::write(&key, &encrypted.stdout).expect("written");
        let server = start.clone().start();
        assert!(s_client(server.port(), &[], LAST).contains("200 OK"), "{cipher}");
        drop(server);
        let (_, said) = start.file("pass", "wrong\n").fail();
        assert!(said.contains("none of the passphrases"), "{said}");
    }
}

#[test]
fn words_of_openssl() {
    let (server, _) = start(&site(
        "{tls} ssl_conf_command Ciphersuites TLS_CHACHA20_POLY1305_SHA256; ssl_conf_command MinProtocol TLSv1.3;
        ssl_conf_command Strange x; return 200 x;",
    ));
    let said = s_client(server.port(), &[], LAST);
    assert!(said.contains("TLSv1.3, Cipher is TLS_CHACHA20_POLY1305_SHA256"), "{said}");
    assert!(s_client(server.port(), &["-tls1_2"], "").contains("alert"));
    assert!(server.error_log().contains("\"ssl_conf_command Strange\" has no effect"));
    let said = fails(&site("{tls} ssl_ech_file x;"));
    assert!(said.contains("no Encrypted Client Hello"), "{said}");
}
