//! The log of sessions, line by line as nginx writes it.

use support::{Server, Twin, Wire, raw, wait_for};

use crate::peer::{Peer, nobody};
use crate::twin::both;

const FORMAT: &str = "log_format told '$remote_addr|$protocol|$status|$bytes_sent|$bytes_received|$upstream_addr|$upstream_bytes_sent|$upstream_bytes_received'; access_log logs/access.log told";

/// Both logs, once they have so many lines; times and the ports of listeners aside.
fn lines(server: &Server, twin: &Twin, count: usize) -> (Vec<String>, Vec<String>) {
    let lines = |text: String| -> Vec<String> { text.lines().map(str::to_owned).collect() };
    let read = || (lines(server.access_log()), lines(twin.access_log()));
    wait_for("the logs", || {
        let (ours, theirs) = read();
        ours.len() >= count && theirs.len() >= count
    });
    read()
}

fn conf(inside: &str) -> String {
    format!("stream {{ {FORMAT} buffer=0; {inside} }}")
}

#[test]
fn what_sessions_came_to() {
    let (echo, saying, mirror) = (Peer::echo(), Peer::saying("told"), Peer::mirror());
    let (dead, gone) = (nobody(), nobody());
    for (inside, sent, ends) in [
        (format!("proxy_pass 127.0.0.1:{};", echo.port), "hello", true),
        (format!("proxy_pass 127.0.0.1:{};", saying.port), "", false),
        (format!("proxy_half_close on; proxy_pass 127.0.0.1:{};", mirror.port), "twice", true),
        (
            format!(
                "proxy_protocol on; proxy_half_close on; proxy_pass 127.0.0.1:{};",
                saying.port
            ),
            "",
            true,
        ),
        (format!("proxy_pass 127.0.0.1:{dead};"), "", false),
        ("proxy_pass group;".to_owned(), "", false),
        ("proxy_pass alive;".to_owned(), "", false),
        ("deny all; proxy_pass alive;".to_owned(), "", false),
        ("return told;".to_owned(), "", false),
        ("set $where nowhere; proxy_pass $where;".to_owned(), "", false),
    ] {
        let text = conf(&format!(
            "upstream group {{ server 127.0.0.1:{dead}; server 127.0.0.1:{gone}; }}
            upstream alive {{ server 127.0.0.1:{dead}; server 127.0.0.1:{}; }}
            server {{ listen 127.0.0.1:{{port}}; {inside} }}",
            saying.port
        ));
        let (server, twin) = both(&text);
        for port in [server.port(), twin.port()] {
            let mut wire = Wire::open(port);
            wire.send(sent);
            if sent == "hello" {
                wire.exactly(5);
            }
            if ends {
                wire.half_close();
            }
            wire.rest();
        }
        // nginx has the session of whoever looked whether it listens, too.
        let (ours, theirs) = lines(&server, &twin, 1);
        assert_eq!(ours.last(), theirs.last(), "{inside}");
    }
}

/// The header of a proxy that is none, and a session that is silent: 400 and 200.
#[test]
fn statuses_of_sessions_that_do_not_come_to_it() {
    for (inside, sent) in [
        ("return x;", "NONSENSE\r\n"),
        ("proxy_protocol_timeout 100ms; return x;", ""),
        ("return x;", "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n"),
    ] {
        let text =
            conf(&format!("server {{ listen 127.0.0.1:{{port}} proxy_protocol; {inside} }}"));
        let (server, twin) = both(&text);
        for port in [server.port(), twin.port()] {
            let mut wire = Wire::open(port);
            wire.send(sent);
            wire.rest();
        }
        let (ours, theirs) = lines(&server, &twin, 1);
        assert_eq!(ours.last(), theirs.last(), "{sent}");
    }
}

#[test]
fn times_and_conditions() {
    let peer = Peer::saying("x");
    let (server, _twin) = both(&format!(
        "stream {{ map $remote_addr $wanted {{ default 0; 127.0.0.9 1; }}
        log_format times '$session_time $upstream_connect_time $upstream_first_byte_time $upstream_session_time $remote_addr';
        access_log logs/access.log times buffer=0 if=$wanted; access_log {{dir}}/logs/$protocol.log times;
        server {{ listen 127.0.0.1:{{port}}; proxy_pass 127.0.0.1:{}; }} }}",
        peer.port
    ));
    use std::os::unix::fs::PermissionsExt;
    let everybody = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(server.dir().path("logs"), everybody).expect("chmod");
    assert_eq!(Wire::open(server.port()).rest(), b"x");
    assert_eq!(Wire::open_from([127, 0, 0, 9], server.port()).rest(), b"x");
    wait_for("the log", || !server.access_log().is_empty());
    let log = server.access_log();
    let words: Vec<&str> = log.trim_end().split(' ').collect();
    assert_eq!((words.len(), words[4]), (5, "127.0.0.9"), "{log}");
    assert!(
        words[..4].iter().all(|time| time.parse::<f64>().is_ok_and(|time| time < 10.0)),
        "{log}"
    );
    wait_for("the other log", || server.dir().text("logs/TCP.log").lines().count() == 2);
}

#[test]
fn what_is_disconnected_is_told() {
    let (echo, saying) = (Peer::echo(), Peer::saying("told"));
    for (port, who) in [(echo.port, "client"), (saying.port, "upstream")] {
        let (server, twin) = both(&format!(
            "error_log logs/error.log info; stream {{ server {{ listen 127.0.0.1:{{port}}; proxy_pass 127.0.0.1:{port}; }} }}"
        ));
        for port in [server.port(), twin.port()] {
            match who {
                "client" => drop(raw(port, "")),
                _ => drop(Wire::open(port).rest()),
            }
        }
        let sent = if who == "client" { "0" } else { "4" };
        let line = format!(
            "{who} disconnected, bytes from/to client:0/{sent}, bytes from/to upstream:{sent}/0"
        );
        for log in [&|| server.error_log(), &|| twin.error_log()] as [&dyn Fn() -> String; 2] {
            wait_for("the log", || log().contains(&line));
            assert!(log().contains(&format!("connected to 127.0.0.1:{port}")), "{}", log());
            let words = "*1 client 127.0.0.1:";
            assert!(log().contains(words), "{}", log());
        }
    }
}

#[test]
fn a_form_must_be_named() {
    let start = support::Start::new(env!("CARGO_BIN_EXE_rserve")).plain();
    let said = start.conf("stream { access_log logs/a.log; }").fail().1;
    assert!(said.contains("log format is not specified"), "{said}");
}
