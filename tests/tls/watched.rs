//! Certificates whose files change while the server serves: taken without a reload when they are right, and in all workers.

use std::sync::Arc;

use support::certificates::{Authority, Key, Leaf, Validity};
use support::{Server, wait_for};

use crate::client::{LAST, config, prepared, s_client, with_leaf};

const SITE: &str = "worker_processes 3; http { access_log off; {tls}
    server { listen 127.0.0.1:{port} ssl; return 200 \"$pid\"; } }";

fn up() -> (Server, Authority) {
    let authority = Authority::new("tests");
    let leaf = authority.leaf("one", &["localhost"], Key::Ecdsa, Validity::Now);
    let server = with_leaf(prepared(SITE, &authority), "server", &leaf).start();
    wait_for("the workers", || server.workers().len() == 3);
    (server, authority)
}

fn leaf(authority: &Authority, name: &str) -> Leaf {
    authority.leaf(name, &["localhost"], Key::Ecdsa, Validity::Now)
}

/// The name in the certificate that a client gets.
fn shown(server: &Server) -> String {
    let said = s_client(server.port(), &[], LAST);
    let line = said.lines().find_map(|line| line.strip_prefix("subject=CN = "));
    line.unwrap_or_else(|| panic!("{said}")).to_owned()
}

/// As a renewal does it: a file of another name, then its name.
fn put(server: &Server, name: &str, text: &str) {
    let new = server.file(&format!("{name}.new"), text);
    std::fs::rename(new, server.path(name)).expect("renamed");
}

#[test]
fn a_renewed_pair_is_taken_and_never_half_of_it() {
    let (server, authority) = up();
    let workers = server.workers();
    let client = Arc::new(config(None));
    let mut open = server.wire().with_tls(client, "localhost");
    open.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(open.answer().status, 200);
    let two = leaf(&authority, "two");
    put(&server, "server.pem", &two.chain);
    server.wait_for("the log", || server.error_log().contains("key values mismatch"));
    assert_eq!(shown(&server), "one");
    put(&server, "server.key", &two.key);
    wait_for("the new one", || shown(&server) == "two");
    // In all workers from then on, and none of them is new.
    (0..30).for_each(|_| assert_eq!(shown(&server), "two"));
    assert_eq!(server.workers(), workers);
    assert!(server.error_log().contains("is new, it is valid until"));
    open.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(open.answer().status, 200, "a connection of before");
    // A worker that comes later has it, too.
    support::process::kill(&[workers[0]]);
    wait_for("another worker", || {
        let now = server.workers();
        now.len() == 3 && !now.contains(&workers[0])
    });
    (0..30).for_each(|_| assert_eq!(shown(&server), "two"));
    server.signal("HUP");
    wait_for("new workers", || server.workers().iter().all(|pid| !workers.contains(pid)));
    assert_eq!(shown(&server), "two");
}

#[test]
fn what_is_wrong_is_not_taken_and_who_asks_is_told() {
    let (server, authority) = up();
    let ask = || {
        let output = server.command(&["-s", "certificates"]);
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(ask().0, Some(0), "nothing has changed");
    let other = leaf(&authority, "other");
    let expired = authority.leaf("expired", &["localhost"], Key::Ecdsa, Validity::Over);
    let later = authority.leaf("later", &["localhost"], Key::Ecdsa, Validity::Later);
    let strange = Authority::new("strange").certificate;
    let chain = format!("{}{strange}", other.chain);
    let cases = [
        (other.chain.as_str(), later.key.as_str(), "key values mismatch"),
        (&expired.chain, &expired.key, "it has expired"),
        (&later.chain, &later.key, "it is not valid before"),
        ("garbage", &other.key, "no certificate is in it"),
        (&chain, &other.key, "not issued by the one behind it"),
    ];
    for (chain, key, why) in cases {
        put(&server, "server.pem", chain);
        put(&server, "server.key", key);
        let (code, said) = ask();
        assert!(code == Some(1) && said.contains(why), "{why}: {code:?} {said}");
        assert_eq!(shown(&server), "one", "{why}");
    }
    std::fs::remove_file(server.path("server.pem")).expect("removed");
    let (code, said) = ask();
    assert!(code == Some(1) && said.contains("No such file"), "{said}");
    assert_eq!(shown(&server), "one");
    put(&server, "server.pem", &other.chain);
    put(&server, "server.key", &other.key);
    assert_eq!(ask(), (Some(0), String::new()));
    assert_eq!(shown(&server), "other", "at once");
}

/// Handshakes without a pause while pairs change, as links do that certbot and kubernetes move: none fails.
#[test]
fn no_handshake_fails_while_certificates_change() {
    let (server, authority) = up();
    for name in ["a", "b"] {
        let leaf = leaf(&authority, name);
        server.file(&format!("{name}/server.pem"), &leaf.chain);
        server.file(&format!("{name}/server.key"), &leaf.key);
    }
    std::os::unix::fs::symlink("a", server.path("now")).expect("a link");
    let conf = SITE
        .replace("{tls}", "ssl_certificate now/server.pem; ssl_certificate_key now/server.key;");
    server.set_conf(&conf);
    assert!(server.command(&["-s", "reload"]).status.success());
    let client = Arc::new(config(None));
    let (mut seen, mut turns) = (0, ["b", "a"].iter().cycle());
    while seen < 4 {
        let to = turns.next().expect("a cycle");
        std::os::unix::fs::symlink(to, server.path("next")).expect("a link");
        std::fs::rename(server.path("next"), server.path("now")).expect("renamed");
        wait_for("the other one", || {
            for _ in 0..20 {
                assert_eq!(crate::client::get(server.port(), &client, "localhost", "/").0, 200);
            }
            shown(&server) == *to
        });
        seen += 1;
    }
}
