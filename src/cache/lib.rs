//! A cache of answers: files on the disk, an index of them in shared memory, and what of them a worker has at hand.
//!
//! ```text
//! key ─▶ index: is it there? ─▶ kept, or file ─▶ Stored: head and body
//!            │ no: who fetches it?
//!            ▼
//!         Claim ─▶ Fill: a file without a name ─▶ whole: its name, the index, and who waits is woken
//! ```
//! The index outlives reloads, upgrades and workers; where it is new, the *loader* looks through the directory. The *manager*
//! takes away what nobody asks for, and what is too much. Who fetches an answer, and who waits for it, goes with its process.
#![forbid(unsafe_code)]

mod caches;
mod claims;
mod fetch;
mod file;
mod find;
mod index;
mod kept;
mod key;
mod life;
mod loader;
mod manager;
mod purge;
mod settings;
mod state;
mod variant;
mod wait;
mod waiting;
mod zone;

pub use caches::Caches;
pub use fetch::{Claim, Facts, Fill};
pub use file::{Stored, WrittenBody};
pub use find::{Found, Lookup};
pub use key::{Digest16, Key};
pub use life::{Life, Unheard, Valid, life};
pub use purge::Which;
pub use settings::{Settings, read};
pub use variant::{names, variant};
pub use wait::Wait;
pub use zone::Zone;
