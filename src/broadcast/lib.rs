//! The broadcast log: channels of records in shared memory, read by cursors.
//!
//! ```text
//!   append ─▶ channel: ▣▣▣▣▣▣▣▣▢        every record has a number (seq), counted for the whole zone
//!                         ▲      ▲
//!                      cursor  cursor     a reader is a number: no queue, nothing to free
//! ```
//! A publisher appends; everything else is a reader with a cursor. There is no owner of a channel and
//! no queue of a subscriber, so a worker that dies takes nothing along. What must hold:
//!
//! - A record is visible when its seq is published, and not before; no reader sees n+1 before n. The
//!   one lock of the zone makes it so: a seq is taken and its record linked in one critical section.
//! - That publication is the *only* truth about an append. Everything else (counts, the ends of
//!   chains, free lists, the index) is derived, and rebuilt when somebody died with the lock.
//! - The oldest goes first. A full zone evicts, it does not fail; the blocks that a worker is writing
//!   from are pinned, and pinned blocks are not used again.
//! - An append wakes the workers that are interested and asleep, each once.

mod append;
mod attributes;
mod batch;
mod blocks;
mod chain;
mod changes;
mod counts;
mod create;
mod durable;
mod error;
mod evict;
mod file;
mod flags;
mod forgotten;
mod hint;
mod index;
mod info;
mod interest;
mod keys;
mod layout;
mod lengths;
mod lock;
mod memory;
mod merge;
mod owner;
mod pattern;
mod read;
mod repair;
mod restore;
mod row;
mod shape;
mod step;
mod stored;
mod takeover;
mod tally;
mod touched;
mod unlocked;
mod waiting;
mod walk;
mod zone;

#[cfg(test)]
mod tests;

pub use append::Appended;
pub use attributes::Attributes;
pub use batch::{Batch, ReadLimits, Reading, RecordRef};
pub use changes::Missed;
pub use counts::Counted;
pub use durable::{Former, Restored};
pub use error::AppendError;
pub use flags::{END, MARK};
pub use hint::Hint;
pub use index::{ChannelId, Full};
pub use info::{ChannelInfo, ZoneInfo};
pub use keys::Progress;
pub use layout::{MAGIC, MAX_NAME, VERSION};
pub use merge::{From, Merge};
pub use owner::Owner;
pub use read::Start;
pub use row::Attachment;
pub use shape::Shape;
pub use stored::StoredRecord;
pub use waiting::Joined;
pub use zone::{OpenError, Zone};
