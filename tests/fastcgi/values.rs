//! Values of memcached through nginx and through this server.

use std::io::{Read, Write};
use std::net::TcpListener;

use support::{Answer, Start, Twin, bytes, http, start};

use crate::memcached::Memcached;

const BINARY: &str = env!("CARGO_BIN_EXE_rserve");

const LOCATIONS: &str = "set $memcached_key $uri;
    location / { memcached_pass cache; }
    location /args/ { set $memcached_key '$uri?$args'; memcached_pass cache; }
    location /gzip/ { memcached_pass cache; memcached_gzip_flag 2; }
    location /page/ { memcached_pass cache; error_page 404 = @none; }
    location /none/ { set $memcached_key ''; memcached_pass cache; }
    location @none { return 200 'none: $uri'; }";

fn fill(memcached: &Memcached) {
    for (key, flags, value) in [
        ("/a.html", 0, &b"a page"[..]),
        ("/b.css", 1, b"a\r\nEND\r\nb"),
        ("/empty", 0, b""),
        ("/long", 0, &bytes(3 << 20)),
        ("/with%20space", 0, b"escaped"),
        ("/args/x?y=z", 0, b"of arguments"),
        ("/gzip/a.html", 2, b"not really"),
        ("/gzip/b.html", 5, b"plain"),
        ("/page/a.html", 0, b"there"),
    ] {
        memcached.set(key, flags, value);
    }
}

/// Status, fields and body. The page of an error has the server's name in it.
fn told(path: &str, answer: &Answer) -> (u16, String, Vec<u8>) {
    if answer.status >= 400 {
        return (answer.status, String::new(), Vec::new());
    }
    let own = ["Date", "Server", "Allow", "Connection"];
    // Ranges are served of what is there as a whole.
    let is_long = |name: &str| path == "/long" && name == "Accept-Ranges";
    let fields = answer.headers.iter();
    let fields = fields.filter(|(name, _)| !own.contains(&&name[..]) && !is_long(name));
    let mut fields: Vec<String> = fields.map(|(name, value)| format!("{name}: {value}")).collect();
    fields.sort();
    (answer.status, fields.join("\n"), answer.body.clone())
}

#[test]
fn beside_nginx() {
    let memcached = Memcached::start();
    fill(&memcached);
    let conf = http(&format!(
        "upstream cache {{ server {}; keepalive 2; }} types {{ text/html html; text/css css; }} default_type application/x;
        server {{ listen 127.0.0.1:{{port}}; server_name localhost; {LOCATIONS} }}",
        memcached.address()
    ));
    let ours = start!(&conf);
    let theirs = Twin::start(&conf, &ours);
    for path in [
        "/a.html",
        "/b.css",
        "/empty",
        "/long",
        "/with%20space",
        "/args/x?y=z",
        "/args/x",
        "/gzip/a.html",
        "/gzip/b.html",
        "/page/a.html",
        "/page/b.html",
        "/none/",
        "/nothing",
    ] {
        for args in [&[][..], &["--head"], &["-d", "a body"], &["-H", "If-None-Match: \"x\""]] {
            let there = told(path, &support::curl(&[args, &[&theirs.url(path)]].concat()));
            let here = told(path, &ours.curl(args, path));
            assert_eq!(
                (here.0, &here.1),
                (there.0, &there.1),
                "{args:?} {path}: ours is the first"
            );
            assert!(here.2 == there.2, "{args:?} {path}: another body");
        }
    }
    let part = ours.curl(&["-r", "2-5"], "/a.html");
    assert_eq!((part.status, &part.text()[..]), (206, "page"));
}

#[test]
fn connections_are_kept() {
    let memcached = Memcached::start();
    memcached.set("/there", 0, b"a value");
    let server = start!(http(&format!(
        "server {{ listen 127.0.0.1:{{port}}; location / {{ set $memcached_key $uri; memcached_pass {}; }} }}",
        memcached.address()
    )));
    server.get("/there");
    let count = |text: String| text.parse::<u32>().expect("a number");
    let before = count(memcached.connections());
    for _ in 0..5 {
        assert_eq!(server.get("/there").text(), "a value");
        assert_eq!(server.get("/none").status, 404);
    }
    // The one that has asked.
    assert_eq!(count(memcached.connections()), before + 1);
}

/// A peer that answers each request with this.
fn says(answer: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    port
}

#[test]
fn answers_that_are_none() {
    for (answer, words) in [
        ("ERROR\r\n", "memcached sent an error: \"ERROR\""),
        (
            "SERVER_ERROR out of memory\r\n",
            "memcached sent an error: \"SERVER_ERROR out of memory\"",
        ),
        ("HTTP/1.1 200 OK\r\n\r\n", "memcached sent invalid response"),
        ("VALUE /other 0 1\r\na\r\nEND\r\n", "memcached sent invalid key in response"),
        ("VALUE /key x 1\r\na\r\nEND\r\n", "memcached sent invalid flags in response"),
        ("VALUE /key 0 -1\r\na\r\nEND\r\n", "memcached sent invalid length in response"),
        ("VALUE /key 0", "upstream prematurely closed connection"),
        ("", "upstream prematurely closed connection"),
    ] {
        let (bad, good) = (says(answer), says("VALUE /key 0 4\r\ngood\r\nEND\r\n"));
        let server = start!(http(&format!(
            "upstream both {{ server 127.0.0.1:{bad}; server 127.0.0.1:{good}; }}
            server {{ listen 127.0.0.1:{{port}}; set $memcached_key /key;
              location / {{ memcached_pass 127.0.0.1:{bad}; }}
              location /next {{ memcached_pass both; memcached_next_upstream error invalid_response; }} }}"
        )));
        assert_eq!(server.get("/").status, 502, "{answer}");
        assert!(server.error_log().contains(words), "{answer}: {}", server.error_log());
        assert_eq!(server.get("/next").text(), "good", "{answer}");
    }
}

#[test]
fn another_one_may_have_it() {
    let (none, good) = (says("END\r\n"), says("VALUE /key 0 4\r\ngood\r\nEND\r\n"));
    let server = start!(http(&format!(
        "upstream both {{ server 127.0.0.1:{none}; server 127.0.0.1:{good}; }}
        server {{ listen 127.0.0.1:{{port}}; set $memcached_key /key;
          location / {{ memcached_pass both; memcached_next_upstream not_found; }}
          location /one {{ memcached_pass 127.0.0.1:{none}; }} }}"
    )));
    assert_eq!(server.get("/").text(), "good");
    assert_eq!(server.get("/one").status, 404);
    assert!(server.error_log().contains("key: \"/key\" was not found by memcached"));
}

#[test]
fn half_a_value_is_not_the_whole() {
    for answer in [
        "VALUE /key 0 9\r\nhalf",
        "VALUE /key 0 9\r\nthe value",
        "VALUE /key 0 9\r\nthe value\r\nEN",
        "VALUE /key 0 9\r\nthe value too long\r\nEND\r\n",
    ] {
        let port = says(answer);
        let server = start!(http(&format!(
            "server {{ listen 127.0.0.1:{{port}}; set $memcached_key /key; location / {{ memcached_pass 127.0.0.1:{port}; }} }}"
        )));
        let mut wire = server.wire();
        wire.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let text = String::from_utf8_lossy(&wire.rest()).into_owned();
        assert!(text.contains("Content-Length: 9\r\n"), "{answer}: {text}");
        assert!(server.error_log().contains("[error]"), "{answer}: {}", server.error_log());
    }
}

#[test]
fn mistakes() {
    for (body, words) in [
        ("memcached_pass 127.0.0.1:1;", "unknown \"memcached_key\" variable"),
        ("set $memcached_key x; memcached_pass 127.0.0.1;", "no port in upstream \"127.0.0.1\""),
        ("memcached_next_upstream http_500;", "invalid value \"http_500\""),
        ("memcached_buffers 4 4k;", "unknown directive \"memcached_buffers\""),
    ] {
        let conf =
            http(&format!("server {{ listen 127.0.0.1:{{port}}; location / {{ {body} }} }}"));
        let (_, said) = Start::new(BINARY).conf(&conf).fail();
        assert!(said.contains(words), "{body}: {said}");
    }
}
