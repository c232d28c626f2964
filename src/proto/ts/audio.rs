//! What sound is in a transport stream: frames in a row, those of AAC each after a header.

use super::adts;
use super::tables::{self, Stream};
use crate::flv::aac;
use crate::media::{AudioCodec, AudioTrack};

/// What a PES packet has room for behind its header: its length has 16 bits.
const LONGEST: usize = 0xFFFF - 8;

/// An audio track, as it is written.
#[derive(Clone, Debug)]
pub(super) struct Audio {
    track: AudioTrack,
    adts: Option<[u8; adts::LEN]>,
}

impl Audio {
    /// `None`: it has no place in transport streams.
    pub(super) fn of(track: &AudioTrack) -> Option<Audio> {
        let adts = match track.codec {
            AudioCodec::Aac => Some(adts::of(&aac::Config::of(&track.config)?)?),
            AudioCodec::Mp3 | AudioCodec::Ac3 | AudioCodec::Eac3 => None,
            _ => return None,
        };
        (track.timescale() > 0).then(|| Audio { track: track.clone(), adts })
    }

    pub(super) fn stream(&self) -> Stream {
        let (kind, registration) = match self.track.codec {
            AudioCodec::Aac => (0x0F, None),
            AudioCodec::Ac3 => (0x81, Some(*b"AC-3")),
            AudioCodec::Eac3 => (0x87, Some(*b"EAC3")),
            // Low rates are MPEG-2's.
            _ => (if self.track.rate < 32_000 { 0x04 } else { 0x03 }, None),
        };
        Stream { pid: tables::AUDIO, kind, registration }
    }

    /// The number that a PES packet has for what is in it: audio, or what is none of ISO's.
    pub(super) fn stream_id(&self) -> u8 {
        match self.track.codec {
            AudioCodec::Ac3 | AudioCodec::Eac3 => 0xBD,
            _ => 0xC0,
        }
    }

    /// Bytes of a frame with its header; `None`: it is empty, or longer than they can tell.
    fn len(&self, frame: &[u8]) -> Option<usize> {
        let (head, longest) = match self.adts {
            Some(_) => (adts::LEN, adts::LONGEST),
            None => (0, LONGEST),
        };
        (!frame.is_empty() && frame.len() <= longest - head).then_some(head + frame.len())
    }

    /// Of these frames, how many one PES packet takes, its bytes, and how long they last in ticks of 90 kHz.
    pub(super) fn fit(&self, frames: &[&[u8]]) -> (usize, usize, u64) {
        let (mut count, mut len, mut samples) = (0, 0, 0);
        for frame in frames {
            let more = self.len(frame).unwrap_or(0);
            if len + more > LONGEST {
                break;
            }
            (count, len) = (count + 1, len + more);
            samples += u64::from(self.track.samples(frame));
        }
        (count, len, samples * 90_000 / u64::from(self.track.timescale()))
    }

    /// Gives the frames, piece by piece.
    pub(super) fn write(&self, frames: &[&[u8]], mut put: impl FnMut(&[u8])) {
        for frame in frames.iter().filter(|frame| self.len(frame).is_some()) {
            if let Some(header) = self.adts {
                put(&adts::with_length(header, frame.len()));
            }
            put(frame);
        }
    }
}
