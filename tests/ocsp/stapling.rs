//! What issuers say of certificates is shown with them: `openssl ocsp` says it, `openssl s_client -status` looks.

use std::fs;
use std::process::Command;

use support::{Server, Start, comes, free_port, process, wait_for};

use crate::authority::{Authority, openssl};

const PAIR: &str = "ssl_certificate server.pem; ssl_certificate_key server.key;";

fn start(lines: &str, prepare: impl FnOnce(&mut Authority)) -> (Server, Authority) {
    let conf = format!(
        "worker_processes 2; http {{ access_log off;
        server {{ listen 127.0.0.1:{{port}} ssl; server_name a.example; {lines} return 200 hello; }} }}"
    );
    let start = Start::new(env!("CARGO_BIN_EXE_rserve")).plain().conf(conf);
    let mut authority = Authority::new(start.dir());
    prepare(&mut authority);
    (start.start(), authority)
}

/// What `openssl s_client -status` shows.
fn shown(server: &Server, more: &str) -> String {
    let script = format!(
        "openssl s_client -connect 127.0.0.1:{} -servername a.example -status {more} </dev/null 2>&1",
        server.port()
    );
    let output = Command::new("sh").args(["-c", &script]).output().expect("sh");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn is_stapled(server: &Server) -> bool {
    let shown = shown(server, "");
    assert!(shown.contains("CN = leaf") || shown.contains("CN=leaf"), "{shown}");
    shown.contains("OCSP Response Status: successful") && shown.contains("Cert Status: good")
}

fn has_none(server: &Server) -> bool {
    shown(server, "").contains("OCSP response: no response sent")
}

#[test]
fn all_workers_show_what_the_issuer_says() {
    let (server, mut authority) =
        start(&format!("ssl_stapling on; {PAIR}"), |authority| authority.answers());
    assert!(comes(|| is_stapled(&server)), "{}", server.error_log());
    for version in ["-tls1_2", "-tls1_3"] {
        for _ in 0..8 {
            assert!(shown(&server, version).contains("Cert Status: good"), "{version}");
        }
    }
    // It outlives the responder, a reload, the helper and the workers.
    authority.ends();
    let before = server.workers();
    server.signal("HUP");
    let is_new = |pid: &u32| !before.contains(pid);
    wait_for("new workers", || server.workers().len() == 3 && server.workers().iter().all(is_new));
    assert!(is_stapled(&server));
    for pid in server.workers() {
        process::kill(&[pid]);
    }
    wait_for("new workers", || server.workers().len() == 3);
    assert!(comes(|| is_stapled(&server)));
}

/// As nginx: a responder that is not there is a line in the log; when it is there, it is asked again.
#[test]
fn without_an_answer_nothing_is_shown() {
    let (server, mut authority) = start(&format!("ssl_stapling on; {PAIR}"), |_| {});
    wait_for("a complaint", || {
        server
            .error_log()
            .contains("while requesting certificate status, responder: http://127.0.0.1")
    });
    assert!(has_none(&server));
    authority.answers();
    assert!(comes(|| is_stapled(&server)), "{}", server.error_log());
}

/// As nginx: only an answer that stands by the certificate is shown.
#[test]
fn a_revoked_one_is_shown_without_an_answer() {
    let (server, _authority) = start(&format!("ssl_stapling on; {PAIR}"), |authority| {
        authority.says("R\t351231235959Z\t250101000000Z\t1001\tunknown\t/CN=a.example\n");
        authority.answers();
    });
    let said = "certificate status \"revoked\" in the OCSP response";
    wait_for("a complaint", || server.error_log().contains(said));
    assert!(has_none(&server));
}

/// nginx' words.
#[test]
fn what_is_missing_is_a_warning() {
    let lone = "ssl_certificate leaf.pem; ssl_certificate_key server.key;";
    let warned = |lines: &str, words: &str| {
        let (server, _authority) = start(lines, |_| {});
        assert!(server.error_log().contains(words), "{words}\n{}", server.error_log());
        assert!(has_none(&server));
    };
    warned(
        &format!("ssl_stapling on; {lone}"),
        "\"ssl_stapling\" ignored, issuer certificate not found for certificate \"leaf.pem\"",
    );
    warned(
        "ssl_stapling on; ssl_certificate ca.pem; ssl_certificate_key ca.key;",
        "\"ssl_stapling\" ignored, issuer certificate not found for certificate \"ca.pem\"",
    );
    warned(
        &format!("ssl_stapling on; ssl_stapling_responder https://a.example/; {PAIR}"),
        "\"ssl_stapling\" ignored, invalid URL prefix in OCSP responder \"https://a.example/\" in the certificate \"server.pem\"",
    );
}

/// The issuer may stand in `ssl_trusted_certificate`; the responder may be named.
#[test]
fn issuer_and_responder_are_named() {
    let lone = "ssl_certificate leaf.pem; ssl_certificate_key server.key;";
    let port = free_port();
    let lines = format!(
        "ssl_stapling on; ssl_stapling_verify on; ssl_trusted_certificate ca.pem;
        ssl_stapling_responder http://127.0.0.1:{port}; {lone}"
    );
    let (server, _authority) = start(&lines, |authority| {
        authority.port = port;
        authority.answers();
    });
    assert!(comes(|| is_stapled(&server)), "{}", server.error_log());
}

#[test]
fn from_a_file() {
    let (server, _authority) = start(
        &format!("ssl_stapling on; ssl_stapling_file answer.der; {PAIR}"),
        |authority| {
            authority.answers();
            let url = format!("http://127.0.0.1:{}", authority.port);
            openssl(
                &authority.dir,
                &format!(
                    "ocsp -issuer ca.pem -cert leaf.pem -url {url} -no_nonce -noverify -respout answer.der"
                ),
            );
        },
    );
    assert!(is_stapled(&server), "from the first handshake on");
    let start = Start::new(env!("CARGO_BIN_EXE_rserve")).plain().conf(format!(
        "http {{ server {{ listen 127.0.0.1:{{port}} ssl; ssl_stapling on; ssl_stapling_file odd.der; {PAIR} }} }}"
    ));
    let authority = Authority::new(start.dir());
    fs::write(authority.dir.path("odd.der"), "odd").expect("a file");
    assert!(start.fail().1.contains("\"odd.der\" is no OCSP response in DER"));
}
