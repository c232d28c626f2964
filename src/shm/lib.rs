//! Memory that processes share: regions, words in them, locks that survive their owners, a table and a cache.
//!
//! A [`Region`] is a memfd mapped before `fork`, or again by a new binary at another
//! address: what is stored in it are offsets, never pointers. [`U32`] and [`U64`] are its plain
//! words. [`RobustLock`] is the one thing in it that the kernel knows of: when a process dies with
//! the lock, the next one gets it, and is told; for a [`BoundedLock`] nobody waits for ever. A [`Table`] keeps entries by key, and knows
//! which of them was used least recently. [`Records`] stay where they are, and have counts of processes. A [`Board`] has
//! short texts that one process writes. In a [`Cache`] are values for a time, of which one process finds out what all want
//! to know.

mod board;
mod bounded;
mod cache;
mod cell;
mod derived;
mod entries;
mod hash;
mod lock;
mod records;
mod region;
mod rows;
mod slot;
mod step;
mod table;
#[cfg(test)]
mod tests;

pub use board::{Board, Found, Watch};
pub use bounded::{BoundedLock, Holder, PATIENCE_MS};
pub use cache::{Asked, CACHE_VERSION, Cache, Lease};
pub use cell::{U32, U64};
pub use entries::Locked;
pub use hash::{Secret, hash, make_secret};
pub use lock::{Acquired, RobustLock};
pub use records::{RecordShape, Records, RecordsLock};
pub use region::{Origin, Region};
pub use table::{Entry, Key, MAX_KEY, TABLE_VERSION, Table};
