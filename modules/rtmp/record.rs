//! What a record of a stream is in the log.
//!
//! ```text
//!  0    1    2    3    4         8         12        16
//! ┌────┬────┬────┬────┬─────────┬─────────┬─────────┬──────────────────────────────────────┐
//! │kind│csid│event    │ time    │ length  │ chunk   │ payload, a byte 0xC0|csid every chunk │
//! └────┴────┴─────────┴─────────┴─────────┴─────────┴──────────────────────────────────────┘
//! ```
//! The payload is cut as it goes out to RTMP players, and is sent from where it lies; what stands before
//! it is each player's own, since each has its own clock. Numbers are little-endian. `time` is the
//! stream's clock in milliseconds, which goes on when a publisher comes back.

use proto::rtmp::message;

/// A key frame of video.
pub const KEY: u32 = 1 << 16;
/// Configuration that a decoder needs first, or metadata.
pub const HEADER: u32 = 1 << 17;
/// A header that was sent before: it is repeated before each key frame, for those who begin there.
pub const REPEAT: u32 = 1 << 18;
/// Not a message, but a change of the stream.
pub const CHANGE: u32 = 1 << 19;

/// The stream has sound, as far as its publisher has shown when the record was made.
pub const HAS_AUDIO: u32 = 1 << 20;
/// The stream has pictures.
pub const HAS_VIDEO: u32 = 1 << 21;
/// These two are all that is to be waited for.
pub const SETTLED: u32 = 1 << 22;
/// The publisher's metadata tells which tracks there are to be.
pub const PROMISED: u32 = 1 << 23;
/// How long, in milliseconds from the first frame, the other track may take to come of which nobody has told.
pub const SECOND_TRACK_MS: u64 = 1000;
/// How long a track may take that was promised. Some cameras promise sound and have none.
pub const PROMISE_MS: u64 = 3000;
/// All that a record tells of the stream's tracks.
pub const CONTENTS: u32 = HAS_AUDIO | HAS_VIDEO | SETTLED | PROMISED;

/// Bytes of the part before the payload.
pub const HEAD: usize = 16;

/// Chunk streams of what players are sent. What a client is told of its streams goes in another one: the
/// clock of a chunk stream belongs to one player.
pub const CSID_DATA: u8 = 4;
/// See [`CSID_DATA`].
pub const CSID_AUDIO: u8 = 6;
/// See [`CSID_DATA`].
pub const CSID_VIDEO: u8 = 7;

/// A place for each of them in a table of three.
pub fn slot(csid: u8) -> usize {
    usize::from(csid.saturating_sub(CSID_AUDIO - 1)).min(2)
}

/// What has happened to a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A publisher has begun.
    Began = 1,
    /// It has ended the stream.
    Ended = 2,
    /// Its connection broke: it may come back.
    Broke = 3,
    /// It has come back: the stream goes on.
    Resumed = 4,
}

/// The part before the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The message's type.
    pub kind: u8,
    /// The chunk stream in which it goes out.
    pub csid: u8,
    /// [`Change`], if it is that.
    pub event: u16,
    /// Milliseconds of the stream's clock.
    pub time: u32,
    /// Bytes of the payload.
    pub len: u32,
    /// Bytes of a chunk.
    pub chunk: u32,
}

impl Head {
    /// As it lies in the log.
    pub fn bytes(self) -> [u8; HEAD] {
        let mut bytes = [0; HEAD];
        bytes[0] = self.kind;
        bytes[1] = self.csid;
        bytes[2..4].copy_from_slice(&self.event.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.time.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.len.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.chunk.to_le_bytes());
        bytes
    }

    /// Reads it.
    pub fn of(bytes: [u8; HEAD]) -> Head {
        let word = |at: usize| {
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        Head {
            kind: bytes[0],
            csid: bytes[1],
            event: u16::from_le_bytes([bytes[2], bytes[3]]),
            time: word(4),
            len: word(8),
            chunk: word(12).max(1),
        }
    }

    /// A change of the stream, at a time of its clock.
    pub fn change(change: Change, time: u32) -> Head {
        Head { kind: 0, csid: 0, event: change as u16, time, len: 0, chunk: 1 }
    }

    /// What has happened, if it is that.
    pub fn event(self) -> Option<Change> {
        [Change::Began, Change::Ended, Change::Broke, Change::Resumed]
            .into_iter()
            .find(|change| *change as u16 == self.event)
    }

    /// Whether it is video.
    pub fn is_video(self) -> bool {
        self.kind == message::VIDEO
    }

    /// Whether it is audio.
    pub fn is_audio(self) -> bool {
        self.kind == message::AUDIO
    }
}
