//! What kinds of messages there are, and those that control the connection (RTMP 1.0 §5.4, §7.1).
//!
//! ```text
//! kind                     payload                      numbers are big endian
//! 1 set chunk size         size (4), the first bit 0
//! 2 abort                  chunk stream (4)
//! 3 acknowledgement        bytes received (4)
//! 4 user control           event (2) its data (…)
//! 5 window ack size        bytes (4)
//! 6 set peer bandwidth     bytes (4) limit (1)
//! ```

mod aggregate;
mod user;

pub use aggregate::{Aggregate, Part, aggregate};
pub use user::UserControl;

/// Sets the size of the sender's chunks.
pub const SET_CHUNK_SIZE: u8 = 1;
/// Drops a message that is not finished.
pub const ABORT: u8 = 2;
/// Tells how many bytes were received.
pub const ACKNOWLEDGEMENT: u8 = 3;
/// An event, see [`UserControl`].
pub const USER_CONTROL: u8 = 4;
/// Tells after how many bytes an acknowledgement is wanted.
pub const WINDOW_ACK_SIZE: u8 = 5;
/// Limits what the peer may send without an acknowledgement.
pub const PEER_BANDWIDTH: u8 = 6;
/// An audio frame, as in an FLV tag.
pub const AUDIO: u8 = 8;
/// A video frame, as in an FLV tag.
pub const VIDEO: u8 = 9;
/// Data in AMF3.
pub const DATA_AMF3: u8 = 15;
/// A shared object in AMF3.
pub const SHARED_AMF3: u8 = 16;
/// A command in AMF3: mostly AMF0 behind one byte of 0.
pub const COMMAND_AMF3: u8 = 17;
/// Data in AMF0, such as a stream's `onMetaData`.
pub const DATA: u8 = 18;
/// A shared object in AMF0.
pub const SHARED: u8 = 19;
/// A command in AMF0.
pub const COMMAND: u8 = 20;
/// Several messages in one, see [`aggregate`].
pub const AGGREGATE: u8 = 22;

/// How the peer is to take its bandwidth (RTMP 1.0 §5.4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerLimit {
    /// It is the limit.
    Hard = 0,
    /// The limit is this or the one before, whichever is lower.
    Soft = 1,
    /// As hard, if the one before was hard; otherwise nothing.
    Dynamic = 2,
}

/// The payload of Set Chunk Size, in bytes; 1 to 2^31 - 1.
pub fn set_chunk_size(size: u32) -> [u8; 4] {
    size.clamp(1, i32::MAX as u32).to_be_bytes()
}

/// The payload of Abort.
pub fn abort(csid: u32) -> [u8; 4] {
    csid.to_be_bytes()
}

/// The payload of Acknowledgement: the bytes received so far; wraps.
pub fn acknowledgement(received: u32) -> [u8; 4] {
    received.to_be_bytes()
}

/// The payload of Window Acknowledgement Size, in bytes.
pub fn window_ack_size(bytes: u32) -> [u8; 4] {
    bytes.to_be_bytes()
}

/// The payload of Set Peer Bandwidth, in bytes.
pub fn peer_bandwidth(bytes: u32, limit: PeerLimit) -> [u8; 5] {
    let [a, b, c, d] = bytes.to_be_bytes();
    [a, b, c, d, limit as u8]
}

/// The number that the payload of kinds 1 to 3, 5 and 6 begins with; `None`: it is too short.
pub fn number(payload: &[u8]) -> Option<u32> {
    payload.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}
