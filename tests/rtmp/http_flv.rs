//! Streams as FLV by HTTP and WebSocket (case 43 of the reference).

use support::{start, wait_for};

use crate::client::Client;
use crate::flv::Flv;
use crate::frames::{aac, aac_header, avc_header, inter, key, key_of, metadata};
use crate::{conf, up};

fn stream(server: &support::Server) -> Client {
    let mut publisher = Client::publisher(server, "s");
    publisher.data(0, &metadata(640.0));
    publisher.video(70_000, &avc_header(1));
    publisher.audio(70_000, &aac_header(1));
    publisher.video(70_000, &key(1));
    publisher.sync();
    publisher
}

const FIRST: [&str; 4] = ["meta@0", "vh1@0", "ah1@0", "k1@0"];

#[test]
fn a_stream_is_flv_from_its_first_byte() {
    let server = up("");
    let mut publisher = stream(&server);
    let paths = [
        "/live/s.flv",
        "/flv?app=live&stream=s",
        &format!("/flv?port={}&app=live&stream=s", server.port2()),
    ];
    for (n, path) in paths.into_iter().enumerate() {
        let time = 70_000 + n as u32 * 80;
        let mut http = Flv::get(&server, path);
        for field in
            ["Content-Type: video/x-flv", "Transfer-Encoding: chunked", "Cache-Control: no-cache"]
        {
            assert!(http.head.contains(field), "{}", http.head);
        }
        assert!(!http.head.contains("Accept-Ranges") && !http.head.contains("Content-Length"));
        assert_eq!(http.frames(4), FIRST, "{path}");
        publisher.video(time + 40, &inter(2));
        publisher.audio(time + 50, &aac(2));
        assert_eq!(http.frames(2), ["p2@40", "a2@50"]);
        publisher.video(time + 80, &key(1));
        assert_eq!(http.frames(1), ["k1@80"]);
    }
    // Fields that change nothing.
    let request =
        "GET /live/s.flv HTTP/1.1\r\nHost: x\r\nRange: bytes=100-\r\nAccept-Encoding: gzip\r\n\r\n";
    let mut http = Flv::ask(&server, request);
    assert!(!http.head.contains("Content-Encoding") && !http.head.contains("206"), "{}", http.head);
    assert_eq!(http.frames(4), FIRST);
}

#[test]
fn http_1_0_gets_no_chunks() {
    let server = up("publish_grace 0; idle_streams off;");
    let mut publisher = stream(&server);
    let mut http = Flv::ask(&server, "GET /live/s.flv HTTP/1.0\r\n\r\n");
    assert!(!http.head.contains("chunked"), "{}", http.head);
    assert_eq!(http.frames(4), FIRST);
    publisher.video(70_040, &inter(2));
    assert_eq!(http.frames(1), ["p2@40"]);
    publisher.reset();
    assert!(http.ends());
}

#[test]
fn heads_preflights_and_other_methods() {
    let server = up("");
    let _publisher = stream(&server);
    let head = server.curl(&["-I"], "/live/s.flv");
    assert_eq!((head.status, head.header("Content-Type")), (200, Some("video/x-flv")));
    let origin = ["-H", "Origin: https://page.example"];
    let preflight =
        [&origin[..], &["-X", "OPTIONS", "-H", "Access-Control-Request-Method: GET"]].concat();
    let answer = server.curl(&preflight, "/flv?app=live&stream=s");
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("Access-Control-Allow-Origin"), Some("*"));
    assert!(answer.header("Access-Control-Allow-Methods").is_some_and(|all| all.contains("GET")));
    let http = Flv::ask(
        &server,
        "GET /flv?app=live&stream=s HTTP/1.1\r\nHost: x\r\nOrigin: https://page.example\r\n\r\n",
    );
    assert!(http.head.contains("Access-Control-Allow-Origin: *\r\n"), "{}", http.head);
    for method in ["POST", "PUT", "DELETE"] {
        let answer = server.curl(&["-X", method], "/live/s.flv");
        assert_eq!((answer.status, answer.header("Allow")), (405, Some("GET, HEAD, OPTIONS")));
    }
}

#[test]
fn what_is_not_there_is_not_found() {
    let server = start!(conf("idle_streams off;"));
    for path in [
        "/live/s.flv",
        "/flv?app=other&stream=s",
        "/flv?app=live",
        "/flv",
        "/flv?port=1&app=live&stream=s",
    ] {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
    let server = up("");
    // One that waits for a publisher gets the head at once.
    let mut early = Flv::get(&server, "/live/s.flv");
    let _publisher = stream(&server);
    assert_eq!(early.frames(4), FIRST);
}

#[test]
fn who_leaves_is_forgotten_also_when_nothing_is_sent() {
    let server = up("");
    let publisher = stream(&server);
    let count = || server.get("/stat").text().matches("<client>").count();
    let mut clients: Vec<Flv> = (0..4).map(|_| Flv::get(&server, "/live/s.flv")).collect();
    clients.push(Flv::socket(&server, "/live/s.flv", ""));
    clients.push(Flv::get(&server, "/live/silent.flv"));
    clients.iter_mut().take(5).for_each(|http| assert_eq!(http.frames(4), FIRST));
    wait_for("all", || count() == 7);
    let _ = socket2::SockRef::from(clients[0].wire().stream())
        .set_linger(Some(std::time::Duration::ZERO));
    clients[1].wire().half_close();
    assert!(clients[1].wire().rest().is_empty());
    clients.remove(0);
    wait_for("two to be gone", || count() == 5);
    drop(clients);
    wait_for("all to be gone", || count() == 1);
    drop(publisher);
}

fn masked(head: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [7, 13, 99, 1];
    let body = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
    [head, 0x80 | payload.len() as u8].into_iter().chain(mask).chain(body).collect()
}

#[test]
fn a_web_socket_carries_a_tag_in_each_message() {
    let server = up("publish_grace 0; idle_streams off;");
    let mut publisher = stream(&server);
    let mut socket =
        Flv::socket(&server, "/live/s.flv", "Sec-WebSocket-Extensions: permessage-deflate\r\n");
    assert!(socket.head.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    assert!(!socket.head.contains("permessage-deflate"), "{}", socket.head);
    assert_eq!(socket.frames(4), FIRST);
    for (n, len) in [(2, 10), (3, 200), (4, 70_000)] {
        publisher.video(70_000 + n * 40, &key_of(n, len));
        assert_eq!(socket.frames(1), [format!("k{n}@{}", n * 40)]);
    }
    // What a client says is passed over; a ping is answered, also one that comes between.
    socket.wire().send(masked(0x81, b"text"));
    socket.wire().send(masked(0x02, b"in "));
    socket.wire().send(masked(0x89, b"are you there?"));
    assert_eq!(socket.socket_frame(), (0x8A, b"are you there?".to_vec()));
    socket.wire().send(masked(0x80, b"parts"));
    for piece in masked(0x89, b"slowly").chunks(1) {
        socket.wire().send(piece);
    }
    assert_eq!(socket.socket_frame(), (0x8A, b"slowly".to_vec()));
    socket.wire().send(masked(0x88, &1000u16.to_be_bytes()));
    assert_eq!(socket.socket_frame(), (0x88, 1000u16.to_be_bytes().to_vec()));
    assert!(socket.wire().closes());
    // The end of a stream is a close of its own; a broken frame is answered with one.
    let mut other = Flv::socket(&server, "/flv?app=live&stream=s", "");
    other.frames(4);
    let mut broken = Flv::socket(&server, "/flv?app=live&stream=s", "");
    broken.frames(4);
    broken.wire().send([0x81, 1, b'x']);
    let (head, code) = broken.socket_frame();
    assert_eq!((head, &code[..2]), (0x88, &1002u16.to_be_bytes()[..]));
    publisher.reset();
    let (head, code) = other.socket_frame();
    assert_eq!((head, &code[..2]), (0x88, &1000u16.to_be_bytes()[..]));
}

#[test]
fn pages_of_other_origins_get_no_web_socket() {
    let conf = conf("").replace("flv_allow_origin *;", "flv_allow_origin https://good.example;");
    let server = start!(conf);
    let _publisher = stream(&server);
    let fields = "Origin: https://good.example\r\n";
    assert_eq!(Flv::socket(&server, "/flv?app=live&stream=s", fields).frames(4), FIRST);
    let mut wire = server.wire();
    wire.send(
        "GET /flv?app=live&stream=s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Origin: https://evil.example\r\n\r\n",
    );
    assert_eq!(wire.answer().status, 403);
}

#[test]
fn an_access_log_has_a_line_of_all_that_was_sent() {
    let server = up("");
    let mut publisher = stream(&server);
    let mut http = Flv::get(&server, "/live/s.flv");
    http.frames(4);
    publisher.video(70_040, &key_of(2, 100_000));
    http.frames(1);
    drop(http);
    wait_for("its line", || server.access_log().contains("GET /live/s.flv"));
    let log = server.access_log();
    let sent = log.split("\" 200 ").nth(1).and_then(|rest| rest.split(' ').next());
    let sent: u64 = sent.and_then(|sent| sent.parse().ok()).expect("bytes");
    assert!(sent > 100_000, "{log}");
}
