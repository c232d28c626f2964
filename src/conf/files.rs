//! The files that a configuration was read from.

use std::io::{self, Write};
use std::path::PathBuf;

use crate::Span;

/// The name under which directives given with `-g` appear in messages.
pub const COMMAND_LINE: &str = "command line";

/// One file, as it was read.
#[derive(Clone, Debug)]
pub struct File {
    /// The name for messages.
    pub name: String,
    /// The absolute path; empty if the text did not come from a file.
    pub path: PathBuf,
    /// The text, which keeps its bytes ([`crate::text`]).
    pub text: String,
}

/// The files in the order in which they were first read, each one once.
#[derive(Clone, Debug, Default)]
pub struct Files {
    list: Vec<File>,
}

impl Files {
    /// The files, in order.
    pub fn iter(&self) -> impl Iterator<Item = &File> {
        self.list.iter()
    }

    /// The file that a span points into.
    pub fn file(&self, span: Span) -> Option<&File> {
        self.list.get(usize::from(span.file))
    }

    /// The line that a span points into, without its line end; empty if there is none.
    pub fn line(&self, span: Span) -> &str {
        let number = (span.line as usize).saturating_sub(1);
        self.file(span).and_then(|file| file.text.lines().nth(number)).unwrap_or("")
    }

    /// `FILE:LINE`, as messages name a place.
    pub fn place(&self, span: Span) -> String {
        self.file(span).map_or_else(String::new, |file| format!("{}:{}", file.name, span.line))
    }

    /// Prints every file as `nginx -T` does, under its name.
    pub fn dump(&self, w: &mut dyn Write) -> io::Result<()> {
        for file in self.list.iter().filter(|file| file.name != COMMAND_LINE) {
            writeln!(w, "# configuration file {}:", file.name)?;
            w.write_all(&crate::text::bytes(&file.text))?;
            writeln!(w)?;
        }
        Ok(())
    }

    /// Adds a file and gives its number; `None` if there are too many.
    pub(crate) fn add(&mut self, file: File) -> Option<u16> {
        let number = u16::try_from(self.list.len()).ok()?;
        self.list.push(file);
        Some(number)
    }

    /// The file with this number.
    pub(crate) fn get(&self, number: u16) -> Option<&File> {
        self.list.get(usize::from(number))
    }
}
