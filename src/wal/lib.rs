//! The file of a zone: a ring of segments to which every record is written, too.
//!
//! ```text
//!  header A │ header B │ segment │ segment │ segment │ segment │ …
//!                        records ─▶ head │   └ the next one: what is kept of it is copied to the head,
//!                        ▲          (N)     (N+1, still with what was written a lap ago)
//!                        └ older, and copies of what is older still
//! ```
//! Memory is where readers read; the file is what outlives memory. Opening it means to read all of it,
//! to check everything, and to hand the records back in the order of their seqs: memory's shape is no
//! part of the file's form. What must hold:
//!
//! - What a [`sync`](Log::sync) covered and the zone keeps is there after a power cut.
//! - No id (epoch, seq) is given to two contents. The epoch goes on only if nothing can have been lost
//!   or changed since the last writer ([`Found::certain`]); else the caller takes a new one.
//! - Nothing that is not a record is taken for one: each fragment's checksum is seeded with the file's
//!   secret, the segment's use and the fragment's place.
//! - A process may die at any instruction. [`LogState`] is in the zone's memory, and each of its words
//!   moves only when what it promises is written; the next process goes on with it as it is.
#![forbid(unsafe_code)]

mod append;
mod clean;
mod cut;
mod device;
mod error;
mod file;
mod fragment;
mod header;
mod holders;
mod log;
mod open;
mod read;
mod record;
mod segment;
mod shape;
mod state;
mod step;
mod verdict;

#[cfg(test)]
mod tests;

pub use device::{Device, Witness};
pub use error::{Error, OpenError};
pub use file::{File, FileError, NewFile, create, open as open_file};
pub use header::{Identity, Past};
pub use log::{Durability, Keeper, Log};
pub use open::Found;
pub use record::{MAX_CHANNEL, Record};
pub use shape::SMALLEST;
pub use state::LogState;
pub use verdict::{Damage, Doubt};
