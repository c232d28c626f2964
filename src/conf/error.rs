//! Errors that read like nginx's and then show the place.
//!
//! ```text
//! unknown directive "rang" in conf/rserve.conf:12
//!     rang 5;
//!     ^^^^
//! did you mean "range"?
//! ```

use std::fmt;
use std::io;
use std::path::Path;

use crate::{COMMAND_LINE, Files, Span, text};

/// How many characters of a long line are shown around the word.
const WINDOW: usize = 100;

/// What is wrong in a configuration, and where. Warnings have the same form.
///
/// It carries the text that it shows, so that it outlives the files.
#[derive(Clone, Debug)]
pub struct Error(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    message: String,
    place: Option<Place>,
    hint: Option<String>,
    lack: Option<Lack>,
}

/// A directive that is right in itself and that this server does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    /// Its name.
    pub name: String,
    /// Why it is not there.
    pub why: String,
    /// How many directives are lost by it: itself, and what stands in its block.
    pub directives: usize,
}

/// The place that an error is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file's name for messages.
    pub file: String,
    /// The word.
    pub span: Span,
    /// The line in which the word stands.
    pub line: String,
}

impl Error {
    /// An error without a place.
    pub fn new(message: impl Into<String>) -> Error {
        let message = text::shown(&message.into());
        Error(Box::new(Inner { message, place: None, hint: None, lack: None }))
    }

    /// An error at a word.
    pub fn at(message: impl Into<String>, span: Span, files: &Files) -> Error {
        Error::new(message).or_at(span, files)
    }

    /// A failed system call on a file, in nginx's words:
    /// `open() "x.conf" failed (2: No such file or directory)`.
    pub fn io(call: &str, path: &Path, error: &io::Error) -> Error {
        let text = error.to_string();
        let reason = match error.raw_os_error() {
            // std appends the number; nginx puts it first.
            Some(code) => {
                let suffix = format!(" (os error {code})");
                format!("{code}: {}", text.strip_suffix(&suffix).unwrap_or(&text))
            }
            None => text,
        };
        Error::new(format!("{call}() \"{}\" failed ({reason})", path.display()))
    }

    /// Places the error at a word, if it has no place yet.
    #[must_use]
    pub fn or_at(mut self, span: Span, files: &Files) -> Error {
        if self.0.place.is_none() {
            self.0.place = Place::new(span, files);
        }
        self
    }

    /// Adds a line of advice, replacing the one it has.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Error {
        self.0.hint = Some(hint.into());
        self
    }

    /// Marks it as one of what the server does not have, not of what is wrong.
    #[must_use]
    pub fn lacking(mut self, lack: Lack) -> Error {
        self.0.lack = Some(lack);
        self
    }

    /// What the server does not have, if that is what the error is about.
    pub fn lack(&self) -> Option<&Lack> {
        self.0.lack.as_ref()
    }

    /// What is wrong, without the place.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where it is wrong.
    pub fn place(&self) -> Option<&Place> {
        self.0.place.as_ref()
    }

    /// The advice.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The message, then the line with carets under the word, then the advice.
    pub fn render(&self) -> String {
        let mut text = self.to_string();
        if let Some(place) = &self.0.place
            && !place.line.trim().is_empty()
        {
            let (line, carets) = place.excerpt();
            text.push_str(&format!("\n    {line}\n    {carets}"));
        }
        if let Some(hint) = &self.0.hint {
            text.push_str(&format!("\n{hint}"));
        }
        text
    }
}

impl Place {
    fn new(span: Span, files: &Files) -> Option<Place> {
        let file = files.file(span)?;
        Some(Place { file: file.name.clone(), span, line: text::shown(files.line(span)) })
    }

    /// The line, cut to a window if it is long, and the carets that go under it.
    fn excerpt(&self) -> (String, String) {
        let column = (self.span.column as usize).saturating_sub(1);
        let start = column.saturating_sub(WINDOW / 2);
        // A control character must not reach the terminal.
        let shown = |c: char| if c.is_control() && c != '\t' { '?' } else { c };
        let line: String = self.line.chars().skip(start).take(WINDOW).map(shown).collect();
        let line = line.trim_end().to_owned();
        let before = column - start;
        let room = line.chars().count().saturating_sub(before);
        // Tabs are kept, so that the carets line up whatever the tab width is.
        let mut carets: String = line.chars().map(|c| if c == '\t' { c } else { ' ' }).collect();
        carets = carets.chars().take(before).collect();
        carets.push_str(&"^".repeat((self.span.len as usize).clamp(1, room.max(1))));
        (line, carets)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        match &self.0.place {
            Some(place) if place.file == COMMAND_LINE => write!(f, " in {COMMAND_LINE}"),
            Some(place) => write!(f, " in {}:{}", place.file, place.span.line),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests;
