//! Text in pages and logs.

use proptest::prelude::*;
use proto::escape;

fn escaped(escape: fn(&[u8], &mut Vec<u8>), text: &[u8]) -> String {
    let mut out = Vec::new();
    escape(text, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

#[test]
fn vectors() {
    assert_eq!(escaped(escape::html, b"<a href=\"x\">&'"), "&lt;a href=&quot;x&quot;&gt;&amp;'");
    assert_eq!(escaped(escape::log, b"a\"\\\n~\x7f\xff "), "a\\x22\\x5C\\x0A~\\x7F\\xFF ");
    assert_eq!(
        escaped(escape::json, "a\"\\\n\r\t\x08\x0c\x1f\u{e9}".as_bytes()),
        "a\\\"\\\\\\n\\r\\t\\b\\f\\u001F\u{e9}"
    );
}

proptest! {
    #[test]
    fn nothing_breaks_out(text: Vec<u8>) {
        prop_assert!(!escaped(escape::html, &text).contains(['<', '>', '"']));
        let log = escaped(escape::log, &text);
        prop_assert!(log.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'"'));
        prop_assert!(escaped(escape::json, &text).chars().all(|c| c >= ' '));
    }
}
