//! Applications that lie, break off, hang, or say that they cannot.

use support::{Server, http, start};

use crate::application::{Application, Asked, end, record, stderr, stdout};

/// A server before applications.
fn before(applications: &[&Application], settings: &str) -> Server {
    let servers: String =
        applications.iter().map(|one| format!("server 127.0.0.1:{};", one.port)).collect();
    start!(http(&format!(
        "log_format told '$status [$upstream_status] $upstream_response_length'; access_log logs/access.log told buffer=0;
        upstream group {{ {servers} }}
        server {{ listen 127.0.0.1:{{port}}; location / {{ fastcgi_pass group; fastcgi_param URI $request_uri; {settings} }} }}"
    )))
}

/// All that comes of a request, until the server closes.
fn all(server: &Server) -> Vec<u8> {
    let mut wire = server.wire();
    wire.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    wire.rest()
}

fn says(bytes: Vec<u8>) -> Application {
    Application::start(move |asked: &mut Asked| {
        asked.send(&bytes);
        false
    })
}

const HEAD: &str = "Content-Type: text/plain\r\n\r\n";

#[test]
fn answers_that_are_none() {
    let cases: &[(&str, Vec<u8>, &str)] = &[
        ("nothing", Vec::new(), "upstream prematurely closed connection"),
        ("HTTP", b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), "unsupported FastCGI protocol version: 72"),
        ("a type", record(9, b"x"), "invalid FastCGI record type: 9"),
        ("an id", vec![1, 6, 0, 7, 0, 0, 0, 0], "unexpected FastCGI request id: 7"),
        ("an end", end(), "upstream prematurely closed FastCGI request"),
        (
            "half a head",
            [stdout("X: y\r\n"), end()].concat(),
            "upstream prematurely closed FastCGI request",
        ),
        (
            "half a record",
            stdout("X: y\r\n\r\n")[..10].to_vec(),
            "upstream prematurely closed connection",
        ),
        ("a short end", record(3, b"x"), "FastCGI end of request of 1 bytes"),
        ("no field", [stdout("\0: y\r\n\r\n"), end()].concat(), "upstream sent invalid header"),
        (
            "a status",
            [stdout("Status: none\r\n\r\n"), end()].concat(),
            "upstream sent invalid status",
        ),
        (
            "an early status",
            [stdout("Status: 103\r\n\r\n"), end()].concat(),
            "upstream sent status 103",
        ),
        (
            "an upgrade",
            [stdout("Status: 101\r\nUpgrade: x\r\n\r\n"), end()].concat(),
            "unexpected \"101 Switching Protocols\"",
        ),
        (
            "two lengths",
            [stdout("Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"), end()].concat(),
            "upstream sent duplicate header",
        ),
        (
            "a large head",
            [stdout(format!("X: {}\r\n\r\n", "x".repeat(5000))), end()].concat(),
            "upstream sent too big header",
        ),
    ];
    for (what, bytes, words) in cases {
        let application = says(bytes.clone());
        let server = before(&[&application], "");
        assert_eq!(server.get("/").status, 502, "{what}");
        let log = server.error_log();
        assert!(log.contains(words), "{what}: {log}");
        assert!(log.contains("while reading response header from upstream"), "{log}");
        assert!(log.contains("upstream: \"fastcgi://127.0.0.1:"), "{log}");
        // The next one answers, where that is wanted.
        let good = Application::start(|asked| asked.answer("\r\ngood"));
        let server = before(&[&application, &good], "fastcgi_next_upstream error invalid_header;");
        assert_eq!(server.get("/").text(), "good", "{what}");
    }
}

#[test]
fn half_a_body_is_not_the_whole() {
    for (what, bytes) in [
        ("no end", stdout(format!("{HEAD}half"))),
        ("a cut record", stdout(format!("{HEAD}half of it"))[..40].to_vec()),
        ("less than told", [stdout("Content-Length: 9\r\n\r\nhalf"), end()].concat()),
        ("a lie behind", [stdout(format!("{HEAD}half")), record(9, b"")].concat()),
        (
            "more behind its end",
            [stdout(format!("{HEAD}half")), record(6, b""), stdout("more")].concat(),
        ),
    ] {
        let application = says(bytes);
        let server = before(&[&application], "fastcgi_keep_conn on;");
        let answer = all(&server);
        let text = String::from_utf8_lossy(&answer).into_owned();
        if text.starts_with("HTTP/1.1 502 ") {
            // It was found out before anything had gone.
            continue;
        }
        assert!(text.starts_with("HTTP/1.1 200 "), "{what}: {text}");
        let length = text.lines().find_map(|line| line.strip_prefix("Content-Length: "));
        let body = text.split("\r\n\r\n").nth(1).unwrap_or_default();
        match length {
            Some(length) => {
                assert!(body.len() < length.parse().expect("a length"), "{what}: {text}")
            }
            None => assert!(!text.ends_with("0\r\n\r\n"), "{what}: {text}"),
        }
    }
    // What is beyond its length is nobody's.
    let more = says([stdout("Content-Length: 4\r\n\r\nallX"), stdout("more"), end()].concat());
    assert_eq!(before(&[&more], "").get("/").text(), "allX");
}

#[test]
fn what_is_said_for_the_log() {
    let application = Application::start(|asked| {
        let two =
            [stderr("PHP message: one\n"), stdout("X: y\r\n"), stderr("two\r\nlines. \n")].concat();
        asked.send([two, stdout("\r\nall"), stderr("late"), end()].concat())
    });
    let server = before(&[&application], "");
    assert_eq!(server.get("/").text(), "all");
    let log = server.error_log();
    let at = "while reading response header from upstream, client: 127.0.0.1";
    assert!(log.contains(&format!("FastCGI sent in stderr: \"PHP message: one\" {at}")), "{log}");
    assert!(log.contains(&format!("FastCGI sent in stderr: \"two??lines\" {at}")), "{log}");
    assert!(log.contains("FastCGI sent in stderr: \"late\" while reading"), "{log}");
    // What makes an answer none.
    let good = Application::start(|asked| asked.answer("\r\ngood"));
    let settings = "fastcgi_catch_stderr 'PHP Fatal'; fastcgi_catch_stderr message:; fastcgi_next_upstream error invalid_header;";
    let server = before(&[&application, &good], settings);
    assert_eq!(server.get("/").text(), "good");
    let server = before(&[&application], settings);
    assert_eq!(server.get("/").status, 502);
    let other = before(&[&application], "fastcgi_catch_stderr 'PHP Fatal';");
    assert_eq!(other.get("/").text(), "all");
}

/// Wherever it stands, and however it is cut: only what is written of it is bounded.
#[test]
fn what_is_caught_is_found_in_all_that_is_said() {
    let long = "x".repeat(5000);
    for said in [
        stderr(&format!("{long}PHP Fatal{long}")),
        stderr(&format!("{}PHP Fatal", &long[..2044])),
        [stderr("PHP Fa"), stderr("tal")].concat(),
    ] {
        let application = Application::start(move |asked| {
            said.iter().all(|&byte| asked.send([byte]))
                && asked.send([stdout("X: y\r\n\r\nall"), end()].concat())
        });
        let server = before(&[&application], "fastcgi_catch_stderr 'PHP Fatal';");
        assert_eq!(server.get("/").status, 502);
        let log = server.error_log();
        assert!(log.contains("FastCGI sent \"PHP Fatal\" in stderr"), "{log}");
        let whole = before(&[&application], "fastcgi_catch_stderr 'PHP Fatality';");
        assert_eq!(whole.get("/").text(), "all");
    }
    let at_once = Application::start(move |asked| {
        let said = stderr(&format!("{long}PHP Fatal"));
        asked.send([said, stdout("X: y\r\n\r\nall"), end()].concat())
    });
    let settings =
        "fastcgi_buffer_size 16k; fastcgi_buffers 4 16k; fastcgi_catch_stderr 'PHP Fatal';";
    assert_eq!(before(&[&at_once], settings).get("/").status, 502);
}

#[test]
fn a_record_that_comes_byte_by_byte() {
    let application = Application::start(|asked| {
        let bytes = [stderr("slow"), stdout("X: y\r\n"), stdout("\r\nall of it"), end()].concat();
        bytes.iter().all(|&byte| asked.send([byte]))
    });
    let server = before(&[&application], "");
    let answer = server.get("/");
    assert_eq!((answer.header("X"), &answer.text()[..]), (Some("y"), "all of it"));
    assert_eq!(server.error_log().matches("FastCGI sent in stderr: \"slow\"").count(), 1);
}

#[test]
fn stderr_without_end_is_bounded() {
    let flood = |asked: &mut Asked| {
        let line = stderr(&"x".repeat(60_000));
        while asked.send(&line) {}
        false
    };
    let before_head = Application::start(flood);
    let server = before(&[&before_head], "");
    assert_eq!(server.get("/").status, 502);
    assert!(server.error_log().contains("upstream sent too much in FastCGI stderr"));
    assert!(server.error_log().len() < 1 << 20, "the log is bounded, too");
    let behind_head = Application::start(move |asked| asked.send(stdout(HEAD)) && flood(asked));
    let server = before(&[&behind_head], "");
    let answer = all(&server);
    assert!(answer.starts_with(b"HTTP/1.1 200 ") && !answer.ends_with(b"0\r\n\r\n"));
    assert!(server.error_log().len() < 1 << 20, "the log is bounded, too");
}

#[test]
fn one_that_hangs() {
    let mute = Application::start(Asked::hang);
    let server = before(&[&mute], "fastcgi_read_timeout 200ms;");
    assert_eq!(server.get("/").status, 504);
    let half =
        Application::start(|asked| asked.send(stdout(format!("{HEAD}half"))) && asked.hang());
    let server = before(&[&half], "fastcgi_read_timeout 2s;");
    let answer = all(&server);
    assert!(answer.starts_with(b"HTTP/1.1 200 ") && !answer.ends_with(b"0\r\n\r\n"));
}

#[test]
fn an_answer_before_the_request_was_read() {
    // It answers and closes while a large body is on its way.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            use std::io::{Read, Write};
            let _ = stream.read(&mut [0; 1000]);
            let _ = stream.write_all(&[stdout("Status: 413 No\r\n\r\ntoo much"), end()].concat());
        }
    });
    let server = start!(http(&format!(
        "client_max_body_size 0; server {{ listen 127.0.0.1:{{port}}; location / {{ fastcgi_pass 127.0.0.1:{port}; }} }}"
    )));
    let file = server.file("big", support::bytes(8 << 20));
    let answer = server.curl(&["--data-binary", &format!("@{}", file.display())], "/");
    assert_eq!((answer.status, &answer.text()[..]), (413, "too much"));
}

#[test]
fn what_may_do_something_twice_goes_once() {
    for (settings, method, expected) in [
        ("", "GET", 200),
        ("", "POST", 502),
        ("fastcgi_next_upstream error non_idempotent;", "POST", 200),
        ("fastcgi_next_upstream off;", "GET", 502),
        ("fastcgi_request_buffering off;", "PUT", 502),
    ] {
        let breaks = Application::start(|_| false);
        let good = Application::start(|asked| {
            let body = String::from_utf8_lossy(&asked.body).into_owned();
            asked.answer(&format!("\r\n{body}"))
        });
        let server = before(&[&breaks, &good], settings);
        let answer = server.curl(&["-X", method, "-d", "a body"], "/");
        assert_eq!(answer.status, expected, "{settings} {method}");
        if expected == 200 {
            assert_eq!(answer.text(), "a body");
        }
    }
    let failing = Application::start(|asked| asked.answer("Status: 503\r\n\r\nno"));
    let good = Application::start(|asked| asked.answer("\r\ngood"));
    let server = before(&[&failing, &good], "fastcgi_next_upstream http_503;");
    assert_eq!(server.get("/").text(), "good");
    // The last one's answer is the client's.
    let server = before(&[&failing], "fastcgi_next_upstream http_503;");
    assert_eq!(server.get("/").status, 503);
}
