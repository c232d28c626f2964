//! Codecs' names for playlists and for `MediaSource` (RFC 6381 and each codec's own book).
//!
//! | | |
//! |---|---|
//! | H.264 | `avc1.PPCCLL`: profile, constraints, level in hexadecimal |
//! | H.265 | `hvc1.1.6.L93.B0`: see [`hevc`] |
//! | AV1, VP9 | `av01.0.04M.08`, `vp09.00.31.08`: profile, level, depth |
//! | AAC, MP3 | `mp4a.40.` and the object type |
//! | others | `Opus`, `fLaC`, `ac-3`, `ec-3` |

use super::{AudioCodec, VideoCodec, av1, hevc, vp9};
use crate::flv::{aac, avc};

/// A video codec's, out of its configuration; `None`: it is none, or one that players have no name for.
pub(super) fn video(codec: VideoCodec, config: &[u8]) -> Option<String> {
    match codec {
        VideoCodec::Avc => {
            let avc::Config { profile, compatibility, level, .. } = avc::Config::of(config)?;
            Some(format!("avc1.{profile:02x}{compatibility:02x}{level:02x}"))
        }
        VideoCodec::Hevc => hevc::name(config),
        VideoCodec::Av1 => av1::name(config),
        VideoCodec::Vp9 => vp9::name(config),
        _ => None,
    }
}

/// An audio codec's; empty: it has none.
pub(super) fn audio(codec: AudioCodec, config: &[u8]) -> String {
    match codec {
        AudioCodec::Aac => match aac::Config::of(config) {
            Some(config) if config.ps => "mp4a.40.29".to_owned(),
            Some(config) if config.sbr => "mp4a.40.5".to_owned(),
            Some(config) => format!("mp4a.40.{}", config.profile),
            None => String::new(),
        },
        AudioCodec::Mp3 => "mp4a.40.34".to_owned(),
        AudioCodec::Opus => "Opus".to_owned(),
        AudioCodec::Flac => "fLaC".to_owned(),
        AudioCodec::Ac3 => "ac-3".to_owned(),
        AudioCodec::Eac3 => "ec-3".to_owned(),
        AudioCodec::Legacy(_) | AudioCodec::Other(_) => String::new(),
    }
}
