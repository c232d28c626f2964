//! Conditions and dates: nginx's results and round trips.

use proptest::prelude::*;
use proto::conditional::{Conditions, Mode, Validators, Verdict, if_range};
use proto::date;

const FILE: Validators<'static> =
    Validators { etag: Some(b"\"a-5\""), last_modified: Some(784_111_777) };
const SAME: &[u8] = b"Sun, 06 Nov 1994 08:49:37 GMT";
const BEFORE: &[u8] = b"Sun, 06 Nov 1994 08:49:36 GMT";
const AFTER: &[u8] = b"Sun, 06 Nov 1994 08:49:38 GMT";

fn verdict(conditions: Conditions<'_>) -> Verdict {
    conditions.evaluate(FILE, Mode::Exact)
}

#[test]
fn dates_alone() {
    let since = |date| Conditions { if_modified_since: Some(date), ..Conditions::default() };
    assert_eq!(verdict(Conditions::default()), Verdict::Full);
    assert_eq!(verdict(since(SAME)), Verdict::NotModified);
    assert_eq!(verdict(since(AFTER)), Verdict::Full);
    assert_eq!(verdict(since(b"x")), Verdict::Full);
    assert_eq!(since(AFTER).evaluate(FILE, Mode::Before), Verdict::NotModified);
    assert_eq!(since(BEFORE).evaluate(FILE, Mode::Before), Verdict::Full);
    assert_eq!(since(SAME).evaluate(FILE, Mode::Off), Verdict::Full);
    assert_eq!(since(SAME).evaluate(Validators::default(), Mode::Exact), Verdict::Full);

    let until = |date| Conditions { if_unmodified_since: Some(date), ..Conditions::default() };
    assert_eq!(verdict(until(SAME)), Verdict::Full);
    assert_eq!(verdict(until(AFTER)), Verdict::Full);
    assert_eq!(verdict(until(BEFORE)), Verdict::PreconditionFailed);
    assert_eq!(verdict(until(b"x")), Verdict::PreconditionFailed);
    assert_eq!(
        until(SAME).evaluate(Validators::default(), Mode::Exact),
        Verdict::PreconditionFailed
    );
}

#[test]
fn tags() {
    let lists: [(&[u8], bool, bool); 10] = [
        // list, strong match, weak match
        (b"\"a-5\"", true, true),
        (b"*", true, true),
        (b"W/\"a-5\"", false, true),
        (b"\"x\", \"a-5\"", true, true),
        (b"\"x\",W/\"a-5\" ,\"y\"", false, true),
        (b"\"x,y\",\t\"a-5\"", true, true),
        (b"x\", \"a-5\"", true, true),
        (b"\"a-5\"x", false, false),
        (b"\"a-55\"", false, false),
        (b", ,", false, false),
    ];
    for (list, strong, weak) in lists {
        let if_match = Conditions { if_match: Some(list), ..Conditions::default() };
        let failed = verdict(if_match) == Verdict::PreconditionFailed;
        assert_eq!(!failed, strong, "{}", list.escape_ascii());
        let if_none = Conditions { if_none_match: Some(list), ..Conditions::default() };
        assert_eq!(verdict(if_none) == Verdict::NotModified, weak, "{}", list.escape_ascii());
    }
    let compressed = Validators { etag: Some(b"W/\"a-5\""), ..FILE };
    let if_none = Conditions { if_none_match: Some(b"\"a-5\""), ..Conditions::default() };
    assert_eq!(if_none.evaluate(compressed, Mode::Exact), Verdict::NotModified);
}

#[test]
fn both_must_say_unchanged() {
    let both = |date, tag| {
        verdict(Conditions {
            if_modified_since: Some(date),
            if_none_match: Some(tag),
            ..Conditions::default()
        })
    };
    assert_eq!(both(SAME, b"\"a-5\""), Verdict::NotModified);
    assert_eq!(both(AFTER, b"\"a-5\""), Verdict::Full);
    assert_eq!(both(SAME, b"\"x\""), Verdict::Full);
}

#[test]
fn a_range_may_depend_on_the_file() {
    assert!(if_range(b"\"a-5\"", FILE));
    assert!(if_range(SAME, FILE));
    for value in [&b"W/\"a-5\""[..], b"\"x\"", b"\"", b"", BEFORE, AFTER] {
        assert!(!if_range(value, FILE), "{}", value.escape_ascii());
    }
    assert!(!if_range(SAME, Validators { last_modified: None, ..FILE }));
    assert!(!if_range(b"x", Validators { last_modified: None, ..FILE }));
}

#[test]
fn date_forms() {
    assert_eq!(date::format(784_111_777), SAME);
    assert_eq!(&date::format(u64::MAX), b"Fri, 31 Dec 9999 23:59:59 GMT");
    let good: [&[u8]; 5] = [
        SAME,
        b"Mon, 06 Nov 1994 08:49:37",
        b"Sun, 06 Nov 1994 08:49:37 GMT; length=1234",
        b"Sunday, 06-Nov-94 08:49:37 GMT",
        b"Sun Nov  6 08:49:37 1994",
    ];
    for text in good {
        assert_eq!(date::parse(text), Some(784_111_777), "{}", text.escape_ascii());
    }
    let bad = [
        "",
        "Sun",
        "Sun, 06 Nov 1994",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 29 Feb 1900 08:49:37 GMT",
        "Sun, 06 Nov 1969 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:60 GMT",
        "Sun, 06-Nov-1994 08:49:37 GMT",
        "Sun, 06 Nov +994 08:49:37 GMT",
        "Thu Jan  1 00:00:00 1969",
    ];
    for text in bad {
        assert_eq!(date::parse(text.as_bytes()), None, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn dates_come_back(seconds in 0u64..253_402_300_800) {
        prop_assert_eq!(date::parse(&date::format(seconds)), Some(seconds));
    }

    #[test]
    fn nothing_panics(text: Vec<u8>, list: Vec<u8>, etag: Option<Vec<u8>>, last_modified: Option<u64>) {
        let file = Validators { etag: etag.as_deref(), last_modified };
        let all = Conditions {
            if_match: Some(&list),
            if_none_match: Some(&list),
            if_modified_since: Some(&text),
            if_unmodified_since: None,
        };
        all.evaluate(file, Mode::Before);
        if_range(&text, file);
    }

    #[test]
    fn odd_dates_do_not_panic(text in "(Sun|Sunday|Thu)(, | |)[0-9]{2}[ -](Nov|Feb|x)[ -][0-9]{2,4} [0-9:]{5,8}( GMT)?") {
        date::parse(text.as_bytes());
    }
}
