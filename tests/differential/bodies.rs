//! Requests with bodies, expectations, and what comes behind them on the connection.

use crate::Case;

/// What follows: it shows where the server believes that the body ends, and whether it goes on.
const NEXT: &str = "GET /exact HTTP/1.1\r\nHost: localhost\r\n\r\n";
#[rustfmt::skip]
const CHUNKS: &[&str] = &[
    "0\r\n\r\n", "3\r\nabc\r\n0\r\n\r\n", "3\r\nabc\r\n5\r\n12345\r\n0\r\n\r\n",
    "A\r\n0123456789\r\n0\r\n\r\n", "a\r\n0123456789\r\n0\r\n\r\n", "03\r\nabc\r\n00\r\n\r\n",
    "3;x=y\r\nabc\r\n0;z\r\n\r\n", "3 \r\nabc\r\n0\r\n\r\n", "3\t\r\nabc\r\n0\r\n\r\n",
    "3 ;x\r\nabc\r\n0\r\n\r\n", "3\r\nabc\r\n0\r\nX: y\r\n\r\n",
    "3\r\nabc\r\n0\r\nX: y\r\nZ: w\r\n\r\n", "3\r\nabc\r\n0\r\n", "3;\u{0}\r\nabc\r\n0\r\n\r\n",
    "0\r\n:\r\n\r\n", "0\r\nX y\r\n\r\n", "0\r\n\u{1}\r\n\r\n",
];
/// Not well-formed, or not in the eyes of both.
#[rustfmt::skip]
const BAD_CHUNKS: &[&str] = &[
    " 3\r\nabc\r\n0\r\n\r\n", "3\nabc\n0\n\n", "3\r\nabc0\r\n\r\n", "3\r\nabcd\r\n0\r\n\r\n",
    "3\r\nab\r\n0\r\n\r\n", "x\r\nabc\r\n0\r\n\r\n", "-1\r\nabc\r\n0\r\n\r\n",
    "0x3\r\nabc\r\n0\r\n\r\n", "+3\r\nabc\r\n0\r\n\r\n", "\r\nabc\r\n0\r\n\r\n",
    "3\rabc\r\n0\r\n\r\n", "3\r\nabc\r\n0\r\n\r", "3\r\nabc\r\n", "3\r\nab", "3\r\n", "3", "",
    "7fffffffffffffff\r\nabc", "8000000000000000\r\nabc", "ffffffffffffffff\r\nabc",
    "10000000000000000\r\nabc", "fffffffffffffffffffffffff\r\nabc",
    "3;\"\r\n\"\r\nabc\r\n0\r\n\r\n",
];
#[rustfmt::skip]
const LENGTHS: &[&str] = &[
    "0", "3", "03", "+3", "-1", "3,3", "3, 3", "3 ", " 3", "3\t", "\t3", "3x", "x", "", "0x3",
    "3.0", "1e1", "9223372036854775807", "9223372036854775808", "18446744073709551615",
    "99999999999999999999999", "100", "10", "11", "3 3", "\u{0}3",
];

#[rustfmt::skip]
const CODINGS: &[&str] = &[
    "chunked", "Chunked", "CHUNKED", "gzip", "gzip, chunked", "chunked, gzip", "chunked, chunked",
    "identity", "", " chunked", "chunked ", "\tchunked", "chunked\t", "x", "chunked;x",
    "\"chunked\"", ",chunked", "chunked,", "\u{b}chunked",
];
const EXPECTATIONS: &[&str] =
    &["100-continue", "100-Continue", "100-continue ", "200-ok", "", "100-continue, x"];
/// What is sent to, with and without a limit of ten bytes.
#[rustfmt::skip]
const PLACES: &[&str] = &[
    "/file.txt", "/text", "/small/file.txt", "/any/file.txt", "/missing", "/denied/x", "/301",
    "/444", "/500", "/page/x", "/dir", "/dir/",
];
const CONNECTIONS: &[&str] = &[
    "HTTP/1.1\r\nHost: localhost",
    "HTTP/1.1\r\nHost: localhost\r\nConnection: close",
    "HTTP/1.0",
    "HTTP/1.0\r\nConnection: keep-alive",
];
/// The end of the head, and a body.
const BODIES: &[&str] = &[
    "Content-Length: 3\r\n\r\nabc",
    "Content-Length: 11\r\n\r\n0123456789a",
    "Content-Length: 100\r\n\r\n",
    "Content-Length: 0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\nb\r\n0123456789a\r\n0\r\n\r\n",
    "\r\n",
];

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for uri in PLACES {
        for body in BODIES {
            for connection in CONNECTIONS {
                for method in ["POST", "GET", "PUT", "HEAD", "TRACE"] {
                    cases.push(request(method, uri, connection, body));
                }
            }
            for expect in EXPECTATIONS {
                let fields = format!("HTTP/1.1\r\nHost: localhost\r\nExpect: {expect}");
                cases.push(request("POST", uri, &fields, body));
            }
        }
    }
    let plain = "HTTP/1.1\r\nHost: localhost";
    for uri in ["/text", "/204", "/301", "/small/file.txt", "/any/file.txt", "/missing"] {
        for (kind, table) in [("chunks", CHUNKS), ("bad chunks", BAD_CHUNKS)] {
            for chunks in table {
                let body = format!("Transfer-Encoding: chunked\r\n\r\n{chunks}");
                let name = format!("{kind} {uri} {chunks:?}");
                cases.push(Case { name, ..request("POST", uri, plain, &body) });
            }
        }
        for length in LENGTHS {
            cases.push(request(
                "POST",
                uri,
                plain,
                &format!("Content-Length: {length}\r\n\r\nabc"),
            ));
        }
    }
    for coding in CODINGS {
        for more in ["", "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n"] {
            let body = format!("Transfer-Encoding: {coding}\r\n{more}\r\n3\r\nabc\r\n0\r\n\r\n");
            cases.push(request("POST", "/text", plain, &body));
            cases.push(request("POST", "/text", "HTTP/1.0", &body));
        }
    }
    cases
}

/// A request with a body and the one behind it.
fn request(method: &str, uri: &str, fields: &str, body: &str) -> Case {
    let methods: &[&str] = if method == "HEAD" { &["HEAD"] } else { &[] };
    let bytes = format!("{method} {uri} {fields}\r\n{body}");
    Case { methods, ..Case::new(format!("body {bytes:?}"), format!("{bytes}{NEXT}")) }
}
