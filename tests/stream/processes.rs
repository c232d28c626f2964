//! Workers come and go: sessions of TLS are resumed by all of them, and none hangs on who says nothing.

use std::sync::Arc;

use rustls::client::Resumption;
use support::{Server, Wire, wait_for};

use crate::client::{config_of, start};

const CONF: &str =
    "worker_processes 4; stream { {tls} ssl_session_timeout 1h; ssl_handshake_timeout 1s;
    server { listen 127.0.0.1:{port} ssl; return \"$ssl_session_reused $pid\"; } }";

/// `r` or `.`, and the worker.
fn told(server: &Server, client: &Arc<rustls::ClientConfig>) -> (String, String) {
    let mut wire = Wire::open(server.port()).with_tls(client.clone(), "a.example");
    let said = String::from_utf8(wire.rest()).expect("text");
    let (reused, pid) = said.split_once(' ').unwrap_or_else(|| panic!("{said:?}"));
    (reused.to_owned(), pid.to_owned())
}

fn client(version: &'static rustls::SupportedProtocolVersion) -> Arc<rustls::ClientConfig> {
    let mut config = config_of(&[version], None);
    config.resumption = Resumption::in_memory_sessions(64);
    Arc::new(config)
}

#[test]
fn any_worker_resumes_also_after_a_reload() {
    let caches = ["", "ssl_session_tickets off; ssl_session_cache shared:s:1m;"];
    for cache in caches {
        let (server, _) = start(&CONF.replace("ssl_session_timeout 1h;", cache));
        wait_for("the workers", || server.workers().len() == 4);
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let client = client(version);
            assert_eq!(told(&server, &client).0, ".");
            let before = server.workers();
            for &worker in &before {
                let (reused, pid) = server.only(worker, || told(&server, &client));
                assert_eq!(
                    (reused.as_str(), pid),
                    ("r", worker.to_string()),
                    "{version:?} {cache}"
                );
            }
            server.signal("HUP");
            wait_for("new workers", || {
                let now = server.workers();
                now.len() == 4 && before.iter().all(|pid| !now.contains(pid))
            });
            assert_eq!(told(&server, &client).0, "r", "{version:?} {cache}");
        }
    }
}

#[test]
fn a_client_that_says_nothing_keeps_no_worker() {
    let (mut server, _) = start(CONF);
    wait_for("the workers", || server.workers().len() == 4);
    let mut idle = Wire::open(server.port());
    let mut begun = Wire::open(server.port());
    begun.send("\x16\x03\x01\x02\x00\x01");
    let before = server.workers();
    server.signal("HUP");
    server.wait_for("the end of the old workers", || {
        let now = server.workers();
        now.len() == 4 && before.iter().all(|pid| !now.contains(pid))
    });
    assert!(idle.closes() && begun.closes());
    let mut idle = Wire::open(server.port());
    support::process::signal(server.pid(), "QUIT");
    assert_eq!(server.wait_for_exit(), Some(0));
    assert!(idle.closes());
}

/// Who has not got anything yet goes when another wants its place.
#[test]
fn who_says_nothing_makes_room() {
    let conf = "worker_processes 1; events { worker_connections 32; } stream { {tls}
        server { listen 127.0.0.1:{port} ssl; return \"$ssl_session_reused $pid\"; } }";
    let (server, _) = start(conf);
    let mut idle: Vec<Wire> = (0..100).map(|_| Wire::open(server.port())).collect();
    for _ in 0..5 {
        assert_eq!(told(&server, &client(&rustls::version::TLS13)).0, ".");
    }
    assert!(idle[0].closes(), "the oldest one");
}

/// It is upgraded with its sockets.
#[test]
fn another_binary_goes_on() {
    let (server, _) = start(CONF);
    let client = client(&rustls::version::TLS13);
    told(&server, &client);
    let old = server.pid();
    server.signal("USR2");
    let now = || server.dir().text("logs/rserve.pid").trim().parse::<u32>().unwrap_or(old);
    wait_for("the new binary", || now() != old && support::process::children(now()).len() == 4);
    support::process::signal(old, "QUIT");
    wait_for("the end of the old one", || !support::process::is_alive(old));
    assert_eq!(told(&server, &client).0, "r");
}
