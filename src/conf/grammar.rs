//! The grammar: text to directives, without I/O.
//!
//! ```text
//! file      = { blank | directive }
//! directive = word { blank word } ( ";" | "{" file "}" )
//! word      = '"' quoted '"' | "'" quoted "'" | bare
//! blank     = space | tab | CR | LF | "#" to the end of the line
//! ```
//!
//! What nginx does, and one might not expect:
//! - `#`, `}` and quotes are special only where a word begins: `a#b`, `a}` and `a"b` are words.
//! - `;` and `{` end a bare word, but `{` after `$` belongs to it: `${name}`.
//! - A backslash takes the next character as it is, quoted or not. `\"`, `\'`, `\\` lose the
//!   backslash, `\t`, `\r`, `\n` become that character, all others keep it: `\.` is for a regex.
//! - A quoted word must be followed by a blank, `;`, `{` or `)`.

use std::cell::Cell;

use nom::branch::alt;
use nom::bytes::complete::{take_till, take_while1};
use nom::character::complete::{anychar, char};
use nom::combinator::{opt, recognize, value};
use nom::error::{ErrorKind, ParseError};
use nom::multi::{many0_count, many1_count};
use nom::sequence::pair;
use nom::{IResult, Parser};

use crate::{Node, Span, Word};

/// Blocks may be nested this deep.
pub const MAX_NESTING: usize = 64;

/// A word must be shorter than this, in bytes as written; it is the size of nginx's buffer.
pub const MAX_WORD: usize = 4096;

/// Why a text cannot be parsed, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// What is wrong, in nginx's words.
    pub message: String,
    /// Where.
    pub span: Span,
    /// What was opened and never closed, and where.
    pub opened: Option<(char, Span)>,
}

/// Parses a text inside of `depth` open blocks. Spans get `file` as their file.
pub fn parse(text: &str, file: u16, depth: usize) -> Result<Vec<Node>, SyntaxError> {
    let grammar = Grammar { text, file, here: Cell::new(Position::START) };
    let nodes = grammar.directives(text, depth).and_then(|(rest, nodes)| match rest {
        "" => Ok(nodes),
        brace => Err(unexpected(brace)),
    });
    nodes.map_err(|error| grammar.report(error))
}

type Parsed<'t, T> = IResult<&'t str, T, ParserError<'t>>;

/// A syntax error with places as rests of the text; they become spans when it is reported.
#[derive(Debug)]
struct ParserError<'t> {
    at: &'t str,
    message: String,
    opened: Option<(char, &'t str)>,
}

impl<'t> ParserError<'t> {
    fn new(at: &'t str, message: impl Into<String>) -> ParserError<'t> {
        ParserError { at, message: message.into(), opened: None }
    }

    /// `opened` marks what the end of the text leaves open.
    fn end(text: &'t str, expecting: &str, opened: Option<(char, &'t str)>) -> ParserError<'t> {
        let message = format!("unexpected end of file, expecting {expecting}");
        ParserError { at: &text[text.len()..], message, opened }
    }
}

impl<'t> ParseError<&'t str> for ParserError<'t> {
    fn from_error_kind(at: &'t str, _: ErrorKind) -> ParserError<'t> {
        ParserError::new(at, String::new())
    }

    fn append(_: &'t str, _: ErrorKind, other: ParserError<'t>) -> ParserError<'t> {
        other
    }
}

fn unexpected(at: &str) -> nom::Err<ParserError<'_>> {
    let found: String = at.chars().take(1).collect();
    nom::Err::Failure(ParserError::new(at, format!("unexpected \"{found}\"")))
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// White space and comments.
fn blank(input: &str) -> Parsed<'_, ()> {
    let comment = recognize(pair(char('#'), take_till(|c| c == '\n')));
    value((), many0_count(alt((take_while1(is_space), comment)))).parse(input)
}

/// A backslash and the character after it.
fn escape(input: &str) -> Parsed<'_, &str> {
    recognize(pair(char('\\'), opt(anychar))).parse(input)
}

/// The inside of quotes, as written.
fn quoted(quote: char) -> impl Fn(&str) -> Parsed<'_, &str> {
    move |input| {
        let plain = take_while1(|c| c != quote && c != '\\');
        recognize(many0_count(alt((plain, escape)))).parse(input)
    }
}

/// A word without quotes, as written.
fn bare(input: &str) -> Parsed<'_, &str> {
    let plain = take_while1(|c| !is_space(c) && !matches!(c, ';' | '{' | '\\' | '$'));
    let dollar = recognize(pair(char('$'), many0_count(char('{'))));
    recognize(many1_count(alt((plain, dollar, escape)))).parse(input)
}

/// The text of a word as written, escapes resolved.
fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        match chars.next() {
            Some(c @ ('"' | '\'' | '\\')) => text.push(c),
            Some('t') => text.push('\t'),
            Some('r') => text.push('\r'),
            Some('n') => text.push('\n'),
            other => {
                text.push('\\');
                text.extend(other);
            }
        }
    }
    text
}

/// Line and column of an offset.
#[derive(Clone, Copy)]
struct Position {
    offset: usize,
    line: u32,
    column: u32,
}

impl Position {
    const START: Position = Position { offset: 0, line: 1, column: 1 };

    fn advance(self, text: &str, offset: usize) -> Position {
        let mut to = Position { offset, ..self };
        for c in text[self.offset..offset].chars() {
            (to.line, to.column) =
                if c == '\n' { (to.line + 1, 1) } else { (to.line, to.column + 1) };
        }
        to
    }
}

/// The rules that need to know where they are.
struct Grammar<'t> {
    text: &'t str,
    file: u16,
    /// The place of the last span. The next one is counted from here, which keeps parsing linear.
    here: Cell<Position>,
}

impl<'t> Grammar<'t> {
    /// The directives up to a `}` or the end of the text.
    fn directives(&self, mut input: &'t str, depth: usize) -> Parsed<'t, Vec<Node>> {
        let mut nodes = Vec::new();
        loop {
            (input, _) = blank(input)?;
            match input.chars().next() {
                None | Some('}') => return Ok((input, nodes)),
                Some(';' | '{') => return Err(unexpected(input)),
                Some(_) => {
                    let (rest, node) = self.directive(input, depth)?;
                    nodes.push(node);
                    input = rest;
                }
            }
        }
    }

    fn directive(&self, input: &'t str, depth: usize) -> Parsed<'t, Node> {
        let (mut input, name) = self.word(input)?;
        let mut args = Vec::new();
        loop {
            (input, _) = blank(input)?;
            let (block, last) = match input.chars().next() {
                None => {
                    return Err(nom::Err::Failure(ParserError::end(input, "\";\" or \"}\"", None)));
                }
                Some('}') => return Err(unexpected(input)),
                Some(';') => (None, input),
                Some('{') => {
                    let (end, nodes) = self.block(input, depth)?;
                    (Some(nodes), end)
                }
                Some(_) => {
                    let (rest, word) = self.word(input)?;
                    args.push(word);
                    input = rest;
                    continue;
                }
            };
            let end = self.span(last, 1);
            return Ok((&last[1..], Node { name, args, block, end }));
        }
    }

    /// The directives between braces; the rest starts with the closing one.
    fn block(&self, brace: &'t str, depth: usize) -> Parsed<'t, Vec<Node>> {
        if depth >= MAX_NESTING {
            let message = format!("blocks are nested more than {MAX_NESTING} deep");
            return Err(nom::Err::Failure(ParserError::new(brace, message)));
        }
        match self.directives(&brace[1..], depth + 1)? {
            ("", _) => Err(nom::Err::Failure(ParserError::end(brace, "\"}\"", Some(('{', brace))))),
            block => Ok(block),
        }
    }

    fn word(&self, input: &'t str) -> Parsed<'t, Word> {
        let quote = input.chars().next().filter(|c| matches!(c, '"' | '\''));
        let Some(quote) = quote else {
            let (rest, raw) = bare(input)?;
            check_length(input, raw, None)?;
            return Ok((rest, self.place(input, raw, false, rest)));
        };
        let (rest, raw) = quoted(quote)(&input[1..])?;
        check_length(input, raw, Some(quote))?;
        if rest.is_empty() {
            let fault = ParserError::end(rest, "\";\" or \"}\"", Some((quote, input)));
            return Err(nom::Err::Failure(fault));
        }
        let rest = &rest[1..];
        match rest.chars().next() {
            Some(c) if !is_space(c) && !matches!(c, ';' | '{' | ')') => Err(unexpected(rest)),
            _ => Ok((rest, self.place(input, raw, true, rest))),
        }
    }

    /// The word that is written between `at` and `rest`.
    fn place(&self, at: &'t str, raw: &str, quoted: bool, rest: &str) -> Word {
        let written = &at[..at.len() - rest.len()];
        let len = written.chars().count().try_into().unwrap_or(u32::MAX);
        Word { text: unescape(raw), span: self.span(at, len), quoted }
    }

    /// The span of a thing that starts where `at` does. Things must come in order.
    fn span(&self, at: &str, len: u32) -> Span {
        let position = self.here.get().advance(self.text, self.text.len() - at.len());
        self.here.set(position);
        Span { file: self.file, line: position.line, column: position.column, len }
    }

    fn report(&self, error: nom::Err<ParserError<'t>>) -> SyntaxError {
        let place = |at: &str| {
            self.here.set(Position::START);
            self.span(at, 1)
        };
        match error {
            nom::Err::Error(fault) | nom::Err::Failure(fault) => SyntaxError {
                message: fault.message,
                span: place(fault.at),
                opened: fault.opened.map(|(what, at)| (what, place(at))),
            },
            // Not reached: the parsers here are those for complete input.
            nom::Err::Incomplete(_) => SyntaxError {
                message: "unexpected end of file".to_owned(),
                span: place(""),
                opened: None,
            },
        }
    }
}

fn check_length<'t>(
    at: &'t str,
    raw: &str,
    quote: Option<char>,
) -> Result<(), nom::Err<ParserError<'t>>> {
    if crate::text::bytes(raw).len() < MAX_WORD {
        return Ok(());
    }
    let message = match quote {
        Some(quote) => {
            format!("too long parameter, probably missing terminating \"{quote}\" character")
        }
        None => {
            format!(
                "too long parameter \"{}...\" started",
                raw.chars().take(10).collect::<String>()
            )
        }
    };
    Err(nom::Err::Failure(ParserError::new(at, message)))
}

#[cfg(test)]
mod tests;
