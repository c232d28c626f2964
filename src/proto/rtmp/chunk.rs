//! Messages in chunks (RTMP 1.0 §5.3).
//!
//! ```text
//! basic header    message header (by format)                       extended    payload
//! ┌───┬──────┐    0: timestamp (3) length (3) kind (1) stream (4, little endian)
//! │fmt│ csid │    1: delta     (3) length (3) kind (1)             time (4)    up to the
//! └───┴──────┘    2: delta     (3)                                 if the 3    chunk size
//!  2    6 bits    3: nothing: as the chunk before                  are FFFFFF
//!       0: 64 + 1 byte;  1: 64 + 2 bytes, little endian
//! ```
//!
//! Messages of different chunk streams (`csid`) may alternate chunk by chunk.

mod cut;
mod read;
mod write;

pub use cut::{Uncut, continuation, cut, cut_len, uncut_len};
pub use read::{Message, MessageLimits, Reader};
pub use write::{HeaderBytes, delta, full, write_message};

use std::fmt;

/// The chunk size of a connection on which none was set, in bytes.
pub const DEFAULT_CHUNK_SIZE: usize = 128;

/// The longest message, and the largest chunk that makes sense, in bytes.
pub const LONGEST: usize = 0xFF_FFFF;

/// A timestamp field with this value has the real one behind the header.
const EXTENDED: u32 = 0xFF_FFFF;

/// Why chunks cannot be read on. All of these end a connection: where the next chunk begins is
/// unknown, or the peer asks for too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// A message is longer than it may be.
    TooLong,
    /// More chunk streams than there may be.
    TooManyStreams,
    /// Messages that are not finished hold more bytes than they may.
    Memory,
    /// A chunk size of 0, of 2^31 or more, or none in the message that sets it.
    ChunkSize,
    /// A chunk stream begins with a format that leaves its message's length open.
    NoHeader,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::TooLong => "a message is too long",
            Error::TooManyStreams => "too many chunk streams",
            Error::Memory => "unfinished messages are too large together",
            Error::ChunkSize => "an invalid chunk size",
            Error::NoHeader => "a chunk stream begins without a message's length",
        })
    }
}

impl std::error::Error for Error {}
