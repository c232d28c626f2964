//! What the files are.

use std::process::Command;

use support::certificates::{Authority, Key, Validity};
use support::{process, wait_for};

use crate::{SITE, ask, leaf, put, shown, up, with};

/// As nginx: a configuration is loaded with what its files say. Only a change that nobody has asked for is judged.
#[test]
fn what_a_reload_has_loaded_is_served_whatever_is_to_be_said_of_it() {
    let authority = Authority::new("tests");
    let server = up(with(SITE, "server", &leaf(&authority, "one", Validity::Now)));
    let mut expired = leaf(&authority, "expired", Validity::Over);
    let mut broken = leaf(&authority, "broken", Validity::Now);
    broken.chain += &Authority::new("strange").certificate;
    expired.chain += &authority.certificate;
    let mut before = "one";
    for (name, pair) in [("expired", &expired), ("broken", &broken)] {
        put(&server, "server", pair);
        assert_eq!(ask(&server, "certificates").0, Some(1), "{name}");
        assert_eq!(shown(server.port(), "localhost"), before);
        assert_eq!(ask(&server, "reload"), (Some(0), String::new()), "{name}");
        assert_eq!(shown(server.port(), "localhost"), name);
        assert_eq!(ask(&server, "certificates"), (Some(0), String::new()), "nothing has changed");
        before = name;
    }
    // And a change is judged again.
    put(&server, "server", &leaf(&authority, "two", Validity::Now));
    wait_for("the new one", || shown(server.port(), "localhost") == "two");
}

/// A reload that comes to nothing changes nothing.
#[test]
fn a_reload_that_fails_leaves_the_certificate() {
    let authority = Authority::new("tests");
    let server = up(with(SITE, "server", &leaf(&authority, "one", Validity::Now)));
    put(&server, "server", &leaf(&authority, "expired", Validity::Over));
    server.set_conf(SITE.replace("return 200 x;", "no_such_directive;"));
    assert_eq!(ask(&server, "reload").0, Some(1));
    assert_eq!(shown(server.port(), "localhost"), "one");
}

/// Names are easily had; a signature is not.
#[test]
fn a_chain_holds_together_by_its_signatures() {
    let authority = Authority::new("tests");
    let server = up(with(SITE, "server", &leaf(&authority, "one", Validity::Now)));
    let mut two = leaf(&authority, "two", Validity::Now);
    two.chain += &Authority::new("tests").certificate;
    put(&server, "server", &two);
    let (code, said) = ask(&server, "certificates");
    assert!(code == Some(1) && said.contains("is not issued by the one behind it"), "{said}");
    assert_eq!(shown(server.port(), "localhost"), "one");
}

#[test]
fn a_chain_that_is_new_is_told_though_its_certificate_is_not() {
    let authority = Authority::new("tests");
    let mut one = leaf(&authority, "one", Validity::Now);
    let server = up(with(SITE, "server", &one));
    one.chain += &authority.certificate;
    put(&server, "server", &one);
    assert_eq!(ask(&server, "certificates"), (Some(0), String::new()));
    let said = || server.error_log().matches("the chain of the certificate \"").count();
    assert_eq!((said(), server.error_log().contains("\" is new, it is valid")), (1, false));
}

/// What stands in the configuration stays as it is, at its place.
#[test]
fn files_beside_what_is_written_in_the_configuration_are_watched() {
    let authority = Authority::new("tests");
    let rsa = authority.leaf("written", &["localhost"], Key::Rsa, Validity::Now);
    let [chain, key] = [&rsa.chain, &rsa.key].map(|pem| pem.replace('\n', "\\n"));
    let conf = SITE.replace(
        "ssl_certificate server.pem;",
        &format!("ssl_certificate \"data:{chain}\"; ssl_certificate_key \"data:{key}\"; ssl_certificate server.pem;"),
    );
    let server = up(with(&conf, "server", &leaf(&authority, "one", Validity::Now)));
    let by = |kind: &str| {
        let script = format!(
            "openssl s_client -connect 127.0.0.1:{} -tls1_2 -cipher {kind} </dev/null 2>/dev/null",
            server.port()
        );
        let said = process::run(Command::new("sh").args(["-c", &script])).stdout;
        let said = String::from_utf8_lossy(&said).into_owned();
        said.lines().find_map(|line| Some(line.strip_prefix("subject=CN = ")?.to_owned()))
    };
    let both = || [by("aRSA"), by("aECDSA")].map(Option::unwrap_or_default);
    assert_eq!(both(), ["written", "one"]);
    put(&server, "server", &leaf(&authority, "two", Validity::Now));
    assert_eq!(ask(&server, "certificates"), (Some(0), String::new()));
    assert_eq!(both(), ["written", "two"]);
}

/// Nothing happens to the files when the day comes.
#[test]
fn one_that_is_not_valid_yet_is_taken_when_it_is() {
    let authority = Authority::new("tests");
    let server = up(with(SITE, "server", &leaf(&authority, "one", Validity::Now)));
    put(&server, "server", &leaf(&authority, "soon", Validity::Within(4, 90 * 86_400)));
    let (code, said) = ask(&server, "certificates");
    assert!(code == Some(1) && said.contains("it is not valid before"), "{said}");
    assert_eq!(shown(server.port(), "localhost"), "one");
    wait_for("its day", || ask(&server, "certificates").0 == Some(0));
    assert_eq!(shown(server.port(), "localhost"), "soon");
    // Once, however often it was looked at.
    assert_eq!(server.error_log().matches("it is not valid before").count(), 1);
}

/// Opening a pipe would wait for who writes into it.
#[test]
fn a_pipe_in_the_place_of_a_file_keeps_nobody_waiting() {
    let authority = Authority::new("tests");
    let server = up(with(SITE, "server", &leaf(&authority, "one", Validity::Now)));
    for name in ["server.pem", "server.key"] {
        std::fs::remove_file(server.path(name)).expect("removed");
        assert!(process::run(Command::new("mkfifo").arg(server.path(name))).status.success());
        let (code, said) = ask(&server, "certificates");
        assert!(code == Some(1) && said.contains("it is not a file"), "{said}");
    }
    put(&server, "server", &leaf(&authority, "two", Validity::Now));
    assert_eq!(ask(&server, "certificates"), (Some(0), String::new()));
    assert_eq!(shown(server.port(), "localhost"), "two");
}

#[test]
fn a_new_key_that_everybody_may_read_is_no_secret() {
    use std::os::unix::fs::PermissionsExt;
    let authority = Authority::new("tests");
    let server = up(with(SITE, "server", &leaf(&authority, "one", Validity::Now)));
    let two = leaf(&authority, "two", Validity::Now);
    server.file("server.pem", &two.chain);
    let key = server.file("server.key", &two.key);
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).expect("chmod");
    assert_eq!(ask(&server, "certificates").0, Some(0), "it is taken");
    assert!(server.error_log().contains("every user may read the key"));
}

/// More servers than any room for them is made for in advance; and those of a configuration before make room.
#[test]
fn hundreds_of_servers_have_new_ones_at_once() {
    const COUNT: usize = 300;
    let authority = Authority::new("tests");
    let conf = |prefix: &str, count: usize| {
        let server = |at: usize| {
            format!(
                "server {{ listen 127.0.0.1:{{port}} ssl; server_name s{at}.example; return 200 x;
                ssl_certificate {prefix}{at}.pem; ssl_certificate_key {prefix}{at}.key; }}\n"
            )
        };
        let servers: String = (0..count).map(server).collect();
        format!("worker_processes 2; http {{ access_log off; {servers} }}")
    };
    let one = leaf(&authority, "one", Validity::Now);
    let mut start = with(&conf("a", 1), "a0", &one);
    for at in 0..COUNT {
        for prefix in ["a", "b"] {
            start = start.file(&format!("{prefix}{at}.pem"), &one.chain);
            start = start.file(&format!("{prefix}{at}.key"), &one.key);
        }
    }
    let server = up(start);
    for (prefix, name) in [("a", "two"), ("b", "three")] {
        server.set_conf(conf(prefix, COUNT));
        assert_eq!(ask(&server, "reload").0, Some(0));
        let new = leaf(&authority, name, Validity::Now);
        (0..COUNT).for_each(|at| put(&server, &format!("{prefix}{at}"), &new));
        assert_eq!(ask(&server, "certificates"), (Some(0), String::new()), "{prefix}");
        for at in [0, 1, 255, 256, COUNT - 1] {
            assert_eq!(shown(server.port(), &format!("s{at}.example")), name, "{at}");
        }
    }
    // And few again.
    server.set_conf(conf("a", 1));
    assert_eq!(ask(&server, "reload").0, Some(0));
    put(&server, "a0", &leaf(&authority, "four", Validity::Now));
    assert_eq!(ask(&server, "certificates"), (Some(0), String::new()));
    assert_eq!(shown(server.port(), "s0.example"), "four");
}

/// `rtmp {}` has servers, too.
#[test]
fn every_block_looks_after_its_own() {
    let authority = Authority::new("tests");
    let conf = format!(
        "{SITE} rtmp {{ server {{ listen 127.0.0.1:{{port2}} ssl;
        ssl_certificate live.pem; ssl_certificate_key live.key; application live {{ live on; }} }} }}"
    );
    let one = leaf(&authority, "one", Validity::Now);
    let start = with(&conf, "server", &one).file("live.pem", &one.chain);
    let server = up(start.file("live.key", &one.key));
    put(&server, "live", &leaf(&authority, "live", Validity::Now));
    assert_eq!(ask(&server, "certificates"), (Some(0), String::new()));
    let both = || [server.port(), server.port2()].map(|port| shown(port, "localhost"));
    assert_eq!(both(), ["one", "live"]);
    put(&server, "server", &leaf(&authority, "site", Validity::Now));
    wait_for("the other", || both() == ["site", "live"]);
    assert_eq!(ask(&server, "reload").0, Some(0));
    assert_eq!(both(), ["site", "live"]);
}

/// What is not watched stays until a reload, and who asks is told nothing else.
#[test]
fn files_can_be_left_alone() {
    let authority = Authority::new("tests");
    let conf = SITE.replace("http {", "http { ssl_certificate_watch off;");
    let server = up(with(&conf, "server", &leaf(&authority, "one", Validity::Now)));
    put(&server, "server", &leaf(&authority, "two", Validity::Now));
    assert_eq!(ask(&server, "certificates").0, Some(0));
    assert_eq!(shown(server.port(), "localhost"), "one");
    assert_eq!(ask(&server, "reload").0, Some(0));
    assert_eq!(shown(server.port(), "localhost"), "two");
}
