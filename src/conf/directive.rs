//! A directive as a row of a module's table.
//!
//! ```text
//! use conf::{Arity, Block, Directive, Opt, contexts};
//!
//! #[derive(Default)]
//! struct Static {
//!     sendfile: Opt<bool>,
//! }
//!
//! static DIRECTIVES: &[Directive<Static>] = &[Directive {
//!     name: "sendfile",
//!     contexts: contexts!(HTTP | SERVER | LOCATION | LIF),
//!     arity: Arity::Flag,
//!     block: Block::No,
//!     set: |conf, setting| conf.sendfile.set_in(setting.flag()?, setting),
//!     default: "off",
//!     help: "send files from the kernel's cache without copying them",
//! }];
//! ```

use std::any::Any;
use std::fmt;

use crate::{Contexts, Error, Setting};

/// How many arguments a directive takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arity {
    /// This many.
    Exactly(u8),
    /// From the first number to the second.
    Between(u8, u8),
    /// This many or more.
    AtLeast(u8),
    /// One, which is `on` or `off`.
    Flag,
}

/// Whether a directive has a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    /// It ends with `;`.
    No,
    /// It has a block in braces.
    Yes,
}

/// A directive that sets something in a `C`.
pub struct Directive<C: 'static> {
    /// The name.
    pub name: &'static str,
    /// Where it may stand.
    pub contexts: Contexts,
    /// How many arguments it takes.
    pub arity: Arity,
    /// Whether it has a block.
    pub block: Block,
    /// Takes the value over; called after context, arguments and block have been checked.
    pub set: fn(&mut C, &Setting<'_>) -> Result<(), Error>,
    /// The value when it is not set, as one would write it.
    pub default: &'static str,
    /// What it does, in one line.
    pub help: &'static str,
}

impl<C: 'static> Directive<C> {
    /// A row without a block: name, contexts, arity, setter, default and help, as they stand in the
    /// reference.
    pub const fn new(
        name: &'static str,
        contexts: Contexts,
        arity: Arity,
        set: fn(&mut C, &Setting<'_>) -> Result<(), Error>,
        default: &'static str,
        help: &'static str,
    ) -> Directive<C> {
        Directive { name, contexts, arity, block: Block::No, set, default, help }
    }

    /// The same row with a block.
    #[must_use]
    pub const fn with_block(mut self) -> Directive<C> {
        self.block = Block::Yes;
        self
    }
}

/// A [`Directive`] whose type of configuration is hidden, so that rows of different modules can
/// stand in one list.
#[derive(Clone, Copy)]
pub struct Entry {
    /// The name.
    pub name: &'static str,
    /// Where it may stand.
    pub contexts: Contexts,
    /// How many arguments it takes.
    pub arity: Arity,
    /// Whether it has a block.
    pub block: Block,
    /// The value when it is not set, as one would write it.
    pub default: &'static str,
    /// What it does, in one line.
    pub help: &'static str,
    row: &'static dyn Row,
}

/// The part of a row that depends on its type.
trait Row: Sync {
    fn set(&self, conf: &mut dyn Any, setting: &Setting<'_>) -> Result<(), Error>;
}

impl<C: 'static> Row for Directive<C> {
    fn set(&self, conf: &mut dyn Any, setting: &Setting<'_>) -> Result<(), Error> {
        match conf.downcast_mut::<C>() {
            Some(conf) => (self.set)(conf, setting),
            None => Err(setting.error("directive was given the configuration of another module")),
        }
    }
}

/// The rows of a table, their type of configuration hidden.
pub fn erase<C: 'static>(rows: &'static [Directive<C>]) -> impl Iterator<Item = Entry> {
    rows.iter().map(|row| Entry {
        name: row.name,
        contexts: row.contexts,
        arity: row.arity,
        block: row.block,
        default: row.default,
        help: row.help,
        row,
    })
}

impl Entry {
    /// Calls the setter. `conf` must be the type that the row was made for.
    pub fn set(&self, conf: &mut dyn Any, setting: &Setting<'_>) -> Result<(), Error> {
        self.row.set(conf, setting)
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {:?}, {:?})", self.name, self.contexts, self.arity, self.block)
    }
}

impl Arity {
    /// Whether this many arguments are right.
    pub fn accepts(self, count: usize) -> bool {
        match self {
            Arity::Exactly(n) => count == usize::from(n),
            Arity::Between(low, high) => (low.into()..=high.into()).contains(&count),
            Arity::AtLeast(n) => count >= usize::from(n),
            Arity::Flag => count == 1,
        }
    }
}

impl fmt::Display for Arity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Arity::Exactly(0) => f.write_str("no arguments"),
            Arity::Exactly(1) => f.write_str("1 argument"),
            Arity::Exactly(n) => write!(f, "{n} arguments"),
            Arity::Between(low, high) => write!(f, "{low} to {high} arguments"),
            Arity::AtLeast(n) => write!(f, "{n} or more arguments"),
            Arity::Flag => f.write_str("\"on\" or \"off\""),
        }
    }
}

/// Checks block and arguments of a directive, in nginx's order and words.
pub fn check(setting: &Setting<'_>, arity: Arity, block: Block) -> Result<(), Error> {
    let name = setting.name();
    match (block, &setting.node().block) {
        (Block::No, Some(_)) => {
            let message = format!("directive \"{name}\" is not terminated by \";\"");
            return Err(setting.error(message));
        }
        (Block::Yes, None) => {
            return Err(setting.error(format!("directive \"{name}\" has no opening \"{{\"")));
        }
        _ => {}
    }
    if !arity.accepts(setting.args().len()) {
        let message = format!("invalid number of arguments in \"{name}\" directive");
        let hint = missing_end(setting).unwrap_or_else(|| format!("\"{name}\" takes {arity}"));
        return Err(setting.error(message).with_hint(hint));
    }
    if arity == Arity::Flag {
        setting.flag()?;
    }
    Ok(())
}

/// A forgotten `;` makes the next line part of the directive.
fn missing_end(setting: &Setting<'_>) -> Option<String> {
    let words = || std::iter::once(&setting.node().name).chain(setting.args());
    let (last, _) = words().zip(words().skip(1)).find(|(a, b)| a.span.line < b.span.line)?;
    Some(format!("is a \";\" missing after \"{}\" in line {}?", last.text, last.span.line))
}
