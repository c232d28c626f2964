//! What a media playlist consists of.

use super::SECOND;

/// How a playlist changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Segments come, and the oldest go.
    #[default]
    Live,
    /// Segments come, and none goes.
    Event,
    /// Nothing changes.
    Vod,
}

/// What a server offers, and how far from the end clients play.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Control {
    /// Requests for what is not there yet wait for it.
    pub block_reload: bool,
    /// The longest part, in microseconds; `None`: there are no parts.
    pub part_target: Option<u64>,
    /// How far from the end a client that knows parts plays, at least.
    pub part_hold_back: Option<u64>,
    /// How far from the end others play.
    pub hold_back: Option<u64>,
    /// What is farther from the end may be left out of updates.
    pub can_skip_until: Option<u64>,
}

impl Control {
    /// What goes with a low latency: three parts, three segments, six segments (bis, §4.4.3.8).
    pub fn low_latency(part_target: u64, target_duration: u64) -> Control {
        Control {
            block_reload: true,
            part_target: Some(part_target),
            part_hold_back: Some(3 * part_target),
            hold_back: Some(3 * target_duration * SECOND),
            can_skip_until: Some(6 * target_duration * SECOND),
        }
    }

    /// Something is to be said.
    pub(super) fn is_any(&self) -> bool {
        *self != Control::default()
    }
}

/// What a segment needs before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    /// Where it is.
    pub uri: String,
    /// Its bytes there, and the first of them.
    pub range: Option<(u64, u64)>,
}

/// How a segment is encrypted: with AES-128.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Where the key is.
    pub uri: String,
    /// `None`: the segment's number.
    pub iv: Option<[u8; 16]>,
}

/// A part of a segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Where it is.
    pub uri: String,
    /// Microseconds.
    pub duration: u64,
    /// Decoding can begin with it.
    pub independent: bool,
    /// It cannot be had.
    pub gap: bool,
    /// Its bytes there, and the first of them.
    pub range: Option<(u64, u64)>,
}

/// A segment that is whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    /// Where it is.
    pub uri: String,
    /// Microseconds.
    pub duration: u64,
    /// It does not go on from the one before: other tracks, or another time.
    pub discontinuity: bool,
    /// It cannot be had.
    pub gap: bool,
    /// Milliseconds since 1970 at which it begins.
    pub time: Option<u64>,
    /// What it needs before it. Said again where it changes, and after a discontinuity.
    pub map: Option<Map>,
    /// How it is encrypted. Said again where it changes.
    pub key: Option<Key>,
    /// Its bytes there, and the first of them.
    pub range: Option<(u64, u64)>,
    /// The parts it came in.
    pub parts: Vec<Part>,
}

/// How far another rendition is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Its playlist.
    pub uri: String,
    /// Its last segment, one that is not whole included.
    pub last_msn: u64,
    /// Its last part there, if it has parts.
    pub last_part: Option<u64>,
}
