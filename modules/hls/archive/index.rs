//! An index: a header, and a row for each segment.
//!
//! ```text
//! 0         8       9   12       16      24     32             36            40
//! ┌─────────┬──────┬───┬────────┬───────┬──────┬──────────────┬─────────────┬─────────┬────────┐
//! │"rsHLSix1"│format│reg│version │begun  │first │channel length│tracks length│ channel │ tracks │ rows …
//! └─────────┴──────┴───┴────────┴───────┴──────┴──────────────┴─────────────┴─────────┴────────┘
//! 0        8        16              24     32      36       40                        60                  80
//! ┌────────┬────────┬───────────────┬──────┬───────┬────────┬─────────────────────────┬───────────────────┐
//! │ number │ offset │discontinuities│ wall │fl│slew│ target │ video: len duration …   │ audio: the same   │
//! └────────┴────────┴───────────────┴──────┴───────┴────────┴─────────────────────────┴───────────────────┘
//! ```
//! Numbers are little-endian; `reg` is how long the first segment of the version was, in milliseconds. Of a segment the video is first in the file, then its audio.
//! `slew` is how far `wall` is ahead of the clock that the version began with; in what was written before that was told it is 0.

use proto::fmp4::VIDEO_TIMESCALE;

use crate::part::{Format, Span, Track};
use crate::segmenter::tracks::Tracks;

/// Bytes of a row.
pub const ROW: usize = 80;

const MAGIC: &[u8; 8] = b"rsHLSix1";
const FIXED: usize = 40;

/// What all segments of a file have in common.
#[derive(Clone, Debug)]
pub struct Header {
    /// How they are packed.
    pub format: Format,
    /// Which tracks they have.
    pub version: u32,
    /// When the first segment with these began, in milliseconds of the stream.
    pub begun: u64,
    /// How long that was, in milliseconds.
    pub regular: u32,
    /// The number of the first one in the file.
    pub first: u64,
    /// The stream's name in the zone.
    pub channel: Vec<u8>,
    /// The tracks.
    pub tracks: Tracks,
}

/// A segment in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its number.
    pub msn: u64,
    /// Where it begins.
    pub offset: u64,
    /// Discontinuities before it, its own included.
    pub discontinuities: u64,
    /// When it began, in milliseconds of Unix time.
    pub wall: u64,
    /// Flags of its first part.
    pub flags: u16,
    /// By how much `wall` is ahead of the clock of its version, in milliseconds.
    pub slewed: i16,
    /// The longest that a segment may be, in seconds.
    pub target: u32,
    /// Video, or all of a transport stream.
    pub video: Span,
    /// Audio by itself.
    pub audio: Span,
}

impl Header {
    /// As it stands at the beginning of an index.
    pub fn write(&self) -> Vec<u8> {
        let mut tracks = Vec::new();
        self.tracks.write(&mut tracks);
        let mut out = MAGIC.to_vec();
        out.push(self.format as u8);
        out.extend_from_slice(&self.regular.to_le_bytes()[..3]);
        out.extend_from_slice(&self.version.to_le_bytes());
        out.extend_from_slice(&self.begun.to_le_bytes());
        out.extend_from_slice(&self.first.to_le_bytes());
        out.extend_from_slice(&(self.channel.len() as u32).to_le_bytes());
        out.extend_from_slice(&(tracks.len() as u32).to_le_bytes());
        out.extend_from_slice(&self.channel);
        out.extend_from_slice(&tracks);
        out
    }

    /// Reads it, and gives how long it is. `None`: it is none.
    pub fn read(bytes: &[u8]) -> Option<(Header, usize)> {
        let fixed = bytes.first_chunk::<FIXED>()?;
        let format = match (&fixed[..8] == MAGIC, fixed[8]) {
            (true, 0) => Format::Ts,
            (true, 1) => Format::Cmaf,
            _ => return None,
        };
        let channel = FIXED.checked_add(word(fixed, 32) as usize)?;
        let end = channel.checked_add(word(fixed, 36) as usize)?;
        let (tracks, _) = Tracks::read(bytes.get(channel..end)?)?;
        let header = Header {
            format,
            version: word(fixed, 12),
            begun: long(fixed, 16),
            regular: word(fixed, 8) >> 8,
            first: long(fixed, 24),
            channel: bytes[FIXED..channel].to_vec(),
            tracks,
        };
        Some((header, end))
    }
}

impl Row {
    /// As it stands in an index.
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(ROW);
        for long in [self.msn, self.offset, self.discontinuities, self.wall] {
            out.extend_from_slice(&long.to_le_bytes());
        }
        out.extend_from_slice(&self.flags.to_le_bytes());
        out.extend_from_slice(&self.slewed.to_le_bytes());
        out.extend_from_slice(&self.target.to_le_bytes());
        for span in [self.video, self.audio] {
            for word in [span.len, span.duration, span.frames] {
                out.extend_from_slice(&word.to_le_bytes());
            }
            out.extend_from_slice(&span.base.to_le_bytes());
        }
        out
    }

    /// Reads it. `None`: it is not all there.
    pub fn read(bytes: &[u8]) -> Option<Row> {
        let bytes = bytes.first_chunk::<ROW>()?;
        let span = |at: usize| Span {
            len: word(bytes, at),
            duration: word(bytes, at + 4),
            frames: word(bytes, at + 8),
            base: long(bytes, at + 12),
        };
        Some(Row {
            msn: long(bytes, 0),
            offset: long(bytes, 8),
            discontinuities: long(bytes, 16),
            wall: long(bytes, 24),
            flags: word(bytes, 32) as u16,
            slewed: (word(bytes, 32) >> 16) as i16,
            target: word(bytes, 36),
            video: span(40),
            audio: span(60),
        })
    }

    /// How long it is, in milliseconds. `audio`: units of a second of audio.
    pub fn length(&self, audio: u32) -> u64 {
        let (span, timescale) = match self.video.len {
            0 => (self.audio, audio.max(1)),
            _ => (self.video, VIDEO_TIMESCALE),
        };
        u64::from(span.duration) * 1000 / u64::from(timescale)
    }

    /// Where in the file a track of it is: of a transport stream everything is video.
    pub fn range(&self, track: Track) -> (u64, u64) {
        let (video, audio) = (u64::from(self.video.len), u64::from(self.audio.len));
        match track {
            Track::Video => (self.offset, video),
            Track::Audio => (self.offset + video, audio),
        }
    }

    /// Where the file must reach to have it.
    pub fn end(&self) -> u64 {
        let (at, len) = self.range(Track::Audio);
        at.saturating_add(len)
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from(word(bytes, at)) | u64::from(word(bytes, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::part::{ALONE, INDEPENDENT};

    #[test]
    fn what_is_written_is_read() {
        let header = Header {
            format: Format::Cmaf,
            version: 17,
            begun: 1 << 40,
            regular: 2002,
            first: 1_790_000_000,
            channel: b"live/cam".to_vec(),
            tracks: Tracks::default(),
        };
        let bytes = header.write();
        let (read, len) = Header::read(&bytes).expect("a header");
        assert_eq!((len, read.first, read.channel), (bytes.len(), header.first, header.channel));
        assert_eq!((read.regular, read.version, read.begun), (2002, 17, 1 << 40));
        for cut in 0..bytes.len() {
            assert!(Header::read(&bytes[..cut]).is_none(), "{cut}");
        }
        // Lengths that lie lead nowhere.
        for at in 32..40 {
            let mut other = bytes.clone();
            other[at] = 0xff;
            assert!(Header::read(&other).is_none_or(|(_, len)| len <= other.len()));
        }
        let span = Span { len: 100_000, duration: 45_000, frames: 15, base: 1 << 40 };
        let row = Row {
            msn: 1_790_000_003,
            offset: 1 << 33,
            discontinuities: 29_000_000,
            wall: 1_790_000_000_123,
            flags: INDEPENDENT | ALONE,
            slewed: -70,
            target: 6,
            video: span,
            audio: Span { len: 77, ..span },
        };
        assert_eq!(row.write().len(), ROW);
        assert_eq!(Row::read(&row.write()), Some(row));
        assert_eq!(row.range(Track::Audio), ((1 << 33) + 100_000, 77));
        assert_eq!(Row::read(&row.write()[1..]), None);
    }
}
