//! Audio payloads.

use super::extended::{self, Extended, SEQUENCE_END, SEQUENCE_START};

/// How audio is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AudioCodec {
    /// AAC: format 10 or `mp4a`.
    Aac,
    /// MP3: format 2 or `.mp3`.
    Mp3,
    /// Opus: `Opus`.
    Opus,
    /// FLAC: `fLaC`.
    Flac,
    /// AC-3: `ac-3`.
    Ac3,
    /// Enhanced AC-3: `ec-3`.
    Eac3,
    /// Another format of FLV's.
    Legacy(u8),
    /// Another FourCC.
    Other([u8; 4]),
}

impl AudioCodec {
    /// The codec's name, as nginx-rtmp's pages have it; empty: not known.
    pub fn name(&self) -> &'static str {
        match self {
            AudioCodec::Aac => "AAC",
            AudioCodec::Mp3 => "MP3",
            AudioCodec::Opus => "Opus",
            AudioCodec::Flac => "FLAC",
            AudioCodec::Ac3 => "AC-3",
            AudioCodec::Eac3 => "E-AC-3",
            AudioCodec::Legacy(0) => "PCM",
            AudioCodec::Legacy(1) => "ADPCM",
            AudioCodec::Legacy(3) => "LinearLE",
            AudioCodec::Legacy(4) => "Nellymoser16",
            AudioCodec::Legacy(5) => "Nellymoser8",
            AudioCodec::Legacy(6) => "Nellymoser",
            AudioCodec::Legacy(7) => "G711A",
            AudioCodec::Legacy(8) => "G711U",
            AudioCodec::Legacy(11) => "Speex",
            AudioCodec::Legacy(14) => "MP3-8K",
            AudioCodec::Legacy(15) => "DeviceSpecific",
            AudioCodec::Legacy(_) | AudioCodec::Other(_) => "",
        }
    }

    /// The number that metadata have for it: that of the tags, or its FourCC.
    pub fn flv_id(&self) -> u32 {
        let code = match self {
            AudioCodec::Aac => return 10,
            AudioCodec::Mp3 => return 2,
            AudioCodec::Legacy(format) => return u32::from(*format),
            AudioCodec::Opus => b"Opus",
            AudioCodec::Flac => b"fLaC",
            AudioCodec::Ac3 => b"ac-3",
            AudioCodec::Eac3 => b"ec-3",
            AudioCodec::Other(code) => code,
        };
        u32::from_be_bytes(*code)
    }

    fn of_format(format: u8) -> AudioCodec {
        match format {
            2 => AudioCodec::Mp3,
            10 => AudioCodec::Aac,
            format => AudioCodec::Legacy(format),
        }
    }

    fn of_four(code: [u8; 4]) -> AudioCodec {
        match &code {
            b"mp4a" => AudioCodec::Aac,
            b".mp3" => AudioCodec::Mp3,
            b"Opus" => AudioCodec::Opus,
            b"fLaC" => AudioCodec::Flac,
            b"ac-3" => AudioCodec::Ac3,
            b"ec-3" => AudioCodec::Eac3,
            _ => AudioCodec::Other(code),
        }
    }
}

/// What an audio payload is. With none of the flags it is a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audio {
    /// How it is coded.
    pub codec: AudioCodec,
    /// A sequence header: what a decoder needs before all frames.
    pub header: bool,
    /// The end of a sequence.
    pub end: bool,
    /// No sound, but which channel is which loudspeaker.
    pub metadata: bool,
    /// It has tracks; the rest is told of the first.
    pub tracks: bool,
    /// The first track's number; 0 without tracks.
    pub track: u8,
    /// The header is Enhanced RTMP's.
    pub extended: bool,
    /// Samples a second; 0: the codec's own header tells.
    pub rate: u32,
    /// Channels; 0: the codec's own header tells.
    pub channels: u8,
    /// Where the codec's own data begins in the payload.
    pub body: usize,
}

const EXTENDED: u8 = 9;

const MULTICHANNEL_CONFIG: u8 = 4;
const MULTITRACK: u8 = 5;

impl Audio {
    /// Looks at a payload; `None`: it is empty, or an extended header is cut short or makes no sense.
    pub fn of(payload: &[u8]) -> Option<Audio> {
        let first = *payload.first()?;
        match first >> 4 {
            EXTENDED => Audio::extended(payload),
            format => Some(Audio::legacy(payload, first, format)),
        }
    }

    fn legacy(payload: &[u8], first: u8, format: u8) -> Audio {
        let codec = AudioCodec::of_format(format);
        let aac = codec == AudioCodec::Aac;
        // What the bits say is not true of all formats (FLV 10.1 §E.4.2.1).
        let (rate, channels) = match format {
            10 => (0, 0),
            4 | 11 => (16_000, 1),
            5 => (8_000, 1),
            7 | 8 | 14 => (8_000, (first & 1) + 1),
            _ => ([5_512, 11_025, 22_050, 44_100][usize::from(first >> 2 & 3)], (first & 1) + 1),
        };
        Audio {
            codec,
            header: aac && payload.get(1) == Some(&0),
            end: false,
            metadata: false,
            tracks: false,
            track: 0,
            extended: false,
            rate,
            channels,
            body: if aac { 2 } else { 1 }.min(payload.len()),
        }
    }

    fn extended(payload: &[u8]) -> Option<Audio> {
        let start = extended::packet(payload)?;
        let Extended { packet, codec, tracks, track, body } =
            extended::header(payload, start, MULTITRACK)?;
        Some(Audio {
            codec: AudioCodec::of_four(codec),
            header: packet == SEQUENCE_START,
            end: packet == SEQUENCE_END,
            metadata: packet == MULTICHANNEL_CONFIG,
            tracks,
            track,
            extended: true,
            rate: 0,
            channels: 0,
            body,
        })
    }
}
