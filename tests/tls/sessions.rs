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
        support::process::signal(victim, "KILL");
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
