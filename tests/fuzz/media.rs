//! What the targets of media share: tracks and frames out of any bytes.

use proto::media::{AudioCodec, AudioTrack, VideoCodec, VideoTrack};

/// Bytes that are taken from the front. Numbers are big endian, and 0 where nothing is left.
pub struct Input<'a>(pub &'a [u8]);

/// ```text
/// kind (1) time (2) shift (1) offset (1) length (1) bytes
/// ```
pub struct Frame<'a> {
    pub kind: u8,
    pub time: u64,
    pub offset: i32,
    pub bytes: &'a [u8],
}

impl<'a> Input<'a> {
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// A length, and as many bytes, if they are there.
    pub fn bytes(&mut self) -> &'a [u8] {
        let len = usize::from(self.byte()).min(self.0.len());
        let (bytes, rest) = self.0.split_at(len);
        self.0 = rest;
        bytes
    }

    pub fn frame(&mut self) -> Option<Frame<'a>> {
        if self.0.is_empty() {
            return None;
        }
        let (kind, high, low) = (self.byte(), self.byte(), self.byte());
        // Any time up to the greatest.
        let time = u64::from(u16::from_be_bytes([high, low])) << (self.byte() & 63);
        let offset = i32::from(self.byte() as i8) << 24 >> (kind >> 4);
        Some(Frame { kind, time, offset, bytes: self.bytes() })
    }
}

/// ```text
/// codec (1) length (1) sequence header
/// ```
pub fn video(input: &mut Input<'_>) -> Option<VideoTrack> {
    let codec = match input.byte() {
        1 => VideoCodec::Avc,
        2 => VideoCodec::Hevc,
        3 => VideoCodec::Av1,
        4 => VideoCodec::Vp9,
        _ => VideoCodec::Legacy(2),
    };
    let track = VideoTrack::of(codec, input.bytes())?;
    assert!(!track.rfc6381().is_empty());
    assert!(track.parameter_sets().map(<[u8]>::len).sum::<usize>() <= track.config.len());
    Some(track)
}

/// The same of sound; for codecs without a sequence header it is a frame.
pub fn audio(input: &mut Input<'_>) -> Option<AudioTrack> {
    let codec = match input.byte() {
        1 => AudioCodec::Aac,
        2 => AudioCodec::Mp3,
        3 => AudioCodec::Opus,
        4 => AudioCodec::Flac,
        5 => AudioCodec::Ac3,
        6 => AudioCodec::Eac3,
        _ => AudioCodec::Legacy(0),
    };
    let header = input.bytes();
    let track = AudioTrack::of_frame(codec, header);
    let track = track.or_else(|| AudioTrack::of(codec, header, 22_050, 1))?;
    assert!(track.timescale() > 0 && track.channels > 0 && !track.rfc6381().is_empty());
    Some(track)
}
