//! Framing, persistence and host of a request, and status lines.

use proptest::prelude::*;
use proto::http1::{Body, Head, HeadLimits, framing, host, keep_alive, parse, status};

fn with_head<T>(version: &str, fields: &str, look: impl Fn(&Head, &[u8]) -> T) -> T {
    let request = format!("GET / HTTP/{version}\r\n{fields}\r\n");
    let mut head = Head::default();
    parse(request.as_bytes(), &mut head, &HeadLimits::default()).unwrap();
    look(&head, request.as_bytes())
}

#[test]
fn bodies() {
    let vectors = [
        ("1.1", "", Ok(Body::None)),
        ("1.1", "Content-Length: 0\r\n", Ok(Body::Length(0))),
        ("1.0", "content-length: 007 \r\n", Ok(Body::Length(7))),
        ("1.1", "Content-Length: 9223372036854775807\r\n", Ok(Body::Length(i64::MAX as u64))),
        ("1.1", "Transfer-Encoding: Chunked\r\n", Ok(Body::Chunked)),
        ("1.1", "Content-Length: 9223372036854775808\r\n", Err(400)),
        ("1.1", "Content-Length: 99999999999999999999\r\n", Err(400)),
        ("1.1", "Content-Length:\r\n", Err(400)),
        ("1.1", "Content-Length: +1\r\n", Err(400)),
        ("1.1", "Content-Length: 1, 1\r\n", Err(400)),
        ("1.1", "Content-Length: x\r\nTransfer-Encoding: foo\r\n", Err(400)),
        ("1.1", "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", Err(400)),
        ("1.0", "Transfer-Encoding: chunked\r\n", Err(400)),
        ("1.1", "Transfer-Encoding: gzip, chunked\r\n", Err(501)),
        ("1.1", "Transfer-Encoding: \tchunked\r\n", Err(501)),
        ("1.1", "Transfer-Encoding:\r\n", Err(501)),
    ];
    for (version, fields, expected) in vectors {
        let found = with_head(version, fields, framing).map_err(|reject| reject.status);
        assert_eq!(found, expected, "{fields}");
    }
}

#[test]
fn persistence() {
    let vectors = [
        ("1.1", "", true),
        ("1.0", "", false),
        ("1.1", "Connection: Close\r\n", false),
        ("1.0", "Connection: Keep-Alive\r\n", true),
        ("1.1", "Connection: keep-alive, close\r\n", false),
        ("1.1", "Connection: TE, xclosey\r\n", false),
        ("1.0", "Connection: upgrade, keep-alive\r\n", true),
        ("1.1", "Connection: close\r\nConnection: keep-alive\r\n", true),
        ("1.1", "Connection: close\r\nConnection: upgrade\r\n", false),
    ];
    for (version, fields, expected) in vectors {
        assert_eq!(with_head(version, fields, keep_alive), expected, "{version} {fields}");
    }
}

#[test]
fn hosts() {
    let good: [(&str, &str, Option<u16>); 13] = [
        ("A.B.", "a.b", None),
        ("a:80", "a", Some(80)),
        ("a:", "a", None),
        ("a:65535", "a", Some(65535)),
        ("a.:80", "a", Some(80)),
        ("[::1]", "[::1]", None),
        ("[A::]:8", "[a::]", Some(8)),
        ("a_b", "a_b", None),
        ("a'b", "a'b", None),
        ("a%0d", "a%0d", None),
        ("~a!$&()*+,;=", "~a!$&()*+,;=", None),
        ("[fe80::1%eth0]", "[fe80::1%eth0]", None),
        (".a", ".a", None),
    ];
    for (value, name, port) in good {
        let found = host(value.as_bytes()).unwrap();
        assert_eq!((&found.host[..], found.port), (name.as_bytes(), port));
    }
    let bad = [
        "",
        ".",
        "..",
        "a..b",
        ":80",
        "a b",
        "a/b",
        "a\x01",
        "a\x7f",
        "a\t",
        "a:x",
        "a:65536",
        "a:+1",
        "a:80.",
        "a:1:2",
        "[::1",
        "[::1]x",
        "[a]b]",
        // RFC 3986, 3.2.2, and nginx 1.31: they would mean something else in a URL.
        "good@evil.example",
        "a#b",
        "a?b",
        "a\\b",
        "\"a\"",
        "\u{e9}",
        "<>",
        "a^b",
        "a`b",
        "{}",
        "a|b",
        "a[b",
        "a]b",
        "[a@b]",
        "user:x@a",
        "a\u{80}",
    ];
    for value in bad {
        assert_eq!(host(value.as_bytes()).map_err(|reject| reject.status), Err(400), "{value:?}");
    }
}

#[test]
fn status_lines() {
    assert_eq!(status::line(206), Some(&b"HTTP/1.1 206 Partial Content\r\n"[..]));
    assert_eq!(status::phrase(302), Some("Moved Temporarily"));
    assert_eq!(status::line(299), None);
    let mut out = Vec::new();
    status::write_line(299, &mut out);
    assert_eq!(out, b"HTTP/1.1 299 \r\n");
}

proptest! {
    #[test]
    fn a_host_is_stable(value: Vec<u8>) {
        if let Ok(found) = host(&value) {
            let again = host(&found.host).map(|again| again.host.into_owned());
            // Only a name that ends with dots in front of its port can lose one more.
            prop_assert!(again.is_err() || again == Ok(found.host.to_vec()));
        }
    }
}
