//! Sound that waits.

/// A frame that waits: a picture is packed when the next one comes, and sound that goes first would end parts before they
/// have their pictures.
pub struct Held {
    /// Its number in the log of the stream.
    pub seq: u64,
    /// When it begins, in milliseconds of the stream.
    pub at: u64,
    /// The same in units of the track.
    pub base: u64,
    /// How long it is, in these.
    pub samples: u32,
    /// What the codec has made of it.
    pub data: Vec<u8>,
}
