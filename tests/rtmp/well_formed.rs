//! Whether text is what it says it is: small, strict readers.

/// Panics unless this is XML with one root, and without what XML cannot have.
#[track_caller]
pub fn xml(text: &str) {
    let bad =
        |c: char| (c < ' ' && !"\t\n\r".contains(c)) || ('\u{FFFE}'..='\u{FFFF}').contains(&c);
    assert!(!text.contains(bad), "{text}");
    let mut rest =
        text.strip_prefix("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n").expect("a head");
    let mut open = Vec::new();
    while let Some(at) = rest.find('<') {
        references(&rest[..at]);
        let end = at + rest[at..].find('>').expect("the end of a tag");
        let tag = &rest[at + 1..end];
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "{text}"),
            None if tag.ends_with('/') || tag.starts_with('?') => {}
            None => {
                let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                assert!(!tag.is_empty() && tag.chars().all(name), "{tag:?} in {text}");
                open.push(tag);
            }
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "{text}");
}

#[track_caller]
fn references(text: &str) {
    for rest in text.split('&').skip(1) {
        let name = rest.split_once(';').map(|(name, _)| name);
        assert!(matches!(name, Some("lt" | "gt" | "amp" | "quot" | "apos")), "{text:?}");
    }
}

/// Panics unless this is a value in JSON, and nothing behind it.
#[track_caller]
pub fn json(text: &str) {
    let rest = value(text.trim()).unwrap_or_else(|| panic!("no JSON: {text}"));
    assert_eq!(rest, "", "{text}");
}

/// What stands behind a value.
fn value(text: &str) -> Option<&str> {
    match text.chars().next()? {
        '{' => list(&text[1..], '}', |rest| value(string(rest)?.strip_prefix(':')?)),
        '[' => list(&text[1..], ']', value),
        '"' => string(text),
        _ => {
            let end = text.find([',', '}', ']']).unwrap_or(text.len());
            let word = &text[..end];
            let known = matches!(word, "true" | "false" | "null");
            (known || word.parse::<f64>().is_ok_and(f64::is_finite)).then_some(&text[end..])
        }
    }
}

fn list(text: &str, end: char, one: impl Fn(&str) -> Option<&str>) -> Option<&str> {
    if let Some(rest) = text.strip_prefix(end) {
        return Some(rest);
    }
    let mut rest = one(text)?;
    loop {
        match rest.strip_prefix(end) {
            Some(rest) => return Some(rest),
            None => rest = one(rest.strip_prefix(',')?)?,
        }
    }
}

fn string(text: &str) -> Option<&str> {
    let mut chars = text.strip_prefix('"')?.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some(&text[at + 2..]),
            '\\' => match chars.next()?.1 {
                'u' => {
                    let hex: String = chars.by_ref().take(4).map(|(_, c)| c).collect();
                    u16::from_str_radix(&hex, 16).ok()?;
                }
                '"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't' => {}
                _ => return None,
            },
            c if c < ' ' => return None,
            _ => {}
        }
    }
    None
}
