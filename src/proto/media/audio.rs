//! The sound of a stream.

use std::ops::RangeInclusive;

use super::{AudioCodec, ac3, mp3, name};
use crate::flv::{aac, sound};

/// An audio track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioTrack {
    /// How it is coded.
    pub codec: AudioCodec,
    /// What a decoder needs first, as in the sequence header: AudioSpecificConfig, OpusHead, `fLaC` and STREAMINFO. Empty
    /// for MP3; for AC-3 and E-AC-3 what `dac3` and `dec3` have, out of the first frame.
    pub config: Vec<u8>,
    /// Samples a second, what spectral band replication adds included.
    pub rate: u32,
    /// Loudspeakers.
    pub channels: u8,
}

/// Samples a second that there are: what a header says otherwise is no sound, and times that are counted in it would be none.
const RATES: RangeInclusive<u32> = 4_000..=384_000;

impl AudioTrack {
    /// The track that a sequence header announces. Rate and channels are those of the tag, for what has no sequence header;
    /// `None`: it is damaged, has a rate that no sound has, or is of a codec that segments have no place for.
    pub fn of(codec: AudioCodec, config: &[u8], rate: u32, channels: u8) -> Option<AudioTrack> {
        let (rate, channels) = match codec {
            AudioCodec::Aac => {
                let config = aac::Config::of(config)?;
                let told = if config.ps { 2 } else { config.channels };
                (config.rate, if told == 0 { 2 } else { told })
            }
            AudioCodec::Opus => sound::opus(config).map(|sound| (sound.rate, sound.channels))?,
            AudioCodec::Flac => sound::flac(config).map(|sound| (sound.rate, sound.channels))?,
            AudioCodec::Mp3 | AudioCodec::Ac3 | AudioCodec::Eac3 => (rate, channels),
            AudioCodec::Legacy(_) | AudioCodec::Other(_) => return None,
        };
        let track = AudioTrack { codec, config: config.to_vec(), rate, channels };
        (RATES.contains(&rate) && channels > 0).then_some(track)
    }

    /// The track that a frame is of, where frames tell and there is no sequence header: MP3, AC-3, E-AC-3.
    pub fn of_frame(codec: AudioCodec, frame: &[u8]) -> Option<AudioTrack> {
        let (rate, channels, config) = match codec {
            AudioCodec::Mp3 => {
                let header = mp3::Header::of(frame)?;
                (header.rate, header.channels, Vec::new())
            }
            AudioCodec::Ac3 | AudioCodec::Eac3 => {
                let header = ac3::Header::of(frame)?;
                if header.enhanced != (codec == AudioCodec::Eac3) {
                    return None;
                }
                (header.rate, header.channels, header.config)
            }
            _ => return None,
        };
        Some(AudioTrack { codec, config, rate, channels })
    }

    /// The codec's name for playlists.
    pub fn rfc6381(&self) -> String {
        name::audio(self.codec, &self.config)
    }

    /// A sequence header that says the same: nothing changes for decoders.
    pub fn is_same_as(&self, other: &AudioTrack) -> bool {
        self == other
    }

    /// Samples of a frame, at [`AudioTrack::timescale`]; 0: it is none.
    pub fn samples(&self, frame: &[u8]) -> u32 {
        match self.codec {
            AudioCodec::Aac => {
                aac::Config::of(&self.config).map_or(1024, |config| config.samples())
            }
            AudioCodec::Mp3 => mp3::Header::of(frame).map_or(1152, |header| header.samples),
            AudioCodec::Opus => sound::opus_samples(frame),
            AudioCodec::Flac => sound::flac_samples(frame).unwrap_or(0),
            AudioCodec::Ac3 | AudioCodec::Eac3 => {
                ac3::Header::of(frame).map_or(1536, |header| header.samples)
            }
            AudioCodec::Legacy(_) | AudioCodec::Other(_) => 0,
        }
    }

    /// Ticks a second of its times: samples.
    pub fn timescale(&self) -> u32 {
        self.rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_that_no_sound_has_is_no_track() {
        // AAC-LC, its rate in 24 bits: 1, 3999, 4000, 384000, and more than that.
        for (rate, known) in
            [(1_u32, false), (3999, false), (4000, true), (384_000, true), (1 << 23, false)]
        {
            let bits = (2_u64 << 4 | 15) << 28 | u64::from(rate) << 4 | 1;
            let config = (bits << 3).to_be_bytes();
            let track = AudioTrack::of(AudioCodec::Aac, &config[3..], 0, 0);
            assert_eq!(track.map(|track| track.rate), known.then_some(rate), "{rate}");
        }
        assert_eq!(
            AudioTrack::of(AudioCodec::Mp3, &[], 44_100, 2).map(|track| track.rate),
            Some(44_100)
        );
    }
}
