//! What a setter sees of its directive.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};

use crate::{Contexts, Error, Files, Node, Word, value};

/// What all directives of one configuration share.
#[derive(Debug)]
pub struct Env<'a> {
    /// The files, for error messages.
    pub files: &'a Files,
    /// Where relative paths start: the option `-p`.
    pub prefix: &'a Path,
    /// Where paths start that are relative to the configuration file.
    pub conf_dir: &'a Path,
    /// Warnings, in order.
    pub warnings: RefCell<Vec<Error>>,
    /// How many directives were read.
    pub directives: Cell<usize>,
    /// The faults so far, if reading goes on after one.
    faults: Option<RefCell<Vec<Error>>>,
}

impl<'a> Env<'a> {
    /// An environment without warnings.
    pub fn new(files: &'a Files, prefix: &'a Path, conf_dir: &'a Path) -> Env<'a> {
        let warnings = RefCell::default();
        Env { files, prefix, conf_dir, warnings, directives: Cell::new(0), faults: None }
    }

    /// One that goes on after a fault, to find them all.
    #[must_use]
    pub fn thorough(mut self) -> Env<'a> {
        self.faults = Some(RefCell::default());
        self
    }

    /// What became of one directive: its fault ends the reading, or is kept, and the next one is read.
    /// Every reader of a block asks this after each directive.
    pub fn settle(&self, result: Result<(), Error>) -> Result<(), Error> {
        match (result, &self.faults) {
            (Err(error), Some(faults)) => {
                faults.borrow_mut().push(error);
                Ok(())
            }
            (result, _) => result,
        }
    }

    /// The faults that were kept.
    pub fn take_faults(&self) -> Vec<Error> {
        self.faults.as_ref().map(RefCell::take).unwrap_or_default()
    }
}

/// A directive that is being set: its arguments as typed values, and messages at its place.
///
/// Arguments count from 0; an argument that is missing reads as an empty word.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    node: &'a Node,
    context: Contexts,
    env: &'a Env<'a>,
}

impl<'a> Setting<'a> {
    /// The directive `node`, which stands in `context`.
    pub fn new(node: &'a Node, context: Contexts, env: &'a Env<'a>) -> Setting<'a> {
        Setting { node, context, env }
    }

    /// The directive's name.
    pub fn name(&self) -> &'a str {
        &self.node.name.text
    }

    /// The directive itself.
    pub fn node(&self) -> &'a Node {
        self.node
    }

    /// The context in which it stands.
    pub fn context(&self) -> Contexts {
        self.context
    }

    /// What it shares with the other directives.
    pub fn env(&self) -> &'a Env<'a> {
        self.env
    }

    /// The arguments.
    pub fn args(&self) -> &'a [Word] {
        &self.node.args
    }

    /// An argument's text.
    pub fn arg(&self, i: usize) -> &'a str {
        self.node.args.get(i).map_or("", |word| &word.text)
    }

    /// The directives in its block.
    pub fn block(&self) -> &'a [Node] {
        self.node.block.as_deref().unwrap_or_default()
    }

    /// An argument as a size in bytes: `4k`, `10m`, `1g`.
    pub fn size(&self, i: usize) -> Result<u64, Error> {
        value::size(self.arg(i)).ok_or_else(|| self.invalid(i, "value"))
    }

    /// An argument as a time in milliseconds: `500ms`, `30s`, `1h 30m`.
    pub fn time_ms(&self, i: usize) -> Result<u64, Error> {
        value::milliseconds(self.arg(i)).ok_or_else(|| self.invalid(i, "value"))
    }

    /// An argument as a time in seconds: `30s`, `1h 30m`, `1y`.
    pub fn time_secs(&self, i: usize) -> Result<u64, Error> {
        value::seconds(self.arg(i)).ok_or_else(|| self.invalid(i, "value"))
    }

    /// An argument as a number.
    pub fn number(&self, i: usize) -> Result<u64, Error> {
        value::number(self.arg(i)).ok_or_else(|| self.invalid(i, "number"))
    }

    /// An argument as a number of a range.
    pub fn number_in(&self, i: usize, range: std::ops::RangeInclusive<u64>) -> Result<u64, Error> {
        let number = self.number(i)?;
        if !range.contains(&number) {
            let message = format!("value must be between {} and {}", range.start(), range.end());
            return Err(self.error_at(i, message));
        }
        Ok(number)
    }

    /// The first argument as `on` or `off`.
    pub fn flag(&self) -> Result<bool, Error> {
        let text = self.arg(0);
        value::flag(text).ok_or_else(|| {
            let directive = format!("invalid value \"{text}\" in \"{}\" directive", self.name());
            self.error_at(0, format!("{directive}, it must be \"on\" or \"off\""))
        })
    }

    /// An argument as one of these names, in any case.
    pub fn choice<T: Clone>(&self, i: usize, choices: &[(&str, T)]) -> Result<T, Error> {
        let text = self.arg(i);
        let found = choices.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        found.map(|(_, value)| value.clone()).ok_or_else(|| {
            let names: Vec<_> = choices.iter().map(|(name, _)| format!("\"{name}\"")).collect();
            self.error_at(i, format!("invalid value \"{text}\""))
                .with_hint(format!("it must be one of {}", names.join(", ")))
        })
    }

    /// An argument as a path, relative to the prefix.
    pub fn path(&self, i: usize) -> PathBuf {
        self.env.prefix.join(crate::text::path(self.arg(i)))
    }

    /// An argument as a path, relative to the directory of the configuration file.
    pub fn conf_path(&self, i: usize) -> PathBuf {
        self.env.conf_dir.join(crate::text::path(self.arg(i)))
    }

    /// An error at the directive.
    pub fn error(&self, message: impl Into<String>) -> Error {
        Error::at(message, self.node.name.span, self.env.files)
    }

    /// An error at an argument.
    pub fn error_at(&self, i: usize, message: impl Into<String>) -> Error {
        let word = self.node.args.get(i).unwrap_or(&self.node.name);
        Error::at(message, word.span, self.env.files)
    }

    /// `"x" directive is duplicate`
    pub fn duplicate(&self) -> Error {
        self.error(format!("\"{}\" directive is duplicate", self.name()))
    }

    /// `"x" directive invalid value`, at an argument; `what` is `value` or `number`.
    pub fn invalid(&self, i: usize, what: &str) -> Error {
        self.error_at(i, format!("\"{}\" directive invalid {what}", self.name()))
    }

    /// Adds a warning at the directive.
    pub fn warn(&self, message: impl Into<String>) {
        self.env.warnings.borrow_mut().push(self.error(message));
    }
}
