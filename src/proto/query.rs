//! Arguments as they stand behind a `?` and in the body of a form (`application/x-www-form-urlencoded`).
//!
//! Names and values are bytes, as clients send them: `form_urlencoded` would put replacements where they are not UTF-8,
//! and writes a space as `+`, which not every script reads in a query.

/// An argument as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argument<'q> {
    /// What stands before the `=`.
    pub name: &'q [u8],
    /// What stands behind it, if it is there.
    pub value: Option<&'q [u8]>,
}

/// The arguments of a query, in their order.
pub fn arguments(query: &[u8]) -> impl DoubleEndedIterator<Item = Argument<'_>> {
    let words = query.split(|&byte| byte == b'&').filter(|word| !word.is_empty());
    words.map(|word| match word.iter().position(|&byte| byte == b'=') {
        Some(at) => Argument { name: &word[..at], value: Some(&word[at + 1..]) },
        None => Argument { name: word, value: None },
    })
}

/// The value of the first argument of that name, decoded; empty if it has none.
pub fn get(query: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    let found = arguments(query).find(|argument| argument.name == name)?;
    Some(decode(found.value.unwrap_or_default()))
}

/// Undoes `%XX` and `+`.
pub fn decode(text: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> = text.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
    let mut out = Vec::with_capacity(spaced.len());
    crate::uri::unescape(&spaced, &mut out);
    out
}

/// Appends `name=value`, with an `&` before it if there is something, the value encoded: it cannot
/// become another argument.
pub fn add(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    separate(out);
    out.extend_from_slice(name.as_bytes());
    out.push(b'=');
    encode(out, value);
}

/// Appends the arguments of a query, encoded, but for those that have a name of `reserved`: what the
/// server says of a client the client cannot say.
pub fn add_others(out: &mut Vec<u8>, query: &[u8], reserved: &[&str]) {
    for argument in arguments(query) {
        let name = decode(argument.name);
        if reserved.iter().any(|known| known.as_bytes() == name) {
            continue;
        }
        separate(out);
        encode(out, &name);
        out.push(b'=');
        encode(out, &decode(argument.value.unwrap_or_default()));
    }
}

fn separate(out: &mut Vec<u8>) {
    if !out.is_empty() {
        out.push(b'&');
    }
}

fn encode(out: &mut Vec<u8>, value: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for &byte in value {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte),
            _ => {
                let (high, low) = (usize::from(byte >> 4), usize::from(byte & 15));
                out.extend_from_slice(&[b'%', HEX[high], HEX[low]]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded() {
        let query = b"a=1&b=x%20y+z&c&a=2&d=%2&e=%2B%2b";
        assert_eq!(get(query, b"a").as_deref(), Some(&b"1"[..]));
        assert_eq!(get(query, b"b").as_deref(), Some(&b"x y z"[..]));
        assert_eq!(get(query, b"c").as_deref(), Some(&b""[..]));
        assert_eq!(get(query, b"d").as_deref(), Some(&b"%2"[..]));
        assert_eq!(get(query, b"e").as_deref(), Some(&b"++"[..]));
        assert_eq!(get(query, b"f"), None);
    }

    #[test]
    fn arguments_stand_in_their_order() {
        let names = |query: &'static [u8]| arguments(query).map(|a| a.name).collect::<Vec<_>>();
        assert_eq!(names(b"a=1&&b&=x&c="), [&b"a"[..], b"b", b"", b"c"]);
        assert!(names(b"").is_empty() && names(b"&&").is_empty());
        let last = arguments(b"a=1&a=2=3").next_back();
        assert_eq!(last, Some(Argument { name: b"a", value: Some(b"2=3") }));
    }

    #[test]
    fn a_client_cannot_speak_for_the_server() {
        let mut out = Vec::new();
        add(&mut out, "name", b"a&call=publish\r\n");
        add_others(&mut out, b"addr=1.2.3.4&x=%26call=y&%61ddr=5&&k", &["addr", "call"]);
        assert_eq!(out, b"name=a%26call%3Dpublish%0D%0A&x=%26call%3Dy&k=");
    }
}
