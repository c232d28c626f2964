//! Peers that cannot be reached, hang, break off, or say that they cannot: another one is asked, where the rules allow it.

use std::net::TcpListener;

use support::{Server, free_port, http, start};

use crate::origin::Origin;

/// A server with this block of servers, `LIVE` a port that answers, `DEAD` one where nobody is, `MUTE` one that never answers.
struct Stage {
    live: Origin,
    server: Server,
    _mute: Origin,
}

fn stage(servers: &str, settings: &str) -> Stage {
    let live = Origin::echo();
    let mute = Origin::start(|exchange| {
        exchange.hang();
        false
    });
    let fill = |text: &str| {
        let text = text.replace("LIVE", &format!("127.0.0.1:{}", live.port));
        let text = text.replace("MUTE", &format!("127.0.0.1:{}", mute.port));
        text.replace("DEAD", &format!("127.0.0.1:{}", free_port()))
    };
    let server = start!(http(&format!(
        "log_format told '$request_method $status [$upstream_addr] [$upstream_status]'; access_log logs/told.log told buffer=0;
        upstream group {{ {} }}
        server {{ listen 127.0.0.1:{{port}}; location / {{ proxy_pass http://group; {settings} }} }}",
        fill(servers)
    )));
    Stage { live, server, _mute: mute }
}

impl Stage {
    /// The last line of the log, ports by their names.
    fn told(&self, count: usize) -> String {
        let log = || self.server.dir().text("logs/told.log");
        let lines = || log().lines().map(str::to_owned).collect::<Vec<_>>();
        self.server.wait_for("the lines", || lines().len() >= count);
        lines().pop().expect("a line").replace(&format!("127.0.0.1:{}", self.live.port), "LIVE")
    }
}

#[test]
fn another_one_answers() {
    let stage = stage("server DEAD; server LIVE;", "");
    for count in 1..=4 {
        let answer = stage.server.get("/");
        assert_eq!(answer.status, 200);
        let told = stage.told(count);
        match count {
            1 => assert!(told.ends_with(", LIVE] [502, 200]"), "{told}"),
            // For ten seconds nobody asks the dead one.
            _ => assert_eq!(told, "GET 200 [LIVE] [200]"),
        }
    }
    let log = stage.server.error_log();
    assert!(
        log.contains("connect() failed (111: Connection refused) while connecting to upstream"),
        "{log}"
    );
    assert_eq!(log.matches("upstream server temporarily disabled").count(), 1, "{log}");
}

#[test]
fn none_is_left() {
    let none = stage("server DEAD; server DEAD;", "");
    assert_eq!(none.server.get("/").status, 502);
    assert!(none.told(1).ends_with("[502, 502]"), "{}", none.told(1));
    // Both are out now.
    assert_eq!(none.server.get("/").status, 502);
    assert_eq!(none.told(2), "GET 502 [group] [502]");
    assert!(none.server.error_log().contains("no live upstreams while connecting to upstream"));
    // One alone is asked each time.
    let alone = stage("server DEAD;", "");
    for count in 1..=3 {
        assert_eq!(alone.server.get("/").status, 502);
        assert!(alone.told(count).starts_with("GET 502 [127.0.0.1:"), "{}", alone.told(count));
    }
}

#[test]
fn one_that_hangs_takes_its_time_and_no_more() {
    let stage = stage("server MUTE; server LIVE;", "proxy_read_timeout 200ms;");
    assert_eq!(stage.server.get("/").status, 200);
    assert!(stage.told(1).ends_with("[504, 200]"), "{}", stage.told(1));
    let log = stage.server.error_log();
    let words = "upstream timed out (110: Connection timed out) while reading response header from upstream";
    assert!(log.contains(words), "{log}");
    let off = self::stage(
        "server MUTE; server LIVE;",
        "proxy_read_timeout 200ms; proxy_next_upstream off;",
    );
    assert_eq!(off.server.get("/").status, 504);
    assert_eq!(off.live.count(), 0);
}

/// A port whose queue of connections is full answers no SYN.
#[test]
fn one_that_does_not_let_anybody_in() {
    let listener =
        socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    listener.bind(&any.into()).expect("a port");
    listener.listen(0).expect("a queue");
    let listener = TcpListener::from(listener);
    let port = listener.local_addr().expect("an address").port();
    let connect = || socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
    let waiting: Vec<_> = (0..4)
        .map(|_| {
            let socket = connect().expect("a socket");
            socket.set_nonblocking(true).expect("O_NONBLOCK");
            let _ = socket.connect(&listener.local_addr().expect("an address").into());
            socket
        })
        .collect();
    let server = start!(http(&format!(
        "server {{ listen 127.0.0.1:{{port}}; location / {{ proxy_pass http://127.0.0.1:{port}; proxy_connect_timeout 200ms; }} }}"
    )));
    assert_eq!(server.get("/").status, 504);
    let log = server.error_log();
    assert!(
        log.contains("upstream timed out (110: Connection timed out) while connecting to upstream"),
        "{log}"
    );
    drop(waiting);
}

#[test]
fn what_may_do_something_twice_goes_once() {
    let breaks = || Origin::start(|_| false);
    for (settings, method, expected) in [
        ("", "GET", 200),
        ("", "PUT", 200),
        ("", "POST", 502),
        ("", "PATCH", 502),
        ("", "LOCK", 502),
        ("proxy_next_upstream error non_idempotent;", "POST", 200),
        ("proxy_next_upstream timeout;", "GET", 502),
    ] {
        let (bad, good) = (breaks(), Origin::echo());
        let server = start!(http(&format!(
            "upstream group {{ server 127.0.0.1:{}; server 127.0.0.1:{}; }}
            server {{ listen 127.0.0.1:{{port}}; location / {{ proxy_pass http://group; {settings} }} }}",
            bad.port, good.port
        )));
        let answer = server.curl(&["-X", method, "-d", "a body"], "/");
        assert_eq!(answer.status, expected, "{settings} {method}");
        if expected == 200 {
            assert!(answer.text().ends_with("a body"), "{}", answer.text());
        }
    }
    // Who could not even be reached has done nothing.
    let stage = stage("server DEAD; server LIVE;", "");
    assert_eq!(stage.server.curl(&["-d", "a body"], "/").status, 200);
}

#[test]
fn an_answer_may_be_a_failure() {
    let says = |status: &'static str| {
        Origin::start(move |exchange| {
            exchange.body();
            exchange.answer(status, "X-Says: so\r\n", status)
        })
    };
    for (words, status, expected) in [
        ("error", "503 Busy", 503),
        ("http_503", "503 Busy", 200),
        ("http_500 http_502 http_504", "500 Broken", 200),
        ("http_404", "404 Not Found", 200),
        ("http_403", "403 Forbidden", 200),
        ("http_429", "429 Too Many", 200),
        ("http_503", "500 Broken", 500),
        ("invalid_header", "503 Busy", 503),
    ] {
        let (bad, good) = (says(status), Origin::echo());
        let server = start!(http(&format!(
            "upstream group {{ server 127.0.0.1:{}; server 127.0.0.1:{}; }}
            server {{ listen 127.0.0.1:{{port}}; location / {{ proxy_pass http://group; proxy_next_upstream {words}; }} }}",
            bad.port, good.port
        )));
        assert_eq!(server.get("/").status, expected, "{words} {status}");
    }
    // The last one's answer is the answer, whatever it is.
    let (one, other) = (says("503 Busy"), says("503 Busy"));
    let server = start!(http(&format!(
        "upstream group {{ server 127.0.0.1:{}; server 127.0.0.1:{}; }}
        server {{ listen 127.0.0.1:{{port}}; location / {{ proxy_pass http://group; proxy_next_upstream http_503; }} }}",
        one.port, other.port
    )));
    let answer = server.get("/");
    assert_eq!((answer.status, answer.header("X-Says")), (503, Some("so")));
}

#[test]
fn tries_have_a_limit() {
    let three = "server DEAD; server DEAD; server DEAD; server LIVE;";
    let limited = stage(three, "proxy_next_upstream_tries 2;");
    assert_eq!(limited.server.get("/").status, 502);
    assert!(limited.told(1).ends_with("[502, 502]"), "{}", limited.told(1));
    let late = stage(
        "server MUTE; server MUTE; server LIVE;",
        "proxy_read_timeout 150ms; proxy_next_upstream_timeout 100ms;",
    );
    assert_eq!(late.server.get("/").status, 504);
    assert_eq!(late.live.count(), 0);
    let all = stage(three, "");
    assert_eq!(all.server.get("/").status, 200);
    assert!(all.told(1).ends_with("[502, 502, 502, 200]"), "{}", all.told(1));
}

#[test]
fn pages_of_this_server_for_its_own_failures() {
    let stage = stage(
        "server DEAD;",
        "error_page 502 = @fallback; } location @fallback { return 200 'instead';",
    );
    assert_eq!(stage.server.get("/").text(), "instead");
    // Whoever answers instead has the request as it was, with its body.
    let origin = Origin::echo();
    let server = start!(http(&format!(
        "server {{ listen 127.0.0.1:{{port}}; client_body_buffer_size 8k;
            location / {{ proxy_pass http://127.0.0.1:{}; error_page 502 = @second; }}
            location @second {{ proxy_pass http://127.0.0.1:{}; add_header X-Tries $upstream_status; }} }}",
        free_port(),
        origin.port
    )));
    for len in [10, 100_000] {
        let body = "b".repeat(len);
        let file = server.file("body", &body);
        let answer = server.curl(&["--data-binary", &format!("@{}", file.display())], "/");
        assert!(answer.text().ends_with(&format!("\r\n\r\n{body}")), "{}", answer.status);
        assert!(answer.text().starts_with("POST / HTTP/1.1\r\n"), "{}", answer.text());
        assert_eq!(answer.header("X-Tries"), Some("502 : 200"));
    }
}

/// A body that is passed on as it comes is not there any more for another peer: nobody is asked who would get half of it, or none.
#[test]
fn what_was_passed_on_is_not_sent_again() {
    for says in ["", "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"] {
        let bad = Origin::start(move |exchange| {
            let _ = std::io::Read::read(&mut exchange.stream, &mut [0; 100]);
            exchange.send(says);
            false
        });
        let good = Origin::echo();
        let server = start!(http(&format!(
            "upstream group {{ server 127.0.0.1:{}; server 127.0.0.1:{}; }}
            server {{ listen 127.0.0.1:{{port}}; client_max_body_size 0;
                location / {{ proxy_pass http://group; proxy_request_buffering off; proxy_next_upstream error http_503; }} }}",
            bad.port, good.port
        )));
        let file = server.file("body", "b".repeat(1 << 20));
        let answer = server.curl(&["-H", "Expect:", "-T", &file.display().to_string()], "/x");
        assert!(matches!(answer.status, 502 | 503), "{}", answer.status);
        assert_eq!(good.count(), 0, "{says}");
        assert_eq!(server.get("/").status, 200);
    }
}

/// Nothing of it has gone: whoever answers instead gets all of it.
#[test]
fn what_was_not_passed_on_is_there_for_who_answers_instead() {
    let (origin, dies) = (
        Origin::echo(),
        Origin::start(|exchange| {
            let _ = std::io::Read::read(&mut exchange.stream, &mut [0; 100]);
            false
        }),
    );
    let server = start!(http(&format!(
        "server {{ listen 127.0.0.1:{{port}}; client_max_body_size 0; proxy_request_buffering off;
            location / {{ proxy_pass http://127.0.0.1:{}; error_page 502 = @second; }}
            location /dies/ {{ proxy_pass http://127.0.0.1:{}; error_page 502 = @second; }}
            location @second {{ proxy_pass http://127.0.0.1:{}; }} }}",
        free_port(),
        dies.port,
        origin.port
    )));
    let body = "b".repeat(1 << 20);
    let file = server.file("body", &body).display().to_string();
    let answer = server.curl(&["-H", "Expect:", "-T", &file], "/x");
    assert!(
        answer.status == 200 && answer.text().ends_with(&format!("\r\n\r\n{body}")),
        "{}",
        answer.status
    );
    // Of one that was passed on in part nobody gets the rest for the whole.
    let count = origin.count();
    let answer = server.curl(&["-H", "Expect:", "-T", &file], "/dies/x");
    assert!(answer.status >= 500 || answer.status == 0, "{}", answer.status);
    let heads = origin.heads();
    assert!(heads.len() == count || answer.status >= 500, "{heads:?}");
}
