//! Answers of other servers.

use proto::http1::{Framing, NotHttp, ResponseHead, parse_response};

fn head(bytes: &str) -> ResponseHead {
    parse_response(bytes.as_bytes()).expect("HTTP").expect("all of it").0
}

#[test]
fn heads_with_and_without_reason_and_carriage_return() {
    for whole in ["HTTP/1.1 200\n\n", "HTTP/1.0 200 OK\nA: b\r\n\n", "HTTP/1.1 200 \r\n\r\n"] {
        assert_eq!(head(whole).status, 200, "{whole:?}");
    }
    let two = b"HTTP/1.1 204 No Content\r\nA: b\r\na : c\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
    let (first, len) = parse_response(two).expect("HTTP").expect("all of it");
    assert_eq!((first.status, first.minor, len), (204, 1, 40));
    assert_eq!(first.values("A").collect::<Vec<_>>(), [b"b", b"c"]);
}

/// RFC 9112 §4: `HTTP-version SP 3DIGIT SP [ reason-phrase ]`.
#[test]
fn what_is_no_answer() {
    for line in [
        "HTTP/garbage 200 x",
        "HTTP/ 200",
        "HTTP/2 200",
        "HTTP/2.0 200 OK",
        "http/1.1 200 OK",
        " HTTP/1.1 200 OK",
        "\r\nHTTP/1.1 200 OK",
        "HTTP/1.1  200 OK",
        "HTTP/1.1\t200 OK",
        "HTTP/1.10 200 OK",
        "HTTP/1.1 +200 OK",
        "HTTP/1.1 2000",
        "HTTP/1.1 200OK",
        "HTTP/1.1 20 OK",
        "HTTP/1.1 000 OK",
        "HTTP/1.1 600 OK",
        "HTTP/1.0",
    ] {
        let bytes = format!("{line}\r\n\r\n");
        assert_eq!(parse_response(bytes.as_bytes()), Err(NotHttp), "{line:?}");
    }
    for cut in ["", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 302 Found\r\nLocation: pub"] {
        assert_eq!(parse_response(cut.as_bytes()), Ok(None), "{cut:?}");
    }
}

/// RFC 9112 §6.3.
#[test]
fn where_a_body_ends() {
    let of = |status: u16, fields: &str, method: &str| {
        head(&format!("HTTP/1.1 {status} x\r\n{fields}\r\n")).framing(method)
    };
    let length = "Content-Length: 5\r\n";
    assert!(matches!(of(200, length, "GET"), Ok(Framing::Length(5))));
    assert!(matches!(of(200, length, "HEAD"), Ok(Framing::None)));
    assert!(matches!(of(204, length, "GET"), Ok(Framing::None)));
    assert!(matches!(of(304, length, "GET"), Ok(Framing::None)));
    assert!(matches!(of(200, "", "GET"), Ok(Framing::Close)));
    let chunked = "Transfer-Encoding: gzip, Chunked\r\n";
    assert!(matches!(of(200, chunked, "GET"), Ok(Framing::Chunked(_))));
    assert!(matches!(of(200, "Transfer-Encoding: gzip\r\n", "GET"), Ok(Framing::Close)));
    let twice = [length, length].concat();
    assert!(matches!(of(200, &twice, "GET"), Ok(Framing::Length(5))));
    for bad in [
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: +5\r\n",
        "Content-Length:\r\n",
        "Content-Length: 99999999999999999999\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    ] {
        assert!(matches!(of(200, bad, "GET"), Err(NotHttp)), "{bad}");
    }
}

#[test]
fn whether_the_connection_stays() {
    let stays = |head_line: &str, fields: &str| {
        let head = head(&format!("{head_line}\r\n{fields}Content-Length: 0\r\n\r\n"));
        head.keep_alive(&head.framing("GET").expect("a length"))
    };
    let endless = head("HTTP/1.1 200 OK\r\n\r\n");
    assert!(!endless.keep_alive(&endless.framing("GET").expect("to the end")));
    assert!(stays("HTTP/1.1 200 OK", ""));
    assert!(!stays("HTTP/1.1 200 OK", "Connection: Close\r\n"));
    assert!(!stays("HTTP/1.1 200 OK", "Connection: x\r\nConnection: y, close\r\n"));
    assert!(!stays("HTTP/1.0 200 OK", ""));
    assert!(stays("HTTP/1.0 200 OK", "Connection: Keep-Alive\r\n"));
}
