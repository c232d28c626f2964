//! The names of channels that a request is about.

use broadcast::MAX_NAME;
use http::{Piece, Request, Template};

/// Why a value names no channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// Empty, too long, not UTF-8, or with a character that a name does not have.
    Invalid,
    /// `*` from a variable, or in the middle.
    Wildcard,
    /// More than one stream may have.
    TooMany,
}

/// What values of variables may do beside being a part of one name.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules {
    /// Stand for all channels that begin so: `sse_wildcards`.
    pub wildcards: bool,
    /// Bring several names, with commas between them: `sse_split`.
    pub split: bool,
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
    /// Evaluates the names of `sse_subscribe`: one template is one name, or one pattern.
    pub fn evaluate(
        words: &[Template],
        request: &Request,
        rules: Rules,
    ) -> Result<Selection, NameError> {
        let mut selection = Selection::default();
        for word in words {
            let mut builder = Builder::new(rules);
            word.pieces(request, |piece| builder.push(piece));
            for name in builder.finish()? {
                selection.add(name)?;
            }
        }
        match selection.names.is_empty() && selection.prefixes.is_empty() {
            true => Err(NameError::Invalid),
            false => Ok(selection),
        }
    }

    fn add(&mut self, name: Name) -> Result<(), NameError> {
        let list = match name.pattern {
            true => &mut self.prefixes,
            false => &mut self.names,
        };
        if !list.contains(&name.text) {
            list.push(name.text);
        }
        match self.names.len() + self.prefixes.len() > MOST {
            true => Err(NameError::TooMany),
            false => Ok(()),
        }
    }
}

/// A name, or the beginning of names.
#[derive(Debug, PartialEq, Eq)]
struct Name {
    text: Vec<u8>,
    pattern: bool,
}

/// Puts the pieces of one written name together. A value that brings several makes as many names: what
/// is written before and behind it belongs to each.
struct Builder {
    rules: Rules,
    names: Vec<Vec<u8>>,
    /// The configuration has written all of it.
    written: bool,
    /// The configuration has written the star at the end.
    star: bool,
    /// A value was empty: before a star it would stand for all.
    empty: bool,
    fault: Option<NameError>,
}

impl Builder {
    fn new(rules: Rules) -> Builder {
        Builder {
            rules,
            names: vec![Vec::new()],
            written: true,
            star: false,
            empty: false,
            fault: None,
        }
    }

    fn push(&mut self, piece: Piece<'_>) {
        let value = match piece {
            Piece::Written(text) => {
                self.star = text.ends_with(b"*");
                return self.names.iter_mut().for_each(|name| name.extend_from_slice(text));
            }
            Piece::Value(value) | Piece::Captured(value) => value,
        };
        (self.written, self.star) = (false, false);
        self.empty |= value.is_empty();
        if !self.rules.split {
            return self.names.iter_mut().for_each(|name| name.extend_from_slice(value));
        }
        let parts = || value.split(|&byte| byte == b',');
        if parts().any(<[u8]>::is_empty) {
            self.fault = self.fault.or(Some(NameError::Invalid));
        } else if self.names.len() * parts().take(MOST + 1).count() > MOST {
            self.fault = self.fault.or(Some(NameError::TooMany));
        } else {
            let names = self.names.iter();
            self.names = names.flat_map(|name| parts().map(|part| [name, part].concat())).collect();
        }
    }

    fn finish(self) -> Result<Vec<Name>, NameError> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let (written, allowed) = (self.written, self.star || self.rules.wildcards);
        // Everything is what only the configuration may mean, or whom it lets bring patterns.
        let may_be_all = written || self.rules.wildcards;
        let name = |text: Vec<u8>| match text.strip_suffix(b"*") {
            Some(_) if !allowed => Err(NameError::Wildcard),
            Some(_) if self.empty => Err(NameError::Invalid),
            Some(b"") if may_be_all => Ok(Name { text: Vec::new(), pattern: true }),
            Some(prefix) => check(prefix).map(|()| Name { text: prefix.to_vec(), pattern: true }),
            None => check(&text).map(|()| Name { text, pattern: false }),
        };
        self.names.into_iter().map(name).collect()
    }
}

/// Whether a channel may be called so.
pub fn check(name: &[u8]) -> Result<(), NameError> {
    if name.contains(&b'*') {
        return Err(NameError::Wildcard);
    }
    let text = std::str::from_utf8(name).map_err(|_| NameError::Invalid)?;
    let good = !name.is_empty() && name.len() <= MAX_NAME && !text.contains(is_odd);
    good.then_some(()).ok_or(NameError::Invalid)
}

/// Whether no name has this character: the comma, and what cannot be seen or changes how the rest is seen.
/// Unicode's Cc, Zs, Zl and Zp, and those of Cf that order text (`Bidi_Control`, Unicode Standard Annex 9 §2).
fn is_odd(c: char) -> bool {
    let orders = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c == ',' || c.is_control() || c.is_whitespace() || orders
}

/// What keeps a written name from ever being one. `pattern`: it may end with a star.
pub fn check_written(word: &Template, pattern: bool) -> Result<(), &'static str> {
    let pieces: Vec<_> = word.written().collect();
    let last = pieces.len().saturating_sub(1);
    let mut len = 0;
    for (at, text) in pieces.iter().enumerate() {
        let Some(text) = text else { continue };
        let text = text.strip_suffix(b"*").filter(|_| pattern && at == last).unwrap_or(text);
        len += text.len();
        if text.contains(&b'*') {
            return Err(match pattern {
                true => "a * stands at the end of a channel's name, for all that begin so",
                false => "a channel to publish to has no * in its name",
            });
        }
        if String::from_utf8_lossy(text).contains(is_odd) {
            return Err("a channel's name has no blanks, commas and control characters");
        }
    }
    match pieces.is_empty() {
        true => Err("a channel's name is empty"),
        false if len > MAX_NAME => Err("a channel's name has at most 255 bytes"),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::Piece::{Value, Written};
    use super::*;

    fn select(pieces: &[Piece<'_>], rules: Rules) -> Result<Vec<String>, NameError> {
        let mut builder = Builder::new(rules);
        pieces.iter().for_each(|&piece| builder.push(piece));
        let shown = |name: Name| {
            let star = if name.pattern { "*" } else { "" };
            format!("{}{star}", String::from_utf8_lossy(&name.text))
        };
        Ok(builder.finish()?.into_iter().map(shown).collect())
    }

    const PLAIN: Rules = Rules { wildcards: false, split: false };
    const STARS: Rules = Rules { wildcards: true, split: false };
    const LISTS: Rules = Rules { wildcards: false, split: true };
    const BOTH: Rules = Rules { wildcards: true, split: true };

    #[test]
    fn a_value_is_a_part_of_one_name() {
        let tenant = |value| select(&[Written(b"t."), Value(value), Written(b".x")], PLAIN);
        assert_eq!(tenant(b"a"), Ok(vec!["t.a.x".into()]));
        assert_eq!(tenant(b"50%25"), Ok(vec!["t.50%25.x".into()]));
        for value in [&b"a,b"[..], b",", b"a\n", b"a b", b"\xff"] {
            assert_eq!(tenant(value), Err(NameError::Invalid), "{value:?}");
        }
        assert_eq!(tenant(b"*"), Err(NameError::Wildcard));
        assert_eq!(select(&[Value(b"a.*")], PLAIN), Err(NameError::Wildcard));
    }

    #[test]
    fn a_list_makes_names_that_all_begin_as_it_is_written() {
        let list = |value, rules| select(&[Written(b"u."), Value(value), Written(b".x")], rules);
        assert_eq!(list(b"a,b", LISTS), Ok(vec!["u.a.x".into(), "u.b.x".into()]));
        for value in [&b""[..], b"a,", b",a", b"a,,b"] {
            assert_eq!(list(value, LISTS), Err(NameError::Invalid), "{value:?}");
        }
        let two = [Value(b"a,b"), Written(b"."), Value(b"1,2")];
        let wanted = ["a.1", "a.2", "b.1", "b.2"].map(String::from).to_vec();
        assert_eq!(select(&two, LISTS), Ok(wanted));
        let pre = |rules| select(&[Written(b"pre."), Value(b"x,*")], rules);
        assert_eq!(pre(LISTS), Err(NameError::Wildcard));
        assert_eq!(pre(BOTH), Ok(vec!["pre.x".into(), "pre.*".into()]));
        assert_eq!(pre(STARS), Err(NameError::Invalid));
        let many = vec![b'a'; 600].chunks(1).collect::<Vec<_>>().join(&b','.clone());
        assert_eq!(select(&[Value(&many)], LISTS), Err(NameError::TooMany));
        assert_eq!(select(&[Value(&many[..511]), Value(b"a,b")], LISTS), Err(NameError::TooMany));
    }

    #[test]
    fn a_star_that_is_written_is_a_pattern() {
        assert_eq!(select(&[Written(b"*")], PLAIN), Ok(vec!["*".into()]));
        assert_eq!(select(&[Value(b"a"), Written(b".*")], PLAIN), Ok(vec!["a.*".into()]));
        // Nobody has written that all channels are meant.
        assert_eq!(select(&[Value(b""), Written(b"*")], PLAIN), Err(NameError::Invalid));
        for behind in [&b"*"[..], b".*"] {
            let all_of_others = [Written(b"u."), Value(b""), Written(behind)];
            assert_eq!(select(&all_of_others, PLAIN), Err(NameError::Invalid));
        }
        assert_eq!(select(&[Value(b"*")], STARS), Ok(vec!["*".into()]));
        assert_eq!(select(&[Value(b"a*"), Written(b"*")], STARS), Err(NameError::Wildcard));
    }

    #[test]
    fn what_cannot_be_seen_is_in_no_name() {
        for odd in "\0\n\r\t \u{7f}\u{85}\u{a0}\u{1680}\u{2003}\u{2028}\u{2029}\u{202e}\u{2066}\u{200f}\u{3000}\u{61c},".chars() {
            assert_eq!(check(format!("a{odd}b").as_bytes()), Err(NameError::Invalid), "{odd:?}");
        }
        for good in ["a", "a%2Cb", "grün", "日本", "👩\u{200d}🚀", "a/b:c=d?e&f", &"x".repeat(255)]
        {
            assert_eq!(check(good.as_bytes()), Ok(()), "{good}");
        }
        assert_eq!(check(&[b'x'; 256]), Err(NameError::Invalid));
        assert_eq!(check(b""), Err(NameError::Invalid));
    }

    #[test]
    fn streams_have_a_limit() {
        let mut selection = Selection::default();
        let name =
            |n: usize| Name { text: n.to_string().into_bytes(), pattern: n.is_multiple_of(2) };
        assert!(
            (0..MOST).all(|n| selection.add(name(n)).is_ok() && selection.add(name(n)).is_ok())
        );
        assert_eq!(selection.add(name(MOST)), Err(NameError::TooMany));
    }
}
