//! What a record of the `hls_zone` is: a part of a stream, all of its tracks in it.
//!
//! ```text
//! 0    1      2     4    8   16              24   32          40          48     52          56      60    68         73
//! ┌────┬──────┬─────┬────┬───┬───────────────┬────┬───────────┬───────────┬──────┬───────────┬───────┬─────┬──────────┬───────┐
//! │kind│format│flags│part│msn│discontinuities│wall│video upto │audio upto │target│part target│version│begun│continuity│regular│
//! └────┴──────┴─────┴────┴───┴───────────────┴────┴───────────┴───────────┴──────┴───────────┴───────┴─────┴──────────┴───────┘
//! 76            80       84     88   96            100      104    108   116    120
//! ┌─────────────┬────────┬──────┬────┬─────────────┬────────┬──────┬─────┬──────┬────────┬───────┬───────┐
//! │video: length│duration│frames│base│audio: length│duration│frames│base │slewed│ tracks │ video │ audio │
//! └─────────────┴────────┴──────┴────┴─────────────┴────────┴──────┴─────┴──────┴────────┴───────┴───────┘
//! ```
//! A segment is its parts in a row. Numbers are little-endian. `tracks`, in the first part of a segment alone, is what a
//! decoder needs ([`Tracks`](crate::segmenter::tracks::Tracks)): with it every segment is complete in itself, and so is
//! what whoever goes on must know. Behind that, in any part, stand cues ([`Cues`](crate::cue::Cues)), where there are some.
//! Of a transport stream, `video` is all there is.

/// Bytes of the part that all records have.
pub const FIXED: usize = 120;
/// What a record begins with: another one had another form.
const KIND: u8 = 2;

const REGULAR_MAX: u32 = (1 << 24) - 1;

/// A group of pictures begins in it.
pub const INDEPENDENT: u16 = 1;
/// What comes before has another clock, other codecs, or is missing.
pub const DISCONTINUITY: u16 = 2;
/// It is the last of its segment.
pub const LAST: u16 = 4;
/// The stream ends with it; there is nothing else in it.
pub const ENDED: u16 = 8;
/// What comes before its segment is not shown any more.
pub const ALONE: u16 = 16;
/// Its first picture needs what comes before it, also where a group begins behind that.
pub const CONTINUES: u16 = 32;

/// How media is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// MPEG-TS.
    Ts = 0,
    /// CMAF: fragmented MP4, a track in each.
    Cmaf = 1,
}

/// Which of a stream's tracks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Track {
    /// Video; of a transport stream everything.
    Video,
    /// Audio by itself.
    Audio,
}

impl Track {
    /// What names of its resources begin with.
    pub fn stem(self) -> &'static str {
        match self {
            Track::Video => "video",
            Track::Audio => "audio",
        }
    }
}

/// One track's share of a part, or of a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Bytes.
    pub len: u32,
    /// How long it is, in the track's units.
    pub duration: u32,
    /// How many frames there are.
    pub frames: u32,
    /// When it begins, in the track's units.
    pub base: u64,
}

/// What is known of a part without looking at its media.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// How its media is packed.
    pub format: Format,
    /// [`INDEPENDENT`] and the others.
    pub flags: u16,
    /// Its number in its segment.
    pub part: u32,
    /// Its segment's number (media sequence number).
    pub msn: u64,
    /// Discontinuities before this segment, its own included.
    pub discontinuities: u64,
    /// When its first frame was, in milliseconds of Unix time.
    pub wall: u64,
    /// By how much that is later, in milliseconds, than if the clocks of the publisher and of the server had not parted since
    /// these tracks began; earlier, if these would have begun before what came before has ended. Of an end: how much later that
    /// is than what came before has ended.
    pub slewed: i32,
    /// Up to which record of the stream its video was muxed.
    pub video_upto: u64,
    /// The same of audio.
    pub audio_upto: u64,
    /// The longest that a segment may be, in seconds; 0: that is not decided yet.
    pub target: u32,
    /// The longest that a part may be, in milliseconds; 0: parts are not shown.
    pub part_target: u32,
    /// Which tracks these are: the number, cut to 32 bits, of the first segment that had them.
    pub version: u32,
    /// When the first segment that had them began, in milliseconds of the stream.
    pub begun: u64,
    /// Counters of a transport stream.
    pub continuity: [u8; 5],
    /// How long the first segment with these tracks was, in milliseconds, less than 2²⁴; 0: that is not known yet. The others
    /// are as long, if the encoder's key frames are regular.
    pub regular: u32,
    /// Video; of a transport stream everything.
    pub video: Span,
    /// Audio, if that is by itself.
    pub audio: Span,
}

impl Head {
    /// As it lies in the log.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[KIND, self.format as u8]);
        out.extend_from_slice(&self.flags.to_le_bytes());
        out.extend_from_slice(&self.part.to_le_bytes());
        let longs = [self.msn, self.discontinuities, self.wall, self.video_upto, self.audio_upto];
        longs.iter().for_each(|long| out.extend_from_slice(&long.to_le_bytes()));
        let words = [self.target, self.part_target, self.version];
        words.iter().for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
        out.extend_from_slice(&self.begun.to_le_bytes());
        out.extend_from_slice(&self.continuity);
        out.extend_from_slice(&self.regular.min(REGULAR_MAX).to_le_bytes()[..3]);
        for span in [self.video, self.audio] {
            out.extend_from_slice(&span.len.to_le_bytes());
            out.extend_from_slice(&span.duration.to_le_bytes());
            out.extend_from_slice(&span.frames.to_le_bytes());
            out.extend_from_slice(&span.base.to_le_bytes());
        }
        out.extend_from_slice(&self.slewed.to_le_bytes());
    }

    /// Reads it; `None`: it is none.
    pub fn read(bytes: &[u8]) -> Option<Head> {
        let bytes = bytes.first_chunk::<FIXED>()?;
        let word = |at: usize| {
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let long = |at: usize| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
        let format = match bytes[..2] {
            [KIND, 0] => Format::Ts,
            [KIND, 1] => Format::Cmaf,
            _ => return None,
        };
        let mut continuity = [0; 5];
        continuity.copy_from_slice(&bytes[68..73]);
        let span = |at: usize| Span {
            len: word(at),
            duration: word(at + 4),
            frames: word(at + 8),
            base: long(at + 12),
        };
        Some(Head {
            format,
            flags: u16::from_le_bytes([bytes[2], bytes[3]]),
            part: word(4),
            msn: long(8),
            discontinuities: long(16),
            wall: long(24),
            slewed: word(116) as i32,
            video_upto: long(32),
            audio_upto: long(40),
            target: word(48),
            part_target: word(52),
            version: word(56),
            begun: long(60),
            continuity,
            regular: u32::from_le_bytes([bytes[73], bytes[74], bytes[75], 0]),
            video: span(76),
            audio: span(96),
        })
    }

    /// Whether one of the flags is set.
    pub fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let head = Head {
            format: Format::Cmaf,
            flags: INDEPENDENT | LAST,
            part: 7,
            msn: 1_790_000_000,
            discontinuities: 29_000_000,
            wall: 1_790_000_000_123,
            slewed: -70_000,
            video_upto: u64::MAX - 1,
            audio_upto: 3,
            target: 6,
            part_target: 505,
            version: 2,
            begun: 77_000,
            continuity: [1, 2, 3, 4, 5],
            regular: 2002,
            video: Span { len: 100_000, duration: 45_000, frames: 15, base: 1 << 40 },
            audio: Span { len: 8_000, duration: 24_000, frames: 23, base: 1 << 39 },
        };
        let mut bytes = Vec::new();
        head.write(&mut bytes);
        assert_eq!(bytes.len(), FIXED);
        assert_eq!(Head::read(&bytes), Some(head));
        assert_eq!(Head::read(&bytes[..FIXED - 1]), None);
        bytes[1] = 9;
        assert_eq!(Head::read(&bytes), None);
    }
}
