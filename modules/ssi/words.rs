//! Texts with variables in values of commands, and the expressions of `if`.

/// A part of a text.
#[derive(Debug, PartialEq, Eq)]
pub enum Part {
    /// As it is.
    Text(Vec<u8>),
    /// The variable of this name, in small letters.
    Variable(Vec<u8>),
}

/// Cuts a text into its parts; the error is nginx's.
pub fn parts(text: &[u8]) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        rest = match rest.strip_prefix(b"$") {
            None => {
                let (plain, after) = unquoted(rest);
                parts.push(Part::Text(plain));
                after
            }
            Some(behind) => {
                let is_braced = behind.first() == Some(&b'{');
                let name = &behind[usize::from(is_braced)..];
                let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
                let len = name.iter().take_while(|byte| is_name(byte)).count();
                let (name, after) = name.split_at(len);
                let after = match is_braced {
                    false => after,
                    true => after.strip_prefix(b"}").ok_or_else(|| {
                        let name = name.escape_ascii();
                        format!("the closing bracket in \"{name}\" variable is missing")
                    })?,
                };
                if name.is_empty() {
                    return Err(format!("invalid variable name in \"{}\"", text.escape_ascii()));
                }
                parts.push(Part::Variable(name.to_ascii_lowercase()));
                after
            }
        };
    }
    Ok(parts)
}

/// The text up to the next variable, without the backslashes that quote, and what follows.
fn unquoted(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut plain = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match (byte, text.get(at + 1)) {
            (b'$', _) => break,
            (b'\\', Some(&quoted)) => {
                if !matches!(quoted, b'\\' | b'\'' | b'"' | b'$') {
                    plain.push(b'\\');
                }
                plain.push(quoted);
                at += 2;
            }
            // What it would quote is missing.
            (b'\\', None) => at += 1,
            _ => {
                plain.push(byte);
                at += 1;
            }
        }
    }
    (plain, &text[at..])
}

/// What `if` asks.
#[derive(Debug, PartialEq, Eq)]
pub enum Expression<'e> {
    /// Whether the text is not empty.
    Exists(Vec<u8>),
    /// Whether one text is (not) the other.
    Equals {
        /// The left side.
        left: Vec<u8>,
        /// The right side.
        right: &'e [u8],
        /// `!=`
        negative: bool,
    },
    /// Whether an expression matches.
    Matches {
        /// The subject.
        left: Vec<u8>,
        /// The pattern, between slashes.
        pattern: &'e [u8],
        /// `!=`
        negative: bool,
    },
}

/// Reads an expression; `None`: it is none. The left side is in small letters, as in nginx.
pub fn expression(text: &[u8]) -> Option<Expression<'_>> {
    let is_left = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'$' | b'{' | b'}' | b'_' | b'"' | b'\'')
    };
    let len = text.iter().take_while(|byte| is_left(byte)).count();
    let left = text[..len].to_ascii_lowercase();
    let rest = without_spaces(&text[len..]);
    let (negative, right) = match rest {
        [] => return Some(Expression::Exists(left)),
        [b'=', right @ ..] => (false, right),
        [b'!', b'=', right @ ..] => (true, right),
        _ => return None,
    };
    match without_spaces(right) {
        [b'/', pattern @ .., b'/'] => Some(Expression::Matches { left, pattern, negative }),
        [b'/', _, ..] => None,
        [b'\\', right @ ..] if right.first() == Some(&b'/') => {
            Some(Expression::Equals { left, right, negative })
        }
        right => Some(Expression::Equals { left, right, negative }),
    }
}

fn without_spaces(text: &[u8]) -> &[u8] {
    &text[text.iter().take_while(|&&byte| byte == b' ').count()..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_their_parts() {
        let text = |text: &str| Part::Text(text.into());
        let variable = |name: &str| Part::Variable(name.into());
        let found = parts(b"a$B-${c}d\\$e\\f\\\\").expect("a text");
        let wanted = [text("a"), variable("b"), text("-"), variable("c"), text("d$e\\f\\")];
        assert_eq!(found, wanted);
        assert!(parts(b"").expect("a text").is_empty());
        for fault in ["$", "${", "${}", "a${b", "$$", "$-"] {
            assert!(parts(fault.as_bytes()).is_err(), "{fault}");
        }
    }

    #[test]
    fn expressions_are_of_three_kinds() {
        assert_eq!(expression(b"$A"), Some(Expression::Exists(b"$a".to_vec())));
        let (left, right) = (b"$a".to_vec(), &b"B"[..]);
        assert_eq!(
            expression(b"$A != B"),
            Some(Expression::Equals { left, right, negative: true })
        );
        let (left, pattern) = (b"$a".to_vec(), &b"^/x"[..]);
        let matches = Expression::Matches { left, pattern, negative: false };
        assert_eq!(expression(b"$a=/^/x/"), Some(matches));
        for fault in ["a b", "a ! b", "a = /b", "a.b"] {
            assert_eq!(expression(fault.as_bytes()), None, "{fault}");
        }
    }
}
