//! Memory that processes share: regions, words in them, and a lock that survives its owner.
//!
//! A [`Region`] is a memfd mapped before `fork`, or again by a new binary at another
//! address: what is stored in it are offsets, never pointers. [`U32`] and [`U64`] are its plain
//! words. [`RobustLock`] is the one thing in it that the kernel knows of: when a process dies with
//! the lock, the next one gets it, and is told.

mod cell;
mod lock;
mod region;

pub use cell::{U32, U64};
pub use lock::{Acquired, RobustLock};
pub use region::{Origin, Region};
