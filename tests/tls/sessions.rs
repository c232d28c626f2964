//! Sessions are resumed: by any worker, after a reload, after an upgrade; never by a server that trusts others.

use std::sync::Arc;

use rustls::HandshakeKind;
use rustls::client::Resumption;
use support::transport::Stream;
use support::{Server, Wire, wait_for};

use crate::client::{config_of, start};

const SITE: &str = "worker_processes 4; http { access_log off; ssl_session_timeout 1h; {tls}
    server { listen 127.0.0.1:{port} ssl; return 200 \"$ssl_session_reused $pid\"; } }";

/// A client that keeps one session at a time; TLS 1.3's it uses again and again, as no browser would.
struct Client {
    config: Arc<rustls::ClientConfig>,
}

impl Client {
    fn new(version: &'static rustls::SupportedProtocolVersion) -> Client {
        let mut config = config_of(&[version], None);
        config.resumption = Resumption::in_memory_sessions(64);
        Client { config: Arc::new(config) }
    }

    /// Whether the session was resumed, and by which worker.
    #[track_caller]
    fn connect(&self, server: &Server, name: &str) -> (bool, String) {
        let mut wire = Wire::open(server.port()).with_tls(self.config.clone(), name);
        wire.send(format!("GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n"));
        let answer = wire.answer().text();
        let (reused, pid) = answer.split_once(' ').expect("two words");
        let kind = match wire.transport() {
            Stream::Tls(stream) => stream.conn.handshake_kind(),
            Stream::Plain(_) => None,
        };
        let resumed = kind == Some(HandshakeKind::Resumed);
        assert_eq!(reused, if resumed { "r" } else { "." }, "what the server says of it");
        (resumed, pid.to_owned())
    }
}

const VERSIONS: [&rustls::SupportedProtocolVersion; 2] =
    [&rustls::version::TLS12, &rustls::version::TLS13];

#[test]
fn any_worker_resumes() {
    let (server, _) = start(SITE);
    for version in VERSIONS {
        let client = Client::new(version);
        assert!(!client.connect(&server, "a.example").0);
        let mut workers = Vec::new();
        for _ in 0..200 {
            let (resumed, pid) = client.connect(&server, "a.example");
            assert!(resumed, "{version:?}");
            workers.push(pid);
            workers.sort();
            workers.dedup();
            if workers.len() == 4 {
                break;
            }
        }
        assert!(workers.len() > 1, "{workers:?}");
    }
}

/// A third library's opinion, beside those of OpenSSL and rustls.
#[test]
fn gnutls_resumes() {
    let (server, _) = start(SITE);
    for version in ["TLS1.2", "TLS1.3"] {
        let mut said = String::new();
        // Where the processors are busy it leaves before the ticket has come.
        let resumed = || {
            said = crate::client::gnutls_twice(server.port(), version);
            said.contains("This is a resumed session")
        };
        assert!(support::comes(resumed), "{version} (Debian: gnutls-bin): {said}");
    }
}

#[test]
fn sessions_outlive_a_reload_an_upgrade_and_a_killed_worker() {
    let (server, _) = start(SITE);
    for version in VERSIONS {
        let client = Client::new(version);
        client.connect(&server, "a.example");
        let before = server.workers();
        server.signal("HUP");
        wait_for("new workers", || {
            let now = server.workers();
            now.len() == 4 && before.iter().all(|pid| !now.contains(pid))
        });
        assert!(client.connect(&server, "a.example").0, "after a reload");
        let victim = server.workers()[0];
        support::process::kill(&[victim]);
        wait_for("another worker", || {
            let now = server.workers();
            now.len() == 4 && !now.contains(&victim)
        });
        assert!(client.connect(&server, "a.example").0, "after a kill");
        let old = server.pid();
        server.signal("USR2");
        let now = || server.dir().text("logs/rserve.pid").trim().parse::<u32>().unwrap_or(old);
        wait_for("the new binary", || now() != old && support::process::children(now()).len() == 4);
        support::process::signal(old, "QUIT");
        assert!(client.connect(&server, "a.example").0, "after an upgrade");
        wait_for("the end of the old one", || !support::process::is_alive(old));
        assert!(client.connect(&server, "a.example").0, "after the end of the old one");
    }
}

#[test]
fn without_tickets_nothing_is_resumed() {
    let conf = SITE.replace("ssl_session_timeout 1h;", "ssl_session_tickets off;");
    let (server, _) = start(&conf);
    for version in VERSIONS {
        let client = Client::new(version);
        for _ in 0..3 {
            assert!(!client.connect(&server, "a.example").0, "{version:?}");
        }
    }
}

/// As a widely used guide to settings has it. The sessions of TLS 1.3 are in the cache then, too.
#[test]
fn with_a_cache_and_without_tickets_sessions_are_resumed() {
    let cache = "ssl_session_tickets off; ssl_session_cache shared:sessions:1m;";
    let (server, _) = start(&SITE.replace("ssl_session_timeout 1h;", cache));
    for version in VERSIONS {
        let client = Client::new(version);
        assert!(!client.connect(&server, "a.example").0);
        for _ in 0..20 {
            assert!(client.connect(&server, "a.example").0, "{version:?}");
        }
    }
}

/// CVE-2025-23419: a ticket of one server is offered to another, which trusts other clients.
#[test]
fn a_ticket_is_worth_nothing_to_a_server_that_trusts_others() {
    let (server, _) = start(
        "http { {tls} access_log off;
        server { listen 127.0.0.1:{port} ssl; server_name a.example; return 200 \"[$ssl_session_reused a]\"; }
        server { listen 127.0.0.1:{port} ssl; server_name b.example; ssl_verify_client optional;
            ssl_client_certificate authority.pem; return 200 \"[$ssl_session_reused b]\"; }
        server { listen 127.0.0.1:{port} ssl; server_name c.example; return 200 \"[$ssl_session_reused c]\"; } }",
    );
    for version in VERSIONS {
        let dir = server.dir();
        let session = dir.path(&format!("session-{version:?}"));
        let session = session.to_string_lossy();
        let flag = if version == VERSIONS[0] { "-tls1_2" } else { "-tls1_3" };
        let ask = |name: &str, how: &str| {
            let said = format!("GET / HTTP/1.0\r\nHost: {name}\r\n\r\n");
            let arguments = [flag, "-servername", name, how, &session];
            let said = crate::client::s_client(server.port(), &arguments, &said);
            let found = ["[. ", "[r "].iter().find_map(|word| said.find(word));
            found.and_then(|at| said.get(at..at + 5)).map(str::to_owned)
        };
        assert_eq!(ask("a.example", "-sess_out").as_deref(), Some("[. a]"), "{flag}");
        assert_eq!(ask("a.example", "-sess_in").as_deref(), Some("[r a]"), "{flag}");
        assert_eq!(ask("b.example", "-sess_in").as_deref(), Some("[. b]"), "{flag}");
    }
}

/// By their number, for clients that take no tickets (TLS 1.2); in memory that all workers share.
#[test]
fn sessions_by_number_are_every_workers() {
    let conf = SITE.replace(
        "ssl_session_timeout 1h;",
        "ssl_session_cache shared:s:1m; ssl_session_tickets off;",
    );
    let (server, _) = start(&conf);
    let session = server.dir().path("session");
    let session = session.to_string_lossy();
    let ask = |how: &str| {
        let arguments = ["-tls1_2", "-no_ticket", how, &session];
        crate::client::s_client(server.port(), &arguments, crate::client::LAST)
    };
    assert!(ask("-sess_out").contains("New, TLSv1.2"));
    for worker in server.workers() {
        let said = server.only(worker, || ask("-sess_in"));
        assert!(said.contains("Reused, TLSv1.2"), "{said}");
        assert!(said.contains(&format!("r {worker}")), "{said}");
    }
}

/// Keys from files: the first encrypts, the others decrypt, so that keys can be changed by hand.
#[test]
fn keys_of_tickets_may_be_files() {
    let conf = |keys: &str| {
        let words: String =
            keys.split(' ').map(|key| format!("ssl_session_ticket_key {key};")).collect();
        SITE.replace("ssl_session_timeout 1h;", &words)
    };
    let authority = support::certificates::Authority::new("tests");
    let start = crate::client::prepared(&conf("new old"), &authority);
    let start = start.file("new", [1; 48]).file("old", [2; 80]).file("short", [3; 40]);
    let server = start.clone().start();
    let client = Client::new(&rustls::version::TLS13);
    client.connect(&server, "a.example");
    assert!(client.connect(&server, "a.example").0);
    let fill = |text: String| {
        text.replace("{tls}", "ssl_certificate server.pem; ssl_certificate_key server.key;")
    };
    let reload = |keys: &str| {
        let before = server.workers();
        server.set_conf(fill(conf(keys)));
        let taken = server.command(&["-s", "reload"]).status.success();
        // Those of before may take another connection in the moment in which they go.
        let are_gone = || server.workers().iter().all(|pid| !before.contains(pid));
        wait_for("the old ones to go", || !taken || are_gone());
        taken
    };
    assert!(reload("old new"));
    assert!(client.connect(&server, "a.example").0, "with the key that decrypts");
    assert!(!reload("short"), "40 bytes are no key");
    assert!(reload("old"));
    assert!(client.connect(&server, "a.example").0, "the last ticket was made with that one");
}

/// RFC 8446 §8: what comes before the handshake's end is answered, once: a copy of it is not.
#[test]
fn early_data_is_taken_once() {
    let (server, _) = start(
        "worker_processes 4; http { access_log off; ssl_early_data on; {tls}
        server { listen 127.0.0.1:{port} ssl; return 200 \"[early $ssl_early_data, $ssl_session_reused]\"; } }",
    );
    let request = server.file("request", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let path = |name: &str| server.dir().path(name).to_string_lossy().into_owned();
    let (session, request) = (path("session"), request.to_string_lossy().into_owned());
    let said =
        crate::client::s_client(server.port(), &["-sess_out", &session], crate::client::LAST);
    assert!(said.contains("Max Early Data: 16384"), "{said}");
    assert!(said.contains("[early , .]"), "{said}");
    let arguments = ["-sess_in", &session, "-early_data", &request];
    let said = crate::client::s_client(server.port(), &arguments, "");
    assert!(said.contains("Early data was accepted") && said.contains("[early 1, r]"), "{said}");
    // The same session, and the same request: the session is gone, so the data is refused.
    let said = crate::client::s_client(server.port(), &arguments, crate::client::LAST);
    assert!(said.contains("Early data was rejected") && said.contains("[early , .]"), "{said}");
}
