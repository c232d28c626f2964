//! memcached: keys, answers, what servers say when they cannot.

use proptest::prelude::*;
use proto::memcached::{Answer, BadAnswer, End, escape_key, get, parse};

fn escaped(key: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    escape_key(key, &mut out);
    out
}

/// As nginx escapes it.
#[test]
fn keys() {
    for (key, wanted) in [
        ("/index.html?a=b&c", "/index.html?a=b&c"),
        ("a b", "a%20b"),
        ("100%", "100%25"),
        ("%20", "%2520"),
        ("a\r\nflush_all\r\n", "a%0D%0Aflush_all%0D%0A"),
        ("\0\t\u{1f}\u{7f}", "%00%09%1F\u{7f}"),
        ("\u{e4}", "\u{e4}"),
        ("", ""),
    ] {
        assert_eq!(String::from_utf8_lossy(&escaped(key.as_bytes())), wanted, "{key:?}");
    }
    let mut out = b"x".to_vec();
    get(b"k", &mut out);
    assert_eq!(out, b"xget k\r\n");
}

#[test]
fn answers() {
    let value = |flags, length| Answer::Value { flags, length };
    for (text, key, wanted, rest) in [
        ("VALUE k 0 5\r\nhello\r\nEND\r\n", "k", value(0, 5), "hello\r\nEND\r\n"),
        ("VALUE /a%20b 4294967295 0\r\n\r\nEND\r\n", "/a%20b", value(u32::MAX, 0), "\r\nEND\r\n"),
        ("VALUE k 2 9223372036854775807\r\n", "k", value(2, i64::MAX as u64), ""),
        ("END\r\n", "k", Answer::Absent, ""),
        ("END\r\nVALUE", "k", Answer::Absent, "VALUE"),
    ] {
        let (found, len) = parse(text.as_bytes(), key.as_bytes()).expect("memcached").expect("all");
        assert_eq!((found, &text[len..]), (wanted, rest), "{text:?}");
        for cut in 0..len {
            assert_eq!(parse(&text.as_bytes()[..cut], key.as_bytes()), Ok(None), "{text:?} {cut}");
        }
    }
}

#[test]
fn what_is_no_answer() {
    for (line, why) in [
        ("ERROR", BadAnswer::Failed),
        ("CLIENT_ERROR bad command line format", BadAnswer::Failed),
        ("SERVER_ERROR out of memory", BadAnswer::Failed),
        ("SERVER_ERROR", BadAnswer::Failed),
        ("ERRORS", BadAnswer::Line),
        ("", BadAnswer::Line),
        ("END ", BadAnswer::Line),
        ("end", BadAnswer::Line),
        ("STORED", BadAnswer::Line),
        ("HTTP/1.1 400 Bad Request", BadAnswer::Line),
        ("VALUE", BadAnswer::Line),
        ("VALUE  k 0 5", BadAnswer::Key),
        ("VALUE other 0 5", BadAnswer::Key),
        ("VALUE kk 0 5", BadAnswer::Key),
        ("VALUE K 0 5", BadAnswer::Key),
        ("VALUE k", BadAnswer::Key),
        ("VALUE k 5", BadAnswer::Line),
        ("VALUE k  5", BadAnswer::Flags),
        ("VALUE k -1 5", BadAnswer::Flags),
        ("VALUE k 4294967296 5", BadAnswer::Flags),
        ("VALUE k 0 ", BadAnswer::Length),
        ("VALUE k 0 +5", BadAnswer::Length),
        ("VALUE k 0 -5", BadAnswer::Length),
        ("VALUE k 0 5 ", BadAnswer::Length),
        // The number of `gets`, which was not asked for.
        ("VALUE k 0 5 7", BadAnswer::Length),
        ("VALUE k 0 9223372036854775808", BadAnswer::Length),
        ("VALUE k 0 99999999999999999999", BadAnswer::Length),
    ] {
        assert_eq!(parse(format!("{line}\r\n").as_bytes(), b"k"), Err(why), "{line:?}");
    }
    for text in ["END\n", "VALUE k 0 5\n", "\n"] {
        assert_eq!(parse(text.as_bytes(), b"k"), Err(BadAnswer::Line), "{text:?}");
    }
    // A line without end.
    assert_eq!(parse(&[b'x'; 3000], b"k"), Err(BadAnswer::Line));
}

/// How much of it is the answer's, in such pieces.
fn end(bytes: &[u8], piece: usize) -> Result<(usize, bool), BadAnswer> {
    let (mut end, mut at) = (End::default(), 0);
    for part in bytes.chunks(piece) {
        at += end.decode(part)?;
    }
    Ok((at, end.is_done()))
}

#[test]
fn the_end_of_a_value() {
    for piece in 1..12 {
        assert_eq!(end(b"\r\nEND\r\n", piece), Ok((7, true)));
        assert_eq!(end(b"\r\nEND\r\nmore", piece), Ok((7, true)));
        for len in 0..7 {
            assert_eq!(end(&b"\r\nEND\r\n"[..len], piece), Ok((len, false)));
        }
        for bad in ["\nEND\r\n", "\r\nEND\n\n", "x", "\r\nVALUE k 0 1\r\n", "\r\n\r\nEND\r\n"] {
            assert_eq!(end(bad.as_bytes(), piece), Err(BadAnswer::End), "{bad:?}");
        }
    }
}

proptest! {
    #[test]
    fn no_key_is_a_command(key: Vec<u8>) {
        let mut out = Vec::new();
        get(&escaped(&key), &mut out);
        let line = out.strip_prefix(b"get ").and_then(|line| line.strip_suffix(b"\r\n"));
        prop_assert!(line.is_some_and(|line| line.iter().all(|&byte| byte > b' ')));
    }

    #[test]
    fn nothing_panics(input in "(VALUE |END|k|[0-9 ]|\r\n|[\r\nx]){0,12}") {
        if let Ok(Some((_, len))) = parse(input.as_bytes(), b"k") {
            prop_assert!(len <= input.len());
        }
    }
}
