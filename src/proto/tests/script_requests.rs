//! Requests of uwsgi and SCGI as an application reads them.

use proptest::prelude::*;
use proto::cgi::BadVariables;
use proto::{scgi, uwsgi};

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// Variables of uwsgi as an application reads them.
fn vars(mut bytes: &[u8]) -> Pairs {
    let mut text = || {
        let (len, rest) = bytes.split_first_chunk::<2>()?;
        let (text, rest) = rest.split_at(usize::from(u16::from_le_bytes(*len)));
        bytes = rest;
        Some(text.to_vec())
    };
    let mut found = Vec::new();
    while let Some(name) = text() {
        found.push((name, text().expect("a value")));
    }
    found
}

#[test]
fn a_request_of_uwsgi() {
    let mut out = b"x".to_vec();
    let mut vars = uwsgi::Vars::new(5, 7, &mut out);
    vars.add(b"HTTP_HOST", b"a").expect("room");
    vars.add(b"B", b"").expect("room");
    vars.raw(b"zz").expect("room");
    vars.end();
    assert_eq!(out, b"x\x05\x15\x00\x07\x09\x00HTTP_HOST\x01\x00a\x01\x00B\x00\x00zz");
    let mut out = Vec::new();
    uwsgi::Vars::new(0, 0, &mut out).end();
    assert_eq!(out, [0; 4]);
}

/// nginx: "uwsgi request is too big".
#[test]
fn variables_of_uwsgi_are_bounded() {
    let of = |value: usize, raw: usize| {
        let mut out = Vec::new();
        let mut vars = uwsgi::Vars::new(0, 0, &mut out);
        vars.add(b"NAME", &vec![b'v'; value])?;
        vars.raw(&vec![b'r'; raw])?;
        vars.end();
        Ok::<_, BadVariables>((out.len(), out[1], out[2]))
    };
    assert_eq!(of(65535 - 8, 0), Ok((65539, 255, 255)));
    assert_eq!(of(1000, 65535 - 1008), Ok((65539, 255, 255)));
    assert_eq!(of(65535 - 7, 0), Err(BadVariables::TooLarge));
    assert_eq!(of(65535 - 8, 1), Err(BadVariables::TooLarge));
    assert_eq!(of(1 << 20, 0), Err(BadVariables::TooLarge));
}

/// The variables of SCGI as an application reads them, and what is behind.
fn headers(bytes: &[u8]) -> (Pairs, &[u8]) {
    let colon = bytes.iter().position(|&byte| byte == b':').expect("a netstring");
    let len: usize = std::str::from_utf8(&bytes[..colon]).unwrap().parse().expect("a length");
    let (text, rest) = bytes[colon + 1..].split_at(len);
    let body = rest.strip_prefix(b",").expect("the end of a netstring");
    let mut parts = text.split(|&byte| byte == 0).map(<[u8]>::to_vec);
    let mut found = Vec::new();
    while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
        found.push((name, value));
    }
    (found, body)
}

/// The example of the specification.
#[test]
fn a_request_of_scgi() {
    let mut out = Vec::new();
    let mut request = scgi::Headers::new(27, &mut out);
    request.add(b"REQUEST_METHOD", b"POST").expect("no NUL");
    request.add(b"REQUEST_URI", b"/deepthought").expect("no NUL");
    request.end();
    out.extend_from_slice(b"What is the answer to life?");
    let wanted = "70:CONTENT_LENGTH\x0027\0SCGI\x001\0REQUEST_METHOD\0POST\0REQUEST_URI\0/deepthought\0,\
                  What is the answer to life?";
    assert_eq!(String::from_utf8_lossy(&out), wanted);
}

#[test]
fn names_of_scgi_stand_there_once() {
    let mut out = b"x".to_vec();
    let mut request = scgi::Headers::new(0, &mut out);
    for (name, value) in [("SCGI", "1"), ("CONTENT_LENGTH", "5"), ("A", ""), ("SCGI_X", "2")] {
        request.add(name.as_bytes(), value.as_bytes()).expect("no NUL");
    }
    request.end();
    let (found, body) = headers(&out[1..]);
    let wanted = [("CONTENT_LENGTH", "0"), ("SCGI", "1"), ("A", ""), ("SCGI_X", "2")];
    let wanted = wanted.map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
    assert_eq!((found, body), (wanted.to_vec(), &b""[..]));
}

/// It would begin another variable.
#[test]
fn a_nul_is_refused_by_scgi() {
    let mut out = Vec::new();
    let mut request = scgi::Headers::new(0, &mut out);
    assert_eq!(request.add(b"A", b"b\0REMOTE_USER\0root"), Err(BadVariables::Nul));
    assert_eq!(request.add(b"A\0", b"b"), Err(BadVariables::Nul));
    request.end();
    assert_eq!(headers(&out).0.len(), 2);
}

proptest! {
    #[test]
    fn round_trip(
        pairs in prop::collection::vec(("[A-Z_]{1,20}", "[^\0]{0,300}"), 0..20),
        length: u64,
    ) {
        let pairs: Pairs =
            pairs.into_iter().map(|(name, value)| (name.into_bytes(), value.into_bytes())).collect();
        let mut out = Vec::new();
        let mut request = uwsgi::Vars::new(0, 0, &mut out);
        pairs.iter().for_each(|(name, value)| request.add(name, value).expect("room"));
        request.end();
        prop_assert_eq!(usize::from(u16::from_le_bytes([out[1], out[2]])), out.len() - 4);
        prop_assert_eq!(&vars(&out[4..]), &pairs);

        out.clear();
        let mut request = scgi::Headers::new(length, &mut out);
        pairs.iter().for_each(|(name, value)| request.add(name, value).expect("no NUL"));
        request.end();
        let (found, _) = headers(&out);
        prop_assert_eq!(&found[0].1, &length.to_string().into_bytes());
        prop_assert_eq!(&found[2..], &pairs[..]);
    }
}
