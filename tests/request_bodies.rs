//! What becomes of a request's body on its connection: where it ends, what follows it, who waits for whom.

use std::fs;

use support::{Server, answers, http, proc, start};

const CONF: &str = r#"
    server { listen 127.0.0.1:{port} sndbuf=8k; root html; client_max_body_size 300m;
        location / { dav_methods PUT; }
        location = /says { return 200 "something to be read, of which there is quite a lot when it is said often"; }
        location /guarded/ { alias html/; auth_request /guard; dav_methods PUT; }
        location = /guard { internal; return 204; }
        location /limited/ { alias html/; limit_req zone=one; auth_request /limited/say; dav_methods PUT; }
        location = /limited/say { internal; limit_req zone=one; return 204; }
    }
    limit_req_zone $server_port zone=one:1m rate=1r/m;
"#;

fn server() -> Server {
    let server = start!(format!("user root;\n{}", http(CONF)));
    fs::create_dir_all(server.path("html")).expect("a directory");
    server
}

fn put(path: &str, fields: &str, body: &str) -> String {
    format!("PUT {path} HTTP/1.1\r\nHost: x\r\n{fields}\r\n{body}")
}

#[test]
fn the_next_request_begins_where_a_body_ends() {
    let server = server();
    let chunks = "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: x\r\n\r\n";
    let all = put("/a", "Content-Length: 4\r\n", "1234")
        + &put("/b", "Transfer-Encoding: chunked\r\n", chunks)
        + "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
        + &put("/c", "Content-Length: 0\r\n", "")
        + &put("/b", "Content-Length: 2\r\n", "xy")
        + "GET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    // In one piece, byte by byte, and cut anywhere.
    for step in [usize::MAX, 1, 7, 50] {
        for name in ["a", "b", "c"] {
            let _ = fs::remove_file(server.path(&format!("html/{name}")));
        }
        let mut wire = server.wire();
        for piece in all.as_bytes().chunks(step.min(all.len())) {
            wire.send(piece);
        }
        let told: Vec<_> = answers(&wire.rest(), &[])
            .iter()
            .map(|answer| (answer.status, answer.text()))
            .collect();
        let told: Vec<_> = told.iter().map(|(status, text)| (*status, text.as_str())).collect();
        let expected = [(201, ""), (201, ""), (200, "1234"), (201, ""), (204, ""), (200, "xy")];
        assert_eq!(told, expected, "{step}");
    }
}

/// `100 Continue` is said when the body is wanted, behind the answers to earlier requests, and not at all where it is not.
#[test]
fn a_client_that_waits_for_our_word_gets_it_in_its_place() {
    let server = server();
    let mut wire = server.wire();
    let asked = 200;
    let earlier = "GET /says HTTP/1.1\r\nHost: x\r\n\r\n".repeat(asked);
    wire.send(earlier + &put("/x", "Content-Length: 3\r\nExpect: 100-continue\r\n", ""));
    let before = wire.until("HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(before.matches("HTTP/1.1 200 OK").count(), asked);
    wire.send("abc");
    assert_eq!(wire.answer().status, 201);
    // Refused at once: the client keeps its body.
    let mut wire = server.wire();
    wire.send(put("/none/none", "Content-Length: 3\r\nExpect: 100-continue\r\n", ""));
    assert_eq!(wire.answer().status, 409);
}

#[test]
fn a_body_waits_for_what_is_asked_before() {
    let server = server();
    let mut wire = server.wire();
    wire.send(put("/guarded/x", "Content-Length: 3\r\n", "abc"));
    wire.send(put("/guarded/y", "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n"));
    wire.send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!([wire.answer().status, wire.answer().status], [201, 201]);
    assert_eq!(wire.answer().text(), "abc");
    // As in nginx: a request is counted once, whatever is asked on its behalf.
    let mut wire = server.wire();
    wire.send(put("/limited/z", "Content-Length: 3\r\n", "abc"));
    assert_eq!(wire.answer().status, 201);
    wire.send("GET /limited/z HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(wire.answer().status, 503);
}

/// A body of any length takes no memory.
#[test]
fn a_long_body_goes_through_a_little_memory() {
    let server = server();
    let [worker] = server.workers()[..] else { panic!("one worker") };
    assert_eq!(server.curl(&["-T", "/etc/passwd"], "/warm").status, 201);
    let before = proc::memory_kb(worker);
    let file = server.path("long");
    fs::File::create(&file).and_then(|file| file.set_len(256 << 20)).expect("a file of holes");
    let path = file.to_str().expect("text");
    assert_eq!(server.curl(&["-T", path], "/long").status, 201);
    assert_eq!(fs::metadata(server.path("html/long")).expect("a file").len(), 256 << 20);
    let chunked = server.curl(&["-T", path, "-H", "Transfer-Encoding: chunked"], "/long");
    assert_eq!(chunked.status, 204);
    let grown = proc::memory_kb(worker).saturating_sub(before);
    assert!(grown < 4096, "{grown} KB");
    fs::remove_file(server.path("html/long")).expect("removed");
}

/// Clients that go in the middle, at each place, and others that are served meanwhile.
#[test]
fn who_goes_in_the_middle_takes_nobody_along() {
    let server = server();
    let [worker] = server.workers()[..] else { panic!("one worker") };
    let descriptors = proc::descriptors(worker);
    let whole = put("/x", "Transfer-Encoding: chunked\r\n", "4000\r\n")
        + &"x".repeat(0x4000)
        + "\r\n0\r\n\r\n";
    for at in (0..whole.len()).step_by(251) {
        let mut wire = server.wire();
        wire.send(&whole[..at]);
    }
    assert_eq!(server.get("/says").status, 200);
    server.wait_for("all to be gone", || proc::descriptors(worker) <= descriptors + 1);
    assert!(!server.path("html/x").exists());
}
