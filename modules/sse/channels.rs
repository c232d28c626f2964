//! The names of channels that a request is about.

use broadcast::MAX_NAME;
use http::{Request, Template};

/// Why a value names no channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// Empty, too long, not UTF-8, or with a byte that a name does not have.
    Invalid,
    /// `*` from a variable, or in the middle.
    Wildcard,
    /// More than one stream may have.
    TooMany,
}

/// What one stream is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Names of channels, each once.
    pub names: Vec<Vec<u8>>,
    /// Beginnings of names.
    pub prefixes: Vec<Vec<u8>>,
}

/// Channels and patterns of one stream.
const MOST: usize = 256;

impl Selection {
    /// Evaluates the words of `sse_subscribe`.
    pub fn evaluate(
        words: &[Template],
        request: &mut Request,
        wildcards: bool,
    ) -> Result<Selection, NameError> {
        let mut selection = Selection::default();
        for word in words {
            let wildcards = wildcards || word.as_literal().is_some();
            let value = word.evaluate(request);
            selection.add(&value, wildcards)?;
        }
        match selection.names.is_empty() && selection.prefixes.is_empty() {
            true => Err(NameError::Invalid),
            false => Ok(selection),
        }
    }

    fn add(&mut self, value: &[u8], wildcards: bool) -> Result<(), NameError> {
        for name in value.split(|&byte| byte == b',') {
            let (list, name) = match name.strip_suffix(b"*") {
                Some(_) if !wildcards => return Err(NameError::Wildcard),
                Some(prefix) => (&mut self.prefixes, prefix),
                None => (&mut self.names, name),
            };
            let all = name.is_empty() && wildcards && value.ends_with(b"*");
            if !all {
                check(name)?;
            }
            if !list.iter().any(|known| known == name) {
                list.push(name.to_vec());
            }
            if self.names.len() + self.prefixes.len() > MOST {
                return Err(NameError::TooMany);
            }
        }
        Ok(())
    }
}

/// Whether a channel may be called so.
pub fn check(name: &[u8]) -> Result<(), NameError> {
    if name.contains(&b'*') {
        return Err(NameError::Wildcard);
    }
    let odd = |byte: &u8| *byte <= b' ' || *byte == 0x7f || *byte == b',';
    let good = !name.is_empty() && name.len() <= MAX_NAME && !name.iter().any(odd);
    match good && std::str::from_utf8(name).is_ok() {
        true => Ok(()),
        false => Err(NameError::Invalid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn select(value: &str, wildcards: bool) -> Result<(Vec<String>, Vec<String>), NameError> {
        let text = |all: Vec<Vec<u8>>| {
            all.into_iter().map(|name| String::from_utf8_lossy(&name).into_owned()).collect()
        };
        let mut selection = Selection::default();
        selection.add(value.as_bytes(), wildcards)?;
        Ok((text(selection.names), text(selection.prefixes)))
    }

    #[test]
    fn names_are_split_and_kept_once() {
        let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(select("a,b.c,a", false), Ok((names(&["a", "b.c"]), vec![])));
        assert_eq!(select("a.*,x", true), Ok((names(&["x"]), names(&["a."]))));
        assert_eq!(select("*", true), Ok((vec![], names(&[""]))));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for value in ["", "a,", "a b", "a\nb", "a\u{7f}", &"x".repeat(256)] {
            assert_eq!(select(value, true), Err(NameError::Invalid), "{value:?}");
        }
        for (value, wildcards) in [("a.*", false), ("*", false), ("a*b", true), ("**", true)] {
            assert_eq!(select(value, wildcards), Err(NameError::Wildcard), "{value}");
        }
        let many: Vec<String> = (0..300).map(|n| n.to_string()).collect();
        assert_eq!(select(&many.join(","), false), Err(NameError::TooMany));
        assert_eq!(check(&[0xff]), Err(NameError::Invalid));
    }
}
