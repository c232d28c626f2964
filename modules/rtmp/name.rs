//! Names of streams: what may be one, and what it is made of.

/// Bytes of a name: with its application's, it names a channel.
const LONGEST: usize = 160;

/// Whether a stream may have this name. As with nginx-rtmp, the empty name is one: that of what is published to an
/// application's address alone.
pub fn is_valid(name: &[u8]) -> bool {
    name.len() <= LONGEST && !name.iter().any(u8::is_ascii_control)
}

/// A name of these parts, and of the parts of these. Empty ones go: an HTTP server joins slashes, too, and a player
/// could not ask for the name otherwise.
pub fn join(parts: &[&[u8]]) -> Vec<u8> {
    let parts = parts.iter().flat_map(|part| part.split(|&byte| byte == b'/'));
    let parts: Vec<&[u8]> = parts.filter(|part| !part.is_empty()).collect();
    parts.join(&b'/')
}

/// What stands before the first `?`, and what stands behind it, if there is one.
pub fn split(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|&byte| byte == b'?') {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_of_parts() {
        let made = |parts: &[&str]| {
            let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
            String::from_utf8(join(&parts)).expect("text")
        };
        assert_eq!(made(&["cam"]), "cam");
        assert_eq!(made(&["room1", "cam"]), "room1/cam");
        assert_eq!(made(&["obs2", ""]), "obs2", "the instance alone is the stream");
        assert_eq!(made(&["/room1/", "//x/"]), "room1/x");
        assert_eq!(made(&["", "/"]), "");
    }

    #[test]
    fn arguments_stand_behind_the_first_mark() {
        assert_eq!(split(b"cam?a=b?c"), (&b"cam"[..], Some(&b"a=b?c"[..])));
        assert_eq!(split(b"cam"), (&b"cam"[..], None));
        assert!(is_valid(b"") && !is_valid(b"a\nb") && !is_valid(&[b'x'; 161]));
    }
}
