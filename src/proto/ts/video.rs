//! What a picture is in a transport stream: units after start codes, with what a decoder needs to begin there.

use super::tables::{self, Stream};
use crate::media::{Units, VideoCodec, VideoTrack, hevc};

const START: [u8; 4] = [0, 0, 0, 1];

/// The delimiters of access units, which say that any kind of slice may follow.
const AVC_DELIMITER: &[u8] = &[0, 0, 0, 1, 0x09, 0xF0];
const HEVC_DELIMITER: &[u8] = &[0, 0, 0, 1, 0x46, 0x01, 0x50];

/// A video track, as it is written.
#[derive(Clone, Debug)]
pub(super) struct Video {
    hevc: bool,
    length_size: u8,
    /// The parameter sets of the sequence header, each after a start code.
    sets: Vec<u8>,
}

/// What a unit is for whoever writes it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Delimiter,
    /// A parameter set, as a bit.
    Set(u8),
    /// A picture that decoding can begin with.
    Key,
    Other,
}

/// What a frame will be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Picture<'a> {
    units: &'a [u8],
    with_sets: bool,
    /// Decoding can begin here.
    pub key: bool,
    /// Bytes that will be put.
    pub len: usize,
}

impl Video {
    /// `None`: it has no place in transport streams.
    pub(super) fn of(track: &VideoTrack) -> Option<Video> {
        let hevc = match track.codec {
            VideoCodec::Avc => false,
            VideoCodec::Hevc => true,
            _ => return None,
        };
        let mut sets = Vec::new();
        for set in track.parameter_sets() {
            sets.extend_from_slice(&START);
            sets.extend_from_slice(set);
        }
        Some(Video { hevc, length_size: track.length_size(), sets })
    }

    pub(super) fn stream(&self) -> Stream {
        let kind = if self.hevc { 0x24 } else { 0x1B };
        Stream { pid: tables::VIDEO, kind, registration: None }
    }

    /// Looks through a frame; `None`: there is nothing in it.
    pub(super) fn picture<'a>(&self, frame: &'a [u8], key: bool) -> Option<Picture<'a>> {
        let (mut len, mut sets, mut key) = (0, 0, key);
        for unit in Units::of(frame, self.length_size) {
            match self.kind(unit) {
                Kind::Delimiter => continue,
                Kind::Set(bit) => sets |= bit,
                Kind::Key => key = true,
                Kind::Other => {}
            }
            len += START.len() + unit.len();
        }
        if len == 0 {
            return None;
        }
        let all = if self.hevc { 7 } else { 3 };
        let with_sets = key && sets != all;
        len += self.delimiter().len() + if with_sets { self.sets.len() } else { 0 };
        Some(Picture { units: frame, with_sets, key, len })
    }

    /// Gives the picture, piece by piece.
    pub(super) fn write(&self, picture: &Picture<'_>, mut put: impl FnMut(&[u8])) {
        put(self.delimiter());
        if picture.with_sets {
            put(&self.sets);
        }
        for unit in Units::of(picture.units, self.length_size) {
            if self.kind(unit) != Kind::Delimiter {
                put(&START);
                put(unit);
            }
        }
    }

    fn delimiter(&self) -> &'static [u8] {
        if self.hevc { HEVC_DELIMITER } else { AVC_DELIMITER }
    }

    fn kind(&self, unit: &[u8]) -> Kind {
        if self.hevc {
            return match hevc::kind(unit) {
                Some(35) => Kind::Delimiter,
                Some(kind @ hevc::VPS..=hevc::PPS) => Kind::Set(1 << (kind - hevc::VPS)),
                Some(16..=23) => Kind::Key,
                _ => Kind::Other,
            };
        }
        match unit.first().map(|first| first & 0x1F) {
            Some(9) => Kind::Delimiter,
            Some(7) => Kind::Set(1),
            Some(8) => Kind::Set(2),
            Some(5) => Kind::Key,
            _ => Kind::Other,
        }
    }
}
