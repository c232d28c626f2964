//! Paths: nginx's results, a model, and round trips of the escapes.

use proptest::prelude::*;
use proto::uri::{escape, is_plain, normalize, split_args, unescape};

fn normal(path: &[u8], merge: bool) -> Option<Vec<u8>> {
    let mut out = b"old".to_vec();
    normalize(path, merge, &mut out).ok().map(|()| out)
}

#[test]
fn nginx_agrees() {
    let vectors = [
        ("/a/./b", "/a/b"),
        ("/a/../b", "/b"),
        ("/a/..", "/"),
        ("/a/.", "/a/"),
        ("/a/b/..", "/a/"),
        ("//a//b", "/a/b"),
        ("/%2F/a", "/a"),
        ("/a%2f%2e%2e%2fb", "/b"),
        ("/%252e", "/%2e"),
        ("/%3f%23%25", "/?#%"),
        ("/a/...", "/a/..."),
        ("/a/.b", "/a/.b"),
        ("/a./b", "/a./b"),
        ("/a/..b", "/a/..b"),
        ("/a//../b", "/b"),
        ("/a/.%2e", "/"),
        ("/a/.%25/b", "/a/.%/b"),
        ("/%23/../x", "/x"),
        ("/%23//%2f", "/#/"),
        ("/a\u{e9}", "/a\u{e9}"),
    ];
    for (path, expected) in vectors {
        assert_eq!(normal(path.as_bytes(), true), Some(expected.into()), "{path}");
    }
    let bad = [
        "", "a", "/..", "/a/../..", "/a%00", "/a%", "/a%4", "/a%zz", "/%2e%2e", "/%2e%2e/",
        "/./..", "/.%2e/", "/%+1",
    ];
    for path in bad {
        assert_eq!(normal(path.as_bytes(), true), None, "{path}");
    }
}

#[test]
fn slashes_may_be_kept() {
    assert_eq!(normal(b"//a///b/", false), Some(b"//a///b/".to_vec()));
    assert_eq!(normal(b"/a//../b", false), Some(b"/a/b".to_vec()));
    assert!(is_plain(b"//a", false) && !is_plain(b"//a", true));
}

#[test]
fn escapes() {
    let escaped = |text: &str| {
        let mut out = Vec::new();
        escape(text.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(
        escaped("/a b\"<>^`{|}\u{e9}#%?~+&\\"),
        "/a%20b%22%3C%3E%5E%60%7B%7C%7D%C3%A9%23%25%3F~+&%5C",
    );
    let mut out = Vec::new();
    unescape(b"a%20b%zz%4", &mut out);
    assert_eq!(out, b"a b%zz%4");
}

#[test]
fn arguments() {
    assert_eq!(split_args(b"/a?b?c#d"), (&b"/a"[..], Some(&b"b?c"[..])));
    assert_eq!(split_args(b"/a#b?c"), (&b"/a"[..], None));
    assert_eq!(split_args(b"/a?"), (&b"/a"[..], Some(&b""[..])));
}

/// The rules said in another way: decode all, then walk a stack of segments.
fn model(path: &[u8], merge: bool) -> Option<Vec<u8>> {
    let mut decoded = Vec::new();
    let mut at = 0;
    while at < path.len() {
        let mut byte = path[at];
        if byte == b'%' {
            let digits = std::str::from_utf8(path.get(at + 1..at + 3)?).ok()?;
            if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return None;
            }
            byte = u8::from_str_radix(digits, 16).ok()?;
            at += 2;
        }
        decoded.push(byte);
        at += 1;
    }
    if decoded.contains(&0) {
        return None;
    }
    let mut stack: Vec<&[u8]> = Vec::new();
    let mut segments = decoded.strip_prefix(b"/")?.split(|&byte| byte == b'/').peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            b".." => drop(stack.pop()?),
            b"." => {}
            b"" if merge => {}
            segment => {
                stack.push(segment);
                if last {
                    return Some([b"/", &stack.join(&b'/')[..]].concat());
                }
            }
        }
    }
    stack.push(b"");
    Some([b"/", &stack.join(&b'/')[..]].concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn the_model_agrees(path in "/(/|\\.|\\.\\.|a|b|%2e|%2F|%41|%25|%00|%|#){0,12}", merge: bool) {
        prop_assert_eq!(normal(path.as_bytes(), merge), model(path.as_bytes(), merge));
    }

    #[test]
    fn a_plain_path_stays(path in "/(/|\\.|a|b|%41|\\?){0,8}", merge: bool) {
        if is_plain(path.as_bytes(), merge) {
            prop_assert_eq!(normal(path.as_bytes(), merge), Some(path.into_bytes()));
        }
    }

    #[test]
    fn a_result_is_inside_the_root(path: Vec<u8>, merge: bool) {
        if let Some(out) = normal(&path, merge) {
            prop_assert_eq!(out[0], b'/');
            prop_assert!(!out.split(|&byte| byte == b'/').any(|segment| segment == b".." || segment == b"."));
        }
    }

    #[test]
    fn what_is_escaped_comes_back(text: Vec<u8>) {
        let (mut escaped, mut back) = (Vec::new(), Vec::new());
        escape(&text, &mut escaped);
        prop_assert!(escaped.iter().all(u8::is_ascii_graphic));
        unescape(&escaped, &mut back);
        prop_assert_eq!(back, text);
    }
}
