//! The parsed configuration: directives, words and where each of them stands.

use std::fmt;
use std::path::PathBuf;

use crate::{Files, Span};

/// A word: a directive's name or one of its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The text, quotes removed and escapes resolved. It keeps bytes that are no UTF-8
    /// ([`crate::text`]).
    pub text: String,
    /// Where it stands.
    pub span: Span,
    /// Whether it was written in quotes.
    pub quoted: bool,
}

/// A directive: its name, its arguments, and the directives in its block if it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The name.
    pub name: Word,
    /// The arguments.
    pub args: Vec<Word>,
    /// The directives between `{` and `}`; `None` if it ends with `;`.
    pub block: Option<Vec<Node>>,
    /// The `;` or `}` that ends it.
    pub end: Span,
}

/// A whole configuration, includes expanded.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// The files that it was read from.
    pub files: Files,
    /// The directory of the main file, where relative includes start.
    pub dir: PathBuf,
    /// The directives of the main context.
    pub root: Vec<Node>,
}

impl AsRef<str> for Word {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl PartialEq<str> for Word {
    fn eq(&self, other: &str) -> bool {
        self.text == other
    }
}

impl PartialEq<&str> for Word {
    fn eq(&self, other: &&str) -> bool {
        self.text == *other
    }
}

/// Writes the word so that it parses back to the same text.
impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |c: char| !c.is_whitespace() && !"{};\"'\\#$".contains(c);
        if !self.quoted && !self.text.is_empty() && self.text.chars().all(plain) {
            return f.write_str(&self.text);
        }
        write!(f, "\"{}\"", self.text.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

/// Writes the directive so that it parses back to the same words.
impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        for arg in &self.args {
            write!(f, " {arg}")?;
        }
        let Some(block) = &self.block else { return f.write_str(";") };
        f.write_str(" {\n")?;
        for node in block {
            writeln!(f, "{node}")?;
        }
        f.write_str("}")
    }
}
