//! Connections to peers: kept, counted, closed; and clients that go.

use support::{Wire, http, start};

use crate::origin::Origin;

#[test]
fn they_are_kept_and_used_again() {
    let origin = Origin::start(|exchange| {
        let number = exchange.connection.to_string();
        exchange.answer("200 OK", "", number)
    });
    let server = start!(http(&format!(
        "upstream three {{ server 127.0.0.1:{0}; keepalive 2; keepalive_requests 3; }}
        upstream none {{ server 127.0.0.1:{0}; keepalive 0; }}
        server {{ listen 127.0.0.1:{{port}};
            location / {{ proxy_pass http://127.0.0.1:{0}; }}
            location /three/ {{ proxy_pass http://three; }}
            location /none/ {{ proxy_pass http://none; }}
            location /old/ {{ proxy_pass http://127.0.0.1:{0}; proxy_http_version 1.0; }}
            location /closing/ {{ proxy_pass http://127.0.0.1:{0}; proxy_set_header Connection close; }} }}",
        origin.port
    )));
    let numbers = |path: &str| -> Vec<usize> {
        (0..4).map(|_| server.get(path).text().parse().expect("a number")).collect()
    };
    let usual = numbers("/");
    assert!(usual.iter().all(|number| *number == usual[0]), "{usual:?}");
    let three = numbers("/three/");
    assert_eq!((three[0] == three[2], three[2] == three[3]), (true, false), "{three:?}");
    let none = numbers("/none/");
    assert!(none.windows(2).all(|two| two[0] != two[1]), "{none:?}");
}

/// An origin that says something when nobody asks, or closes while nobody looks: such a connection serves no request.
#[test]
fn one_that_is_not_silent_is_never_used() {
    let origin = Origin::start(|exchange| {
        let number = exchange.connection;
        match exchange.target() {
            "/two" => {
                exchange.answer("200 OK", "", "one") && exchange.answer("200 OK", "", "of another")
            }
            "/more" => exchange.answer("200 OK", "", "one") && exchange.send("x"),
            "/close" => {
                exchange.answer("200 OK", "", "one");
                false
            }
            "/reset" => {
                exchange.answer("200 OK", "", "one");
                exchange.reset();
                false
            }
            _ => exchange.answer("200 OK", "", format!("{number}")),
        }
    });
    let server = start!(http(&format!(
        "server {{ listen 127.0.0.1:{{port}}; location / {{ proxy_pass http://127.0.0.1:{0}; }} }}",
        origin.port
    )));
    for path in ["/two", "/more", "/close", "/reset"] {
        for _ in 0..10 {
            assert_eq!(server.get(path).text(), "one", "{path}");
            // What it has not said yet nobody can know.
            origin.has_said_all();
            let next = server.curl(&["-d", "posted"], "/next");
            assert_eq!(next.status, 200, "{path}: {}", server.error_log());
            assert_ne!(next.text(), "of another");
        }
    }
    assert!(!server.error_log().contains("[error]"), "{}", server.error_log());
}

/// The connection ends just when it is used: what may be asked twice is asked again, and no peer is blamed.
#[test]
fn a_race_with_the_end_of_an_idle_connection_is_not_lost() {
    let origin = Origin::start(|exchange| {
        // Every other request of a connection gets no answer.
        let key = exchange.field("X-Number").map(str::to_owned).unwrap_or_default();
        match key.as_str() {
            "2" if exchange.field("X-Again").is_none() => false,
            _ => exchange.answer("200 OK", "", "here"),
        }
    });
    let server = start!(http(&format!(
        "upstream two {{ server 127.0.0.1:{0} max_fails=3; server 127.0.0.1:{0} down; }}
        server {{ listen 127.0.0.1:{{port}}; location / {{ proxy_pass http://two; }} }}",
        origin.port
    )));
    assert_eq!(server.get("/").text(), "here");
    let answer = server.curl(&["-H", "X-Number: 2"], "/");
    // It was asked again, on a new connection, where it failed for good.
    assert_eq!(answer.status, 502);
    assert_eq!(origin.count(), 3, "{:?}", origin.heads());
    let log = server.error_log();
    assert_eq!(log.matches("[error]").count(), 1, "{log}");
    // One that may do something twice is not asked again, and nobody is blamed: of three failures that take it out only
    // one was the peer's.
    for _ in 0..3 {
        assert_eq!(server.get("/").status, 200);
        let count = origin.count();
        assert_eq!(server.curl(&["-H", "X-Number: 2", "-d", "x"], "/").status, 502);
        assert_eq!(origin.count(), count + 1);
    }
    assert_eq!(server.get("/").status, 200);
}

#[test]
fn a_client_that_goes_takes_its_request_along() {
    let origin = Origin::start(|exchange| {
        if exchange.target() == "/hang" {
            exchange.hang();
            return false;
        }
        exchange.answer("200 OK", "", "here")
    });
    let server = start!(http(&format!(
        "log_format told '$request_uri $status $upstream_status'; access_log logs/access.log told buffer=0;
        server {{ listen 127.0.0.1:{{port}}; location / {{ proxy_pass http://127.0.0.1:{0}; }} }}",
        origin.port
    )));
    let mut wire = Wire::open(server.port());
    wire.send("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n");
    server.wait_for("the origin", || origin.count() == 1);
    drop(wire);
    server.wait_for("the log", || server.access_log().contains("/hang 499 499"));
    // One that has only closed its side is the same, as in nginx.
    let mut wire = Wire::open(server.port());
    wire.send("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n");
    server.wait_for("the origin", || origin.count() == 2);
    wire.half_close();
    server.wait_for("the log", || server.access_log().matches("/hang 499 499").count() == 2);
    assert_eq!(server.get("/").text(), "here");
}

/// A connection that serves nobody does not keep a worker from its end.
#[test]
fn idle_ones_keep_no_worker() {
    let origin = Origin::echo();
    let mut server = start!(http(&format!(
        "server {{ listen 127.0.0.1:{{port}}; location / {{ proxy_pass http://127.0.0.1:{0}; }} }}",
        origin.port
    )));
    assert_eq!(server.get("/").status, 200);
    server.signal("QUIT");
    assert_eq!(server.wait_for_exit(), Some(0));
}

#[test]
fn by_a_socket_in_the_file_system() {
    let server = start!(http(
        "server { listen unix:{dir}/back; location / { return 200 'host=$host uri=$request_uri'; } }
        upstream path { server unix:{dir}/back; }
        server { listen 127.0.0.1:{port};
            location / { proxy_pass http://unix:{dir}/back; }
            location /base/ { proxy_pass http://unix:{dir}/back:/there/; }
            location /named/ { proxy_pass http://path; add_header X-Addr $upstream_addr; } }"
    ));
    assert_eq!(server.get("/a?b").text(), "host=localhost uri=/a?b");
    assert_eq!(server.get("/base/a").text(), "host=localhost uri=/there/a");
    let answer = server.get("/named/a");
    assert_eq!(answer.text(), "host=path uri=/named/a");
    assert!(answer.header("X-Addr").is_some_and(|addr| addr.starts_with("unix:/")), "{answer:?}");
}
