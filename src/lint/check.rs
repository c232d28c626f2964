//! A check, and what it reports.

use conf::{Span, Word};

use crate::place::Place;

/// A trap, and how it is known.
pub struct Check {
    /// Its name, with which it is silenced.
    pub name: &'static str,
    /// What goes wrong.
    pub why: &'static str,
    /// What to write instead.
    pub remedy: &'static str,
    /// Lines of a server that have it.
    pub wrong: &'static str,
    /// Lines that do the same without it.
    pub right: &'static str,
    /// Looks at one directive.
    pub(crate) look: fn(&Place<'_>, &mut Report),
}

impl std::fmt::Debug for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// What a check found.
pub(crate) struct Found {
    pub(crate) check: &'static Check,
    pub(crate) message: String,
    pub(crate) span: Span,
}

/// What the checks found so far.
#[derive(Default)]
pub(crate) struct Report {
    /// The one that looks.
    pub(crate) check: Option<&'static Check>,
    pub(crate) found: Vec<Found>,
}

impl Report {
    /// Tells of a trap at a word.
    pub(crate) fn at(&mut self, word: &Word, message: impl Into<String>) {
        let Some(check) = self.check else { return };
        self.found.push(Found { check, message: message.into(), span: word.span });
    }
}
