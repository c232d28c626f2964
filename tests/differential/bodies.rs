//! Requests with bodies, expectations, and what comes behind them on the connection.

use crate::Case;

/// What follows: it shows where the server believes that the body ends, and whether it goes on.
const NEXT: &str = "GET /exact HTTP/1.1\r\nHost: localhost\r\n\r\n";
const CHUNKS: &[&str] = &[
    "0\r\n\r\n",
    "3\r\nabc\r\n0\r\n\r\n",
    "3\r\nabc\r\n5\r\n12345\r\n0\r\n\r\n",
    "A\r\n0123456789\r\n0\r\n\r\n",
    "a\r\n0123456789\r\n0\r\n\r\n",
    "03\r\nabc\r\n00\r\n\r\n",
    "3;x=y\r\nabc\r\n0;z\r\n\r\n",
    "3 \r\nabc\r\n0\r\n\r\n",
    " 3\r\nabc\r\n0\r\n\r\n",
    "3\t\r\nabc\r\n0\r\n\r\n",
    "3 ;x\r\nabc\r\n0\r\n\r\n",
    "3\r\nabc\r\n0\r\nX: y\r\n\r\n",
    "3\r\nabc\r\n0\r\nX: y\r\nZ: w\r\n\r\n",
    "3\nabc\n0\n\n",
    "3\r\nabc0\r\n\r\n",
    "3\r\nabcd\r\n0\r\n\r\n",
    "3\r\nab\r\n0\r\n\r\n",
    "x\r\nabc\r\n0\r\n\r\n",
    "-1\r\nabc\r\n0\r\n\r\n",
    "0x3\r\nabc\r\n0\r\n\r\n",
    "+3\r\nabc\r\n0\r\n\r\n",
    "\r\nabc\r\n0\r\n\r\n",
    "3\rabc\r\n0\r\n\r\n",
    "3\r\nabc\r\n0\r\n\r",
    "3\r\nabc\r\n0\r\n",
    "3\r\nabc\r\n",
    "3\r\nab",
    "3\r\n",
    "3",
    "",
    "7fffffffffffffff\r\nabc",
    "8000000000000000\r\nabc",
    "ffffffffffffffff\r\nabc",
    "10000000000000000\r\nabc",
    "fffffffffffffffffffffffff\r\nabc",
    "3;\u{0}\r\nabc\r\n0\r\n\r\n",
    "3;\"\r\n\"\r\nabc\r\n0\r\n\r\n",
    "0\r\n:\r\n\r\n",
    "0\r\nX y\r\n\r\n",
    "0\r\n\u{1}\r\n\r\n",
];
const LENGTHS: &[&str] = &[
    "0",
    "3",
    "03",
    "+3",
    "-1",
    "3,3",
    "3, 3",
    "3 ",
    " 3",
    "3\t",
    "\t3",
    "3x",
    "x",
    "",
    "0x3",
    "3.0",
    "1e1",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "99999999999999999999999",
    "100",
    "10",
    "11",
    "3 3",
    "\u{0}3",
];

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for method in ["POST", "GET", "PUT", "HEAD", "TRACE"] {
        for uri in [
            "/file.txt",
            "/text",
            "/small/file.txt",
            "/any/file.txt",
            "/missing",
            "/denied/x",
            "/301",
            "/444",
            "/500",
        ] {
            for (version, connection) in [
                ("1.1", ""),
                ("1.1", "Connection: close\r\n"),
                ("1.0", ""),
                ("1.0", "Connection: keep-alive\r\n"),
            ] {
                let line =
                    format!("{method} {uri} HTTP/{version}\r\nHost: localhost\r\n{connection}");
                for (kind, body) in [
                    ("Content-Length: 3\r\n\r\nabc".to_owned(), "3"),
                    (format!("Content-Length: 11\r\n\r\n{}", "x".repeat(11)), "11"),
                    (
                        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".to_owned(),
                        "chunks",
                    ),
                    (
                        "Transfer-Encoding: chunked\r\n\r\nb\r\n0123456789a\r\n0\r\n\r\n"
                            .to_owned(),
                        "11 in chunks",
                    ),
                ] {
                    let methods: &[&str] = if method == "HEAD" { &["HEAD"] } else { &[] };
                    let name = format!(
                        "{method} {uri} HTTP/{version} {}body of {body}",
                        connection.replace("\r\n", " ")
                    );
                    cases.push(Case { methods, ..Case::new(name, format!("{line}{kind}{NEXT}")) });
                }
            }
        }
    }
    for chunks in CHUNKS {
        for uri in ["/text", "/small/file.txt"] {
            let head = format!(
                "POST {uri} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
            );
            cases.push(Case::new(
                format!("{uri} chunks {chunks:?}"),
                format!("{head}{chunks}{NEXT}"),
            ));
        }
    }
    for length in LENGTHS {
        for uri in ["/text", "/small/file.txt", "/any/file.txt"] {
            let head = format!(
                "POST {uri} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n"
            );
            cases.push(Case::new(format!("{uri} length {length:?}"), format!("{head}abc{NEXT}")));
        }
    }
    for coding in [
        "chunked",
        "Chunked",
        "CHUNKED",
        "gzip",
        "gzip, chunked",
        "chunked, gzip",
        "chunked, chunked",
        "identity",
        "",
        " chunked",
        "chunked ",
        "\tchunked",
        "chunked\t",
        "x",
        "chunked;x",
        "\"chunked\"",
        ",chunked",
        "chunked,",
        "\u{b}chunked",
    ] {
        let body = "3\r\nabc\r\n0\r\n\r\n";
        for (version, more) in [
            ("1.1", ""),
            ("1.0", ""),
            ("1.1", "Content-Length: 3\r\n"),
            ("1.1", "Transfer-Encoding: chunked\r\n"),
        ] {
            let head = format!(
                "POST /text HTTP/{version}\r\nHost: localhost\r\nTransfer-Encoding: {coding}\r\n{more}\r\n"
            );
            cases.push(Case::new(
                format!("HTTP/{version} {} coding {coding:?}", more.trim_end()),
                format!("{head}{body}{NEXT}"),
            ));
        }
    }
    for expect in ["100-continue", "100-Continue", "100-continue ", "200-ok", "", "100-continue, x"]
    {
        for uri in ["/text", "/file.txt", "/small/file.txt", "/missing", "/301"] {
            for (version, body) in [
                ("1.1", "Content-Length: 3\r\n\r\nabc"),
                ("1.1", "Content-Length: 100\r\n\r\n"),
                ("1.1", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
                ("1.1", "Content-Length: 0\r\n\r\n"),
                ("1.1", "\r\n"),
                ("1.0", "Content-Length: 3\r\n\r\nabc"),
            ] {
                let name = format!("HTTP/{version} {uri} expects {expect:?}, {body:?}");
                cases.push(Case::new(name, format!("POST {uri} HTTP/{version}\r\nHost: localhost\r\nExpect: {expect}\r\n{body}{NEXT}")));
            }
        }
    }
    cases
}
