//! The pictures of a stream.

use super::{Sets, VideoCodec, av1, hevc, name, vp9};
use crate::flv::avc;

/// A video track.
#[derive(Clone, Debug, PartialEq)]
pub struct VideoTrack {
    /// How it is coded.
    pub codec: VideoCodec,
    /// What a decoder needs first, as in the sequence header: `avcC`, `hvcC`, `av1C`, `vpcC`.
    pub config: Vec<u8>,
    /// Width and height in pixels; 0: not told there. Of VP9 a key frame tells, see
    /// [`VideoTrack::see`].
    pub size: (u32, u32),
    /// Frames a second; 0: not known.
    pub frame_rate: f64,
}

impl VideoTrack {
    /// The track that a sequence header announces; `None`: it is damaged, or of a codec that segments have no place for.
    pub fn of(codec: VideoCodec, config: &[u8]) -> Option<VideoTrack> {
        name::video(codec, config)?;
        let mut track =
            VideoTrack { codec, config: config.to_vec(), size: (0, 0), frame_rate: 0.0 };
        let mut sets = track.parameter_sets();
        let size = match codec {
            VideoCodec::Av1 => av1::size(config),
            VideoCodec::Hevc => sets.find_map(hevc::size),
            _ => sets.clone().find_map(avc::size),
        };
        let rate = if codec == VideoCodec::Avc { sets.find_map(avc::frame_rate) } else { None };
        (track.size, track.frame_rate) = (size.unwrap_or_default(), rate.unwrap_or_default());
        Some(track)
    }

    /// The codec's name for playlists; empty: the configuration is not one of [`VideoTrack::of`].
    pub fn rfc6381(&self) -> String {
        name::video(self.codec, &self.config).unwrap_or_default()
    }

    /// A sequence header that says the same: nothing changes for decoders.
    pub fn is_same_as(&self, other: &VideoTrack) -> bool {
        self.codec == other.codec && self.config == other.config
    }

    /// Looks at a key frame, where the configuration does not tell the size.
    pub fn see(&mut self, frame: &[u8]) {
        if self.codec == VideoCodec::Vp9 {
            self.size = vp9::size(frame).unwrap_or(self.size);
        }
    }

    /// The parameter sets in the configuration of H.264 and H.265; others have none.
    pub fn parameter_sets(&self) -> Sets<'_> {
        match self.codec {
            VideoCodec::Avc => Sets::of_avc(&self.config),
            VideoCodec::Hevc => Sets::of_hevc(&self.config),
            _ => Sets::none(),
        }
    }

    /// How many bytes the length before a unit has, in frames of H.264 and H.265; 0: frames have no such units.
    pub fn length_size(&self) -> u8 {
        let at = match self.codec {
            VideoCodec::Avc => 4,
            VideoCodec::Hevc => 21,
            _ => return 0,
        };
        self.config.get(at).map_or(4, |byte| (byte & 3) + 1)
    }

    /// The content of MP4's configuration box; for VP9 without version and flags, which belong to the box.
    pub fn record(&self) -> &[u8] {
        if self.codec == VideoCodec::Vp9 { vp9::record(&self.config) } else { &self.config }
    }
}
