//! Requests by chance, most of them nearly right.

use support::Random;

use crate::places::{FILES, HOSTS, PREFIXES, one};

/// The requests of one connection.
pub fn connection(random: &mut Random) -> Vec<Vec<u8>> {
    (0..1 + random.below(4).saturating_sub(1)).map(|_| request(random)).collect()
}

fn request(random: &mut Random) -> Vec<u8> {
    let method = match random.below(8) {
        0..5 => "GET",
        5 => "HEAD",
        6 => "POST",
        _ => one(random, METHODS),
    };
    let version = match random.below(12) {
        0..9 => " HTTP/1.1",
        9 | 10 => " HTTP/1.0",
        _ => one(
            random,
            &["", " HTTP/1.2", " HTTP/2.0", " HTTP/1", " http/1.1", "  HTTP/1.1", " HTTP/1.1 "],
        ),
    };
    let end = if random.one_in(25) { "\n" } else { "\r\n" };
    let mut text = format!("{method} {}{version}{end}", uri(random));
    if !random.one_in(15) {
        let host = if random.one_in(12) { one(random, ODD_HOSTS) } else { one(random, HOSTS) };
        text += &format!("Host: {host}{end}");
    }
    for _ in 0..random.below(5).saturating_sub(1) {
        text += &field(random);
        text += end;
    }
    let body = match method {
        "POST" | "PUT" | "PATCH" => random.one_in(2),
        _ => random.one_in(12),
    };
    let mut bytes = text.into_bytes();
    match body {
        true => bytes.extend_from_slice(with_body(random).as_bytes()),
        false => bytes.extend_from_slice(end.as_bytes()),
    }
    if random.one_in(20) {
        spoil(random, &mut bytes);
    }
    bytes
}

#[rustfmt::skip]
const METHODS: &[&str] = &["PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH", "FOO", "get", "PROPFIND"];
#[rustfmt::skip]
const ODD_HOSTS: &[&str] = &[
    "", ".", "a..b", "a b", "x:", "x:80:80", "[::1", "a/b", "a@b", "-", "%61", "a,b", "x\0", "*.example.com",
];

fn uri(random: &mut Random) -> String {
    let mut path = match random.below(3) {
        0 => one(random, FILES).to_owned(),
        1 => one(random, PREFIXES).to_owned() + one(random, FILES).trim_start_matches('/'),
        _ => one(random, PREFIXES).trim_end_matches('/').to_owned() + one(random, FILES),
    };
    for _ in 0..random.below(5).saturating_sub(2) {
        path = bend(random, path);
    }
    if random.one_in(4) {
        path += one(
            random,
            &[
                "?",
                "?a=1",
                "?a=dir/&b=2",
                "?a=file.txt",
                "?a=%2e%2e/",
                "?A=sub&a=",
                "??",
                "?a=x#y",
                "#x",
                "?a=/dir/",
            ],
        );
    }
    match random.below(30) {
        0 => format!("http://{}{path}", one(random, HOSTS)),
        1 => one(
            random,
            &[
                "*",
                "",
                "http://",
                "x",
                "http://localhost",
                "http:/x",
                "//x/file.txt",
                "/\u{1}",
                "/%00",
                "/%",
            ],
        )
        .to_owned(),
        _ => path,
    }
}

/// Another way to say the same, or nearly.
fn bend(random: &mut Random, path: String) -> String {
    let at = random.below(path.len() + 1);
    let Some((before, after)) = path.split_at_checked(at) else { return path };
    match random.below(10) {
        0 => match after.as_bytes().first() {
            Some(byte) if *byte != b'%' => format!("{before}%{byte:02x}{}", &after[1..]),
            _ => path,
        },
        1 => path.replacen('/', "//", 1),
        2 => path.replacen('/', "/./", 1),
        3 => path.replacen('/', "/dir/../", 1),
        4 => format!("{path}/"),
        5 => format!("{path}/.."),
        6 => format!(
            "{before}{}{after}",
            one(
                random,
                &[
                    "%2f", "%2F..%2f", "/..", "..", ".", "%", "%zz", "+", ";", "%20", "~", "\\",
                    "%00", "%3f", "%23", "/"
                ]
            )
        ),
        7 => path.to_uppercase(),
        8 => format!("{path}x"),
        _ => path.trim_end_matches('/').to_owned(),
    }
}

fn field(random: &mut Random) -> String {
    match random.below(14) {
        0..3 => "Range: ".to_owned() + one(random, RANGES),
        3 => "If-Modified-Since: ".to_owned() + one(random, DATES),
        4 => "If-Unmodified-Since: ".to_owned() + one(random, DATES),
        5 => "If-None-Match: ".to_owned() + one(random, TAGS),
        6 => "If-Match: ".to_owned() + one(random, TAGS),
        7 if random.one_in(2) => "If-Range: ".to_owned() + one(random, TAGS),
        7 => "If-Range: ".to_owned() + one(random, DATES),
        8 | 9 => {
            "Connection: ".to_owned()
                + one(random, &["close", "keep-alive", "Close", "x", "close, x", "upgrade", ""])
        }
        10 => "Expect: ".to_owned() + one(random, &["x", "100-continue"]),
        11 => one(
            random,
            &[
                "X-Test: a",
                "X-Test:",
                "x_test: b",
                "X Test: a",
                ": x",
                "X-Test",
                "X-T\u{1}: a",
                "x-test : a",
                "X-Test: \u{fc}",
                " folded",
                "Cookie: c=1; d=2",
                "Authorization: Basic YTpi",
                "Content-Type: x/y",
                "User-Agent: Mozilla/5.0 (compatible; MSIE 6.0; Windows NT 5.1)",
                "Accept-Encoding: gzip",
            ],
        )
        .to_owned(),
        12 if random.one_in(20) => format!("X-Long: {}", "x".repeat(random.below(12_000))),
        12 => "Host: ".to_owned() + one(random, HOSTS),
        _ => "X-Test: ".to_owned() + one(random, &["1", "a b", "\"q\"", "ä", "  x  ", "%41"]),
    }
}

#[rustfmt::skip]
const RANGES: &[&str] = &[
    "bytes=0-0", "bytes=0-", "bytes=-5", "bytes=10-20", "bytes=0-1,5-6", "bytes=5-4", "bytes=1000000-",
    "bytes=-0", "bytes=0-1,1000000-", "bytes=3-9,1-4", "x=1-2", "bytes=", "bytes=1-2,3-4,5-6", "bytes=-1000000",
];
#[rustfmt::skip]
const DATES: &[&str] = &[
    "Fri, 01 Jan 2021 00:00:00 GMT", "Fri, 01 Jan 2021 00:00:01 GMT", "Thu, 31 Dec 2020 23:59:59 GMT",
    "Friday, 01-Jan-21 00:00:00 GMT", "Fri Jan  1 00:00:00 2021", "x", "", "Fri, 01 Jan 2021 00:00:00",
    "Fri, 31 Feb 2021 00:00:00 GMT", "fri, 1 jan 2021 0:0:0 gmt",
];
#[rustfmt::skip]
const TAGS: &[&str] = &[
    "\"5fee6600-64\"", "W/\"5fee6600-64\"", "*", "\"x\"", "\"x\", \"5fee6600-64\"", "5fee6600-64", "\"5fee6600-e\"",
    "", "\"5fee6600-a\"", "\"5fee6600-64\"x", ",\"5fee6600-64\"",
];

/// The end of a head, and a body.
fn with_body(random: &mut Random) -> String {
    let body = "0123456789abc";
    match random.below(8) {
        0..3 => {
            let length = random.below(14);
            format!("Content-Length: {length}\r\n\r\n{}", &body[..length.min(13)])
        }
        3 => {
            let length = one(
                random,
                &["+3", "3x", "-1", "", "3, 3", "99999999999999999999", "03", "2147483648"],
            );
            format!("Content-Length: {length}\r\n\r\nabc")
        }
        4..6 => "Transfer-Encoding: chunked\r\n\r\n".to_owned() + one(random, CHUNKS),
        6 => {
            let coding =
                one(random, &["gzip", "identity", "Chunked", "chunked, chunked", "gzip, chunked"]);
            format!("Transfer-Encoding: {coding}\r\n\r\n0\r\n\r\n")
        }
        _ => "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
            .to_owned(),
    }
}

#[rustfmt::skip]
const CHUNKS: &[&str] = &[
    "0\r\n\r\n", "3\r\nabc\r\n0\r\n\r\n", "3;x=y\r\nabc\r\n0\r\n\r\n", "C\r\n0123456789ab\r\n0\r\n\r\n",
    "3\r\nabc\r\n0\r\nX: y\r\n\r\n", "x\r\n", "3\r\nabcd\r\n0\r\n\r\n", "00\r\n\r\n", "-1\r\n", "ffffffffffffffff\r\n",
];

/// Changes, takes away or puts in a byte.
fn spoil(random: &mut Random, bytes: &mut Vec<u8>) {
    let at = random.below(bytes.len());
    match random.below(4) {
        0 => bytes[at] = random.draw() as u8,
        1 => drop(bytes.remove(at)),
        2 => bytes.truncate(at),
        _ => bytes.insert(at, b" \r\n\0:\t/%\x7f\xff"[random.below(10)]),
    }
}
