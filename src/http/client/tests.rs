use super::*;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// What a future gives that has all it waits for.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("everything is there"),
    }
}

/// A client whose server has said this, and has closed.
fn told(answer: &str) -> Client<tokio::io::DuplexStream> {
    let (stream, mut server) = tokio::io::duplex(1 << 20);
    now(server.write_all(answer.as_bytes())).expect("room");
    Client::new(stream)
}

fn whole(answer: &str) -> Result<Vec<u8>, String> {
    let mut client = told(answer);
    let head = now(client.head("GET", 1000)).map_err(|error| error.to_string())?;
    assert_eq!(head.status, 200);
    now(client.whole_body(1000)).map_err(|error| error.to_string())
}

#[test]
fn bodies_of_every_framing() {
    assert_eq!(whole("HTTP/1.0 200 OK\r\n\r\nall of it"), Ok(b"all of it".to_vec()));
    let length = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef";
    assert_eq!(whole(length), Ok(b"abc".to_vec()));
    let chunks =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n";
    assert_eq!(whole(chunks), Ok(b"abcde".to_vec()));
    let hints = format!("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n{length}");
    assert_eq!(whole(&hints), Ok(b"abc".to_vec()));
}

#[test]
fn an_answer_that_is_cut_is_none() {
    let why = |answer: &str| whole(answer).expect_err("cut");
    assert_eq!(why(""), "closed without an answer");
    assert_eq!(why("HTTP/1.1 200 OK\r\n"), "closed before the end of the answer's head");
    let length = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab";
    assert_eq!(why(length), "closed before the end of the answer's body");
    let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n";
    assert_eq!(why(chunks), "closed before the end of the answer's body");
    let lie = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nabc";
    assert_eq!(why(lie), "the answer is not HTTP");
    let long = format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(190));
    assert_eq!(why(&long), "the answer's head is longer than 1000 bytes");
    let large = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(1001));
    assert_eq!(why(&large), "the answer's body is longer than 1000 bytes");
}

#[test]
fn what_follows_an_answer_is_the_next_one() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n";
    let mut client = told(&format!("{answer}a{answer}b"));
    for body in [b"a", b"b"] {
        assert_eq!(now(client.head("GET", 1000)).expect("a head").status, 200);
        assert_eq!(now(client.whole_body(9)).expect("a body"), body);
    }
}

#[test]
fn answers_before_the_answer_have_a_bound() {
    let answer = |interim: usize| {
        let before = "HTTP/1.1 100 Continue\r\n\r\n".repeat(interim);
        whole(&format!("{before}HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"))
    };
    assert_eq!(answer(MOST_INTERIM), Ok(b"a".to_vec()));
    assert_eq!(answer(MOST_INTERIM + 1), Err("more than 8 interim answers".to_owned()));
}

#[test]
fn a_body_that_is_announced_too_long_is_not_waited_for() {
    let (stream, mut server) = tokio::io::duplex(1000);
    let mut client = Client::new(stream);
    now(server.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n")).expect("room");
    now(client.head("GET", 1000)).expect("a head");
    let error = now(client.whole_body(1000)).expect_err("too long").to_string();
    assert_eq!(error, "the answer's body is longer than 1000 bytes");
    drop(server);
}

#[test]
fn a_server_that_never_pauses_leaves_others_their_turn() {
    let head = &b"HTTP/1.1 200 OK\r\n\r\n"[..];
    let endless = head.chain(tokio::io::repeat(b'x'));
    let mut client = Client::new(tokio::io::join(endless, tokio::io::sink()));
    now(client.head("GET", 1000)).expect("a head");
    let mut body = pin!(client.whole_body(usize::MAX));
    assert!(body.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
}
