//! What goes on from segment to segment.

/// Counters of packets, by which a receiver knows that none is missing, and the version of the program's table. Whoever goes
/// on with a stream goes on with them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Continuity {
    /// Of the table of programs.
    pub pat: u8,
    /// Of the program's table.
    pub pmt: u8,
    /// Of the pictures.
    pub video: u8,
    /// Of the sound.
    pub audio: u8,
    /// The program's version: one more when its tracks are others.
    pub version: u8,
}

impl Continuity {
    /// As bytes, for a record.
    pub fn to_bytes(self) -> [u8; 5] {
        [self.pat, self.pmt, self.video, self.audio, self.version]
    }

    /// From such bytes.
    pub fn from_bytes([pat, pmt, video, audio, version]: [u8; 5]) -> Continuity {
        Continuity { pat, pmt, video, audio, version }
    }
}
