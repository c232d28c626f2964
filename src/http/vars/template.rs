//! Words with variables: `$scheme://$host$request_uri`, compiled when the configuration is loaded.

use mem::Str;

use crate::vars::names::Names;
use crate::vars::part::Part;
use crate::vars::scope::Scope;

/// A word with variables.
pub struct Template<R: 'static> {
    parts: Vec<Part<R>>,
}

/// A piece of a word's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'t> {
    /// It stands in the configuration.
    Written(&'t [u8]),
    /// A variable has brought it.
    Value(&'t [u8]),
    /// A group of the latest expression that has matched: `$1`.
    Captured(&'t [u8]),
}

// Derived, it would ask for an `R` that can be cloned.
impl<R> Clone for Template<R> {
    fn clone(&self) -> Template<R> {
        Template { parts: self.parts.clone() }
    }
}

impl<R: Scope> Template<R> {
    /// A word without variables.
    pub fn literal(text: &str) -> Template<R> {
        Template { parts: vec![Part::Literal(Str::copy(&conf::text::bytes(text)))] }
    }

    /// Compiles `text`; the error is in nginx's words.
    pub fn compile(text: &str, names: &Names<R>) -> Result<Template<R>, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            literal(&mut parts, &rest[..at]);
            let (part, after) = variable(&rest[at + 1..], names)?;
            parts.push(part);
            rest = after;
        }
        literal(&mut parts, rest);
        Ok(Template { parts })
    }

    /// The text, if there is no variable in it.
    pub fn as_literal(&self) -> Option<&Str> {
        match &self.parts[..] {
            [] => Some(const { &Str::EMPTY }),
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// The text for this request.
    pub fn evaluate(&self, request: &mut R) -> Str {
        if let Some(text) = self.as_literal() {
            return text.clone();
        }
        let mut scratch = std::mem::take(request.memory().0);
        scratch.clear();
        self.write(request, &mut scratch, |_, _, _| {});
        let (scratch_back, pool) = request.memory();
        let text = pool.copy(&scratch);
        *scratch_back = scratch;
        text
    }

    /// Appends the text for this request to `out`. Each variable's value is appended first and then
    /// given to `finish`, with whether there is one and where it begins: a log has its own escaping,
    /// and its own word for none.
    pub fn write(
        &self,
        request: &R,
        out: &mut Vec<u8>,
        finish: impl Fn(bool, usize, &mut Vec<u8>),
    ) {
        for part in &self.parts {
            let start = out.len();
            match part {
                Part::Literal(text) => out.extend_from_slice(text),
                part => {
                    let exists = part.value(request, out);
                    finish(exists, start, out);
                }
            }
        }
    }

    /// Whether a path that this word gave goes up (`..`) where the word itself does not say so: a value would
    /// lead out of the directory that is written.
    pub fn climbs(&self, path: &[u8]) -> bool {
        if self.as_literal().is_some() || !path.windows(2).any(|two| two == b"..") {
            return false;
        }
        let written: Vec<&[u8]> = self.written().map(|text| text.unwrap_or(b"value")).collect();
        ups(path) > ups(&written.concat())
    }

    /// The text for this request, in its pieces. For whoever reads the text as more than one thing (a
    /// list, a pattern): what is written may be syntax, what a variable brings is not.
    pub fn pieces(&self, request: &R, mut each: impl FnMut(Piece<'_>)) {
        let mut value = Vec::new();
        for part in &self.parts {
            value.clear();
            match part {
                Part::Literal(text) => each(Piece::Written(text)),
                Part::Group(_) => {
                    part.value(request, &mut value);
                    each(Piece::Captured(&value));
                }
                part => {
                    part.value(request, &mut value);
                    each(Piece::Value(&value));
                }
            }
        }
    }

    /// The pieces that are written, in order; `None` stands for a variable.
    pub fn written(&self) -> impl DoubleEndedIterator<Item = Option<&[u8]>> {
        self.parts.iter().map(|part| match part {
            Part::Literal(text) => Some(&text[..]),
            _ => None,
        })
    }
}

fn ups(path: &[u8]) -> usize {
    path.split(|&byte| byte == b'/').filter(|segment| *segment == b"..").count()
}

fn literal<R>(parts: &mut Vec<Part<R>>, text: &str) {
    if !text.is_empty() {
        parts.push(Part::Literal(Str::copy(&conf::text::bytes(text))));
    }
}

/// The variable at the start of `text` (the `$` is gone) and what follows it.
fn variable<'t, R: Scope>(text: &'t str, names: &Names<R>) -> Result<(Part<R>, &'t str), String> {
    if let Some(digit @ '0'..='9') = text.chars().next() {
        return Ok((Part::Group(digit as usize - '0' as usize), &text[1..]));
    }
    let (name, rest) = match text.strip_prefix('{') {
        Some(inner) => match inner.split_once('}') {
            Some((name, rest)) => (name, rest),
            None => return Err(format!("the closing bracket in \"{inner}\" variable is missing")),
        },
        None => {
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
            text.split_at(end)
        }
    };
    if name.is_empty() {
        return Err("invalid variable name".to_owned());
    }
    if let Ok(group) = name.parse() {
        return Ok((Part::Group(group), rest));
    }
    let part = names.find(name).ok_or_else(|| format!("unknown \"{name}\" variable"))?;
    Ok((part, rest))
}
