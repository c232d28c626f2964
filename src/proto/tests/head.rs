//! Request heads: nginx's answers to odd requests, arrival in pieces, limits, arbitrary bytes.

use proptest::prelude::*;
use proto::http1::{Head, HeadLimits, Method, Name, Parsed, Version, parse};

const FIELDS: &str = "Host: x\r\n\r\n";

fn head(request: &[u8]) -> Result<Head, u16> {
    let mut head = Head::default();
    match parse(request, &mut head, &HeadLimits::default()) {
        Ok(Parsed::Complete) => Ok(head),
        Ok(Parsed::Partial) => Err(0),
        Err(reject) => Err(reject.status),
    }
}

/// The outcome as text: a status, or what `show` makes of the head.
fn outcome(request: &[u8], show: impl Fn(&Head) -> String) -> String {
    head(request).map_or_else(|status| status.to_string(), |head| show(&head))
}

fn text(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

#[test]
fn request_lines() {
    let vectors = [
        ("GET / HTTP/1.1", "V11"),
        ("GET / HTTP/1.0", "V10"),
        ("GET / HTTP/1.1  ", "V11"),
        ("GET   /a   HTTP/1.1", "V11"),
        ("\r\n\n\rGET / HTTP/1.1", "V11"),
        ("FOO-_ / HTTP/1.1", "V11"),
        ("GET / HTTP/1.2", "V11"),
        ("GET / HTTP/1.00", "V10"),
        ("GET / HTTP/1.999", "V11"),
        ("GET / HTTP/1.01", "V11"),
        ("GET /x", "V09"),
        ("GET /x  ", "V09"),
        ("CONNECT a:1 HTTP/1.1", "V11"),
        ("TRACE / HTTP/1.1", "V11"),
        ("GET /a\u{ff} HTTP/1.1", "V11"),
        ("GET / HTTP/2.0", "505"),
        ("GET / HTTP/11.0", "505"),
        ("GET / HTTP/2", "505"),
        ("POST /x", "400"),
        (" GET / HTTP/1.1", "400"),
        ("get / HTTP/1.1", "400"),
        ("G3T / HTTP/1.1", "400"),
        ("GET / HTTP/1.1000", "400"),
        ("GET / HTTP/0.9", "400"),
        ("GET / HTTP/1.", "400"),
        ("GET / HTTP/1", "400"),
        ("GET / http/1.1", "400"),
        ("GET /a b HTTP/1.1", "400"),
        ("GET / HTTP/1.1\t", "400"),
        ("GET / HTTP/1.1 x", "400"),
        ("GET / HTTP/1.1\r", "400"),
        ("GET /\t HTTP/1.1", "400"),
        ("GET /\x7f HTTP/1.1", "400"),
        ("GET * HTTP/1.1", "400"),
        ("CONNECT a/b HTTP/1.1", "400"),
        ("GET", "400"),
        ("GET ", "400"),
        ("GET  HTTP/1.1", "400"),
    ];
    for (line, expected) in vectors {
        let request = format!("{line}\r\n{FIELDS}");
        let found = outcome(request.as_bytes(), |head| format!("{:?}", head.version));
        assert_eq!(found, expected, "{line:?}");
    }
}

#[test]
fn targets() {
    // target, path, arguments, host, request URI
    let vectors = [
        ("/a?b?c", "/a b?c - /a?b?c"),
        ("/a?b#c", "/a b - /a?b#c"),
        ("/a#b?c", "/a  - /a#b?c"),
        ("http://Ex.org:81/a?b#c", "/a b Ex.org:81 /a?b#c"),
        ("http://ex.org", "/  ex.org /"),
        ("http://ex.org?q", "/ q ex.org ?q"),
        ("http:///a", "/a   /a"),
        ("http://[::1]:80/a", "/a  [::1]:80 /a"),
        ("http://b:/a", "/a  b: /a"),
        ("h+t.t-p1://b/a", "/a  b /a"),
        ("http://ex.org#q", "400"),
        ("http://[?]/a", "400"),
        ("http://a:8x/a", "400"),
        ("http://a_b/a", "400"),
        ("http://u@b/a", "400"),
        ("http://[::1%eth]/a", "400"),
        ("h_t://b/a", "400"),
        ("http:/b/a", "400"),
        ("a/b", "400"),
    ];
    for (target, expected) in vectors {
        let request = format!("GET {target} HTTP/1.1\r\n{FIELDS}");
        let buf = request.as_bytes();
        let found = outcome(buf, |head| {
            let host = head.host_in_target.map_or("-".into(), |host| text(host.of(buf)));
            let [path, args, uri] =
                [head.path, head.args, head.uri].map(|range| text(range.of(buf)));
            format!("{path} {args} {host} {uri}")
        });
        assert_eq!(found, expected, "{target}");
    }
}

#[test]
fn field_lines() {
    // line, the value of B
    let vectors: [(&[u8], &str); 20] = [
        (b"B: v w  ", "v w"),
        (b"B:v", "v"),
        (b"b:", ""),
        (b"B: \ta\t ", "\\ta\\t"),
        (b"B: a\x01\x7f\xff", "a\\x01\\x7f\\xff"),
        (b"B: a\r", "a"),
        (b"B", ""),
        (b"B(: x\r\nB: y", "y"),
        (b"B_: x\r\nB: y", "y"),
        (b"B\xff: x\r\nB: y", "y"),
        (b"B: a\0b", "400"),
        (b"B: a\rb", "400"),
        (b"B: a \r ", "400"),
        (b"B x", "400"),
        (b": x", "400"),
        (b"B : x", "400"),
        (b"B: x\r\n y", "400"),
        (b"B\t: x", "400"),
        (b"B\0: x", "400"),
        (b"Host: y", "400"),
    ];
    for (line, expected) in vectors {
        let request = [b"GET / HTTP/1.1\r\n", line, b"\r\n", FIELDS.as_bytes()].concat();
        let found = outcome(&request, |head| {
            let is_b = |name: &[u8]| name.eq_ignore_ascii_case(b"b");
            let field = head.fields.iter().find(|field| is_b(field.name.of(&request)));
            text(field.expect("B is kept").value.of(&request))
        });
        assert_eq!(found, expected, "{}", text(line));
    }
    assert_eq!(head(b"GET / HTTP/1.1\nHost: x\n\n").map(|head| head.len), Ok(24));
    assert_eq!(head(b"GET / HTTP/1.1\r\nHost: x\r\n\r\r\n"), Err(400));
}

#[test]
fn odd_names_are_dropped_unless_wanted() {
    let request = b"GET / HTTP/1.1\r\na_b: 1\r\nc(d: 2\r\nHost: x\r\n\r\n";
    let kept = |underscores, ignore_invalid| {
        let mut head = Head::default();
        let limits = HeadLimits { underscores, ignore_invalid, ..HeadLimits::default() };
        assert_eq!(parse(request, &mut head, &limits), Ok(Parsed::Complete));
        (head.fields.len(), head.dropped)
    };
    assert_eq!(kept(false, true), (1, 2));
    assert_eq!(kept(true, true), (2, 1));
    assert_eq!(kept(false, false), (3, 0));
}

#[test]
fn what_may_stand_twice() {
    for name in ["Content-Length", "if-match", "RANGE", "Cookie", "Expect", "X"] {
        let request = format!("GET / HTTP/1.1\r\n{name}: 1\r\nA: b\r\n{name}: 2\r\n{FIELDS}");
        let single = !["RANGE", "Cookie", "X"].contains(&name);
        assert_eq!(head(request.as_bytes()).is_err(), single, "{name}");
    }
}

#[test]
fn fields_are_found_by_name() {
    let request = b"POST /a HTTP/1.1\r\nHOST: x\r\nCookie: a\r\ncookie: b\r\n\r\nbody";
    let head = head(request).unwrap();
    assert_eq!(
        (head.method, head.version, head.len),
        (Method::Post, Version::V11, request.len() - 4)
    );
    assert_eq!(head.value(Name::Host, request), Some(&b"x"[..]));
    assert_eq!(head.values(Name::Cookie, request).collect::<Vec<_>>(), [b"a", b"b"]);
    assert_eq!(head.get(Name::Range), None);
    assert_eq!(head.request_line.of(request), b"POST /a HTTP/1.1");
    assert_eq!(head.protocol.of(request), b"HTTP/1.1");
}

#[test]
fn limits_hold_for_whole_and_partial_heads() {
    let limits = HeadLimits { line: 64, headers: 3, total: 160, ..HeadLimits::default() };
    let status = |request: &str| {
        let mut head = Head::default();
        parse(request.as_bytes(), &mut head, &limits).map_or_else(|reject| reject.status, |_| 200)
    };
    let line = |len: usize| format!("GET /{} HTTP/1.1\r\n", "x".repeat(len - 16));
    let field = |len: usize| format!("A: {}\r\n", "x".repeat(len - 5));
    assert_eq!(status(&line(64)), 200);
    assert_eq!(status(&line(65)), 414);
    assert_eq!(status(&line(65)[..64]), 414);
    assert_eq!(status(&format!("{}{}", line(20), field(64))), 200);
    assert_eq!(status(&format!("{}{}", line(20), field(65))), 494);
    assert_eq!(status(&format!("{}{}", line(20), &field(65)[..64])), 494);
    assert_eq!(status(&format!("{}{}", line(64), field(50).repeat(2))), 494);
    assert_eq!(status(&format!("{}{}", line(20), field(5).repeat(4))), 400);
    assert_eq!(status(&"\r\n".repeat(80)), 414);
}

#[test]
fn garbage_is_refused_before_its_line_ends() {
    assert_eq!(head(b"\x16\x03\x01"), Err(400));
    assert_eq!(head(b"GET"), Err(0));
}

#[test]
fn http_09_has_no_protocol() {
    let head = head(b"GET /x  \r\n").unwrap();
    assert_eq!((head.version, head.protocol.start, head.protocol.end), (Version::V09, 8, 8));
}

#[test]
fn a_head_is_reused() {
    let request = b"GET /a?b HTTP/1.1\r\nHost: x\r\nRange: y\r\n\r\n";
    let mut head = Head::default();
    parse(
        b"GET http://h/ HTTP/1.0\r\nExpect: x\r\n_: x\r\n\r\n",
        &mut head,
        &HeadLimits::default(),
    )
    .unwrap();
    head.clear();
    assert_eq!(head, Head::default());
    parse(request, &mut head, &HeadLimits::default()).unwrap();
    assert_eq!(Ok(head), self::head(request));
}

/// Bytes that often make a request, or nearly one.
fn request() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => prop::sample::select(vec![
            &b"GET "[..], b"/a", b" HTTP/1.1", b"\r\n", b"Host: x\r\n", b"A: b\r\n", b":", b" ",
            b"\r", b"\n", b"http://", b"[", b"?", b"#", b"POST / HTTP/1.0\r\n", b"Content-Length: 5\r\n",
        ]).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ];
    let begin = prop::sample::select(vec![
        &b""[..],
        b"GET /a?b HTTP/1.1\r\n",
        b"\r\nGET http://h:1/a HTTP/1.1\n",
    ]);
    (begin, prop::collection::vec(piece, 0..12))
        .prop_map(|(begin, pieces)| [begin, &pieces.concat()].concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn pieces_make_the_same_head(request in request()) {
        let whole = head(&request);
        let mut head = Head::default();
        let mut outcome = Err(0);
        for end in 0..=request.len() {
            match parse(&request[..end], &mut head, &HeadLimits::default()) {
                Ok(Parsed::Partial) => continue,
                Ok(Parsed::Complete) => outcome = Ok(head.clone()),
                Err(reject) => outcome = Err(reject.status),
            }
            break;
        }
        prop_assert_eq!(outcome, whole);
    }

    #[test]
    fn nothing_panics_and_ranges_are_inside(request in prop_oneof![request(), any::<Vec<u8>>()]) {
        if let Ok(head) = head(&request) {
            prop_assert!(head.len <= request.len());
            for range in [head.method_name, head.target, head.uri, head.path, head.args, head.protocol] {
                prop_assert!(range.start <= range.end && range.end as usize <= head.len);
            }
            let _ = proto::http1::framing(&head, &request);
            proto::http1::keep_alive(&head, &request);
        }
    }
}
