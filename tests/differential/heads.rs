//! Request lines and header fields: good, odd and bad ones; several requests on one connection.

use crate::Case;

#[rustfmt::skip]
const LINES: &[&str] = &[
    "GET / HTTP/1.1", "GET  / HTTP/1.1", "GET /  HTTP/1.1", "GET / HTTP/1.1 ", " GET / HTTP/1.1",
    "GET\t/ HTTP/1.1", "GET /\tHTTP/1.1", "GET / HTTP/1.1\t", "GET / HTTP/1.1x", "GET / HTTP/1.1 x",
    "GET / HTTP/1.", "GET / HTTP/1", "GET / HTTP/", "GET / HTTP", "GET / http/1.1",
    "GET / HTTP/1.2", "GET / HTTP/1.9", "GET / HTTP/1.10", "GET / HTTP/1.99", "GET / HTTP/1.100",
    "GET / HTTP/1.999", "GET / HTTP/01.1", "GET / HTTP/2.0", "GET / HTTP/2", "GET / HTTP/0.9",
    "GET / HTTP/0.0", "GET / HTTP/9.9", "GET / HTTP/10.0", "GET / HTTP/a.1", "GET / HTTP/1.a",
    "GET / HTTP /1.1", "GET / HTTP/ 1.1", "GET / HTTP/1 .1", "GET / HTTPS/1.1", "GET / FTP/1.1",
    "GET / X", "GET /file.txt X HTTP/1.1", "GET /file.txt HTTP/1.1 HTTP/1.1", "GET /", "GET",
    "GET ", "GET /file.txt", "POST /", "HEAD /", "get / HTTP/1.1", "Get / HTTP/1.1",
    "G@T / HTTP/1.1", "G/T / HTTP/1.1", "GET/ HTTP/1.1", "G\u{0}T / HTTP/1.1",
    "GET /\u{0} HTTP/1.1", "GET / HTTP/1.1\u{0}", "\u{0}", "\u{16}\u{3}\u{1}", "PRI * HTTP/2.0",
    "x", "-", "123 / HTTP/1.1", "AVERYLONGMETHODTHATNOBODYHASEVERHEARDOF / HTTP/1.1",
    "_GET / HTTP/1.1", "GET * HTTP/1.1", "OPTIONS * HTTP/1.1", "GET /file.txt?a b HTTP/1.1",
    "GET\u{b}/ HTTP/1.1", "GET /\u{b} HTTP/1.1", "GET /file.txt\r HTTP/1.1",
];
#[rustfmt::skip]
const FIELDS: &[&str] = &[
    "", "X: y", "X:y", "X:  y", "X:y ", "X:y\t", "X:\ty", "X :y", "X\t:y", " X: y", "\tX: y", "X",
    "X ", ":", ": y", ":y", "X:", "X: ", "X-Test:", "X-Test: a:b", "X_Test: y", "X_Y: z", "X.Y: z",
    "X@Y: z", "X(Y): z", "X\"Y: z", "X/Y: z", "{X}: y", "ä: x", "X-Test: ä", "X-Test: \u{1}",
    "X-Test: a\tb", "X-Test: \u{7f}", "X\u{0}: y", "X-Test: \u{0}", "X-Test: a\r\n b",
    "X-Test: a\r\n\tb", "X-Test: a\rb", "X-Test: a\r\rb", "X\r: y", "X-Test: a\r",
    "X-Test: a\nX-More: b", "X-Test: a\r\nX-Test: b", "Host: localhost", "host: localhost",
    "Host: other", "Host:", "Host : localhost", "Content-Length: 0\r\nContent-Length: 0",
    "Content-Length: 0, 0", "Connection: close", "Connection: Close", "Connection: keep-alive",
    "Connection: keep-alive, close", "Connection: close, keep-alive", "Connection: x, close",
    "Connection: x", "Connection: closed", "Connection: upgrade\r\nUpgrade: websocket",
    "Connection: close\r\nConnection: keep-alive", "Connection: keep-alive\r\nConnection: close",
    "Keep-Alive: 5", "Proxy-Connection: keep-alive", "If-Modified-Since: x\r\nIf-Modified-Since: y",
    "If-Unmodified-Since: x\r\nIf-Unmodified-Since: y", "If-Match: *\r\nIf-Match: *",
    "If-None-Match: x\r\nIf-None-Match: y", "If-Range: x\r\nIf-Range: y", "Expect: x\r\nExpect: y",
    "Authorization: x\r\nAuthorization: y", "Proxy-Authorization: x\r\nProxy-Authorization: y",
    "Content-Range: x\r\nContent-Range: y",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "Range: bytes=0-1\r\nRange: bytes=1-2", "Referer: a\r\nReferer: b",
    "User-Agent: a\r\nUser-Agent: b", "User-Agent: MSIE 6.0",
    "User-Agent: MSIE 5.0\r\nConnection: keep-alive", "User-Agent: Chrome/1.0",
    "User-Agent: Opera MSIE 6.0", "Cookie: a\r\nCookie: b", "Accept-Encoding: gzip", "TE: trailers",
    "Content-Type: x\r\nContent-Type: y", "Upgrade: h2c",
    "X-Forwarded-For: 1\r\nX-Forwarded-For: 2", "Via: 1.1 x", "Depth: 0\r\nDepth: 1",
    "Destination: x",
];
/// The first of two requests.
#[rustfmt::skip]
const FIRST: &[&str] = &[
    "/file.txt", "/missing", "/301", "/204", "/404", "/418", "/500", "/503", "/444", "/denied/x",
    "/%zz", "/big.bin", "/dir/", "/dir", "/cycle/", "/page/x", "/empty.txt",
];
const FIRST_FIELDS: &[&str] = &[
    "",
    "Range: bytes=500000-\r\n",
    "If-Match: x\r\n",
    "If-None-Match: *\r\n",
    "X Y: z\r\n",
    "Host: x\r\n",
    "Connection: close\r\n",
    "Content-Length: 3\r\n",
];

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for line in LINES {
        for end in ["\r\n", "\n"] {
            let bytes = format!("{line}{end}Host: localhost{end}{end}");
            cases.push(Case::new(format!("line {line:?} {end:?}"), bytes));
        }
        cases.push(Case::new(format!("line {line:?} alone"), format!("{line}\r\n")));
        cases.push(Case::new(format!("line {line:?} cut"), line));
    }
    for field in FIELDS {
        for uri in ["/text", "/file.txt", "/missing"] {
            let bytes = format!("GET {uri} HTTP/1.1\r\n{field}\r\nHost: localhost\r\n\r\n");
            cases.push(Case::new(format!("{uri} first field {field:?}"), bytes));
            let bytes = format!("GET {uri} HTTP/1.1\r\nHost: localhost\r\n{field}\r\n\r\n");
            cases.push(Case::new(format!("{uri} last field {field:?}"), bytes));
        }
        let bytes = format!("GET /text HTTP/1.0\r\n{field}\r\n\r\n");
        cases.push(Case::new(format!("HTTP/1.0 field {field:?}"), bytes));
    }
    cases.extend(lengths());
    cases.extend(connections());
    cases
}

/// Long lines, long heads, many fields.
fn lengths() -> Vec<Case> {
    let mut cases = Vec::new();
    for size in
        [900, 1000, 1024, 1100, 2000, 2100, 8000, 8190, 8192, 8300, 16_000, 32_000, 33_000, 40_000]
    {
        let long = "x".repeat(size);
        let line = "GET /file.txt HTTP/1.1";
        let mut case = |what: &str, line: &str, fields: &str| {
            let bytes = format!("{line}\r\nHost: localhost\r\n{fields}\r\n");
            cases.push(Case::new(format!("{what} of {size}"), bytes));
        };
        case("URI", &format!("GET /{long} HTTP/1.1"), "");
        case("query", &format!("GET /file.txt?{long} HTTP/1.1"), "");
        case("method", &format!("{} / HTTP/1.1", long.to_uppercase()), "");
        case("value", line, &format!("X: {long}\r\n"));
        case("name", line, &format!("{long}: x\r\n"));
        case("fields", line, &"X: 234567890123456789012345678\r\n".repeat(size / 31));
    }
    for count in [99, 100, 500, 990] {
        let bytes = format!(
            "GET /file.txt HTTP/1.1\r\nHost: localhost\r\n{}\r\n",
            "X: y\r\n".repeat(count)
        );
        cases.push(Case::new(format!("{count} fields"), bytes));
    }
    let request = "GET /file.txt HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for before in ["\r\n\r\n\r\n\r\n", "\n\n", "\r\r", "\r", " \r\n"] {
        cases.push(Case::new(format!("{before:?} before"), format!("{before}{request}")));
    }
    cases.push(Case::new("nothing", ""));
    cases.push(Case::new("an empty line", "\r\n"));
    cases
}

/// Several requests on one connection.
fn connections() -> Vec<Case> {
    let one =
        |uri: &str, more: &str| format!("GET {uri} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n");
    let mut cases = Vec::new();
    for uri in FIRST {
        for more in FIRST_FIELDS {
            let bytes = format!("{}{}", one(uri, more), one("/exact", ""));
            cases.push(Case::new(format!("{uri} {more:?}, then another"), bytes));
        }
    }
    cases.push(Case::new("ten requests", one("/file.txt", "").repeat(10)));
    cases.push(Case::new("two, the second cut", one("/file.txt", "") + "GET /ex"));
    cases.push(Case::new(
        "empty lines between",
        one("/file.txt", "") + "\r\n\r\n" + &one("/exact", ""),
    ));
    cases.push(Case::new(
        "two hosts",
        one("/exact", "") + "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n",
    ));
    cases.push(Case::new(
        "one with 1.0, one with 1.1",
        "GET /exact HTTP/1.0\r\n\r\n".to_owned() + &one("/exact", ""),
    ));
    cases.push(Case::new(
        "one with 1.0 kept, one with 1.1",
        "GET /exact HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".to_owned() + &one("/exact", ""),
    ));
    cases.push(Case::new("0.9 and more", "GET /exact\r\n".to_owned() + &one("/exact", "")));
    let head = "HEAD /file.txt HTTP/1.1\r\nHost: localhost\r\n\r\n";
    cases.push(Case {
        methods: &["HEAD", "GET", "HEAD"],
        ..Case::new("HEAD between", format!("{head}{}{head}", one("/exact", "")))
    });
    cases
}
