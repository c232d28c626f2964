//! A certificate comes by both kinds of proof, is shown by all workers, and outlives the server.

use std::os::unix::fs::PermissionsExt;

use support::wait_for;

use crate::pebble::Pebble;

const DAY: u64 = 86_400;

/// RFC 8555, 8.3: the page is there although everything else on that port is sent elsewhere.
#[test]
fn by_a_page_and_kept_over_a_restart() {
    let pebble = Pebble::start(90 * DAY);
    let mut server = pebble.server(&pebble.issuer("")).start();
    let first = pebble.comes(&server, "");
    assert!(first.contains("DNS:a.example, DNS:b.example"), "{first}");
    for _ in 0..20 {
        assert_eq!(pebble.shown(), first, "each worker has it");
    }
    let folder = server.path("state");
    let names = || {
        let mut names: Vec<_> = std::fs::read_dir(&folder)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
            .collect();
        names.sort();
        names
    };
    wait_for("both files", || names().len() == 2);
    assert!(names()[0].starts_with("a.example-") && names()[1] == "account.key", "{:?}", names());
    for name in names() {
        let mode = std::fs::metadata(folder.join(name)).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let account = std::fs::read(folder.join("account.key")).expect("a key");
    server.stop();
    server.start_again().expect("it starts");
    assert_eq!(pebble.shown(), first, "from the first handshake on");
    assert_eq!(std::fs::read(folder.join("account.key")).expect("a key"), account);
    assert_eq!(server.error_log().matches("is ordered").count(), 1);
}

/// RFC 8737.
#[test]
fn by_a_certificate() {
    let pebble = Pebble::start(90 * DAY);
    let server = pebble.server(&pebble.issuer("challenge tls-alpn-01;")).start();
    assert!(pebble.comes(&server, "").contains("DNS:a.example, DNS:b.example"));
}

/// As nginx-acme: without a certificate there is nothing to shake hands with; once its issuer is there, there is one.
#[test]
fn handshakes_are_refused_until_the_issuer_answers() {
    let mut pebble = Pebble::prepared(90 * DAY);
    let server = pebble.server(&pebble.issuer("")).start();
    wait_for("a complaint", || server.error_log().contains("no certificate \"a.example-"));
    assert_eq!(pebble.shown(), "");
    assert_eq!(server.get("/").body, b"hello", "others are served");
    pebble.go_on();
    pebble.comes(&server, "");
}

/// A server that is added by a reload has its certificate, and the others keep theirs.
#[test]
fn a_reload_adds_one() {
    let pebble = Pebble::start(90 * DAY);
    let server = pebble.server(&pebble.issuer("")).start();
    let first = pebble.comes(&server, "");
    let conf = server.dir().text("rserve.conf");
    let (head, _) = conf.rsplit_once('}').expect("a block");
    let more = format!(
        "server {{ listen 127.0.0.1:{} ssl; server_name c.example; acme_certificate pebble key=rsa:2048;
            ssl_certificate $acme_certificate; ssl_certificate_key $acme_certificate_key; }} }}",
        pebble.tls
    );
    server.set_conf(format!("{head}{more}"));
    server.signal("HUP");
    wait_for("the other", || pebble.shown_to("c.example").contains("DNS:c.example"));
    assert_eq!(pebble.shown(), first);
    assert_eq!(server.error_log().matches("is ordered").count(), 2);
}

/// A token that nobody shows is a page like any other; what is no token is, too.
#[test]
fn other_pages_are_the_servers_own() {
    let pebble = Pebble::prepared(DAY);
    let _server = pebble.server(&pebble.issuer("")).start();
    for path in ["x", "", "../x", "%00", "%ff", "x/y"] {
        let request =
            format!("GET /.well-known/acme-challenge/{path} HTTP/1.0\r\nHost: a.example\r\n\r\n");
        let answer = support::raw(pebble.http, request);
        let answer = String::from_utf8_lossy(&answer);
        assert!(!answer.contains(" 200 "), "{path}: {answer}");
    }
}
