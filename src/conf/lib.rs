//! The configuration: nginx's language, from text to typed values.
//!
//! ```text
//! file -- grammar --> nodes -- load: include --> Tree
//! Tree -- Table: name, context, arity --> setter --> Opt<T> -- inherit --> Opt<T>
//! ```
//!
//! - [`Tree`] is the parsed text, each word with its [`Span`]; [`Tree::load`] follows `include`.
//! - A module lists its directives as rows, [`Directive`]; a [`Table`] holds the rows of all
//!   modules and finds the one for a [`Node`], or says why there is none.
//! - A row's setter reads its arguments through a [`Setting`] and stores them in [`Opt`] fields,
//!   which know "unset" from "set" and inherit from the enclosing block.
//! - An [`Error`] reads like nginx's and shows the line, a caret and the nearest name.
//! - [`known`] has a word to say about each name that nginx defines and no module implements.
#![forbid(unsafe_code)]

mod access;
mod context;
mod directive;
mod error;
mod files;
mod foreign;
mod glob;
pub mod grammar;
pub mod known;
mod load;
pub mod nearest;
mod opt;
mod setting;
pub mod settings;
mod span;
mod table;
pub mod text;
mod tree;
pub mod value;

pub use access::Access;
pub use context::Contexts;
pub use directive::{Arity, Block, Directive, Entry, check, erase};
pub use error::{Error, Lack, Place};
pub use files::{COMMAND_LINE, File, Files};
pub use opt::{Duplicate, Opt};
pub use setting::{Env, Setting};
pub use settings::by_default;
pub use span::Span;
pub use table::{Found, Table, read_block};
pub use tree::{Node, Tree, Word};
