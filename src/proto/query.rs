//! Arguments as they stand behind a `?` and in the body of a form.

/// The value of an argument, unescaped.
pub fn get(args: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    args.split(|&byte| byte == b'&').find_map(|pair| {
        let (key, value) = match pair.iter().position(|&byte| byte == b'=') {
            Some(at) => (&pair[..at], &pair[at + 1..]),
            None => (pair, &b""[..]),
        };
        (key == name).then(|| unescape(value))
    })
}

/// Undoes `%XX` and `+`.
pub fn unescape(text: &[u8]) -> Vec<u8> {
    let digit = |at: usize| text.get(at).and_then(|&byte| char::from(byte).to_digit(16));
    let (mut out, mut at) = (Vec::with_capacity(text.len()), 0);
    while let Some(&byte) = text.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high << 4 | low) as u8);
                at += 2;
            }
            (b'+', ..) => out.push(b' '),
            _ => out.push(byte),
        }
        at += 1;
    }
    out
}

/// Appends `name=value`, with an `&` before it if there is something, the value escaped: it cannot
/// become another argument.
pub fn add(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    if !out.is_empty() {
        out.push(b'&');
    }
    out.extend_from_slice(name.as_bytes());
    out.push(b'=');
    escape(out, value);
}

fn escape(out: &mut Vec<u8>, value: &[u8]) {
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

/// Appends a client's own arguments, escaped, but for those that have a name of `reserved`: what the
/// server says of a client the client cannot say.
pub fn add_clients(out: &mut Vec<u8>, args: &[u8], reserved: &[&str]) {
    for pair in args.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()) {
        let at = pair.iter().position(|&byte| byte == b'=').unwrap_or(pair.len());
        let (name, value) = (unescape(&pair[..at]), unescape(pair.get(at + 1..).unwrap_or(b"")));
        if reserved.iter().any(|known| known.as_bytes() == name) {
            continue;
        }
        if !out.is_empty() {
            out.push(b'&');
        }
        escape(out, &name);
        out.push(b'=');
        escape(out, &value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments() {
        let args = b"a=1&b=x%20y+z&c&a=2&d=%2";
        assert_eq!(get(args, b"a").as_deref(), Some(&b"1"[..]));
        assert_eq!(get(args, b"b").as_deref(), Some(&b"x y z"[..]));
        assert_eq!(get(args, b"c").as_deref(), Some(&b""[..]));
        assert_eq!(get(args, b"d").as_deref(), Some(&b"%2"[..]));
        assert_eq!(get(args, b"e"), None);
    }

    #[test]
    fn a_client_cannot_speak_for_the_server() {
        let mut out = Vec::new();
        add(&mut out, "name", b"a&call=publish\r\n");
        add_clients(&mut out, b"addr=1.2.3.4&x=%26call=y&%61ddr=5&&k", &["addr", "call"]);
        assert_eq!(out, b"name=a%26call%3Dpublish%0D%0A&x=%26call%3Dy&k=");
    }
}
