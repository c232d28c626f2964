//! Video payloads.

use super::extended::{self, CODED_FRAMES, Extended, SEQUENCE_END, SEQUENCE_START};

/// How video is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VideoCodec {
    /// H.264: codec 7 or `avc1`.
    Avc,
    /// H.265: codec 12, as Chinese encoders have it, or `hvc1`.
    Hevc,
    /// H.266: `vvc1`.
    Vvc,
    /// AV1: `av01`.
    Av1,
    /// VP8: `vp08`.
    Vp8,
    /// VP9: `vp09`.
    Vp9,
    /// Another number of FLV's.
    Legacy(u8),
    /// Another FourCC.
    Other([u8; 4]),
}

impl VideoCodec {
    /// The codec's name, as nginx-rtmp's pages have it; empty: not known.
    pub fn name(&self) -> &'static str {
        match self {
            VideoCodec::Avc => "H264",
            VideoCodec::Hevc => "H265",
            VideoCodec::Vvc => "H266",
            VideoCodec::Av1 => "AV1",
            VideoCodec::Vp8 => "VP8",
            VideoCodec::Vp9 => "VP9",
            VideoCodec::Legacy(1) => "Jpeg",
            VideoCodec::Legacy(2) => "Sorenson-H263",
            VideoCodec::Legacy(3) => "ScreenVideo",
            VideoCodec::Legacy(4) => "On2-VP6",
            VideoCodec::Legacy(5) => "On2-VP6-Alpha",
            VideoCodec::Legacy(6) => "ScreenVideo2",
            VideoCodec::Legacy(_) | VideoCodec::Other(_) => "",
        }
    }

    /// The number that metadata have for it: that of the tags, or its FourCC.
    pub fn flv_id(&self) -> u32 {
        let code = match self {
            VideoCodec::Avc => return 7,
            VideoCodec::Legacy(id) => return u32::from(*id),
            VideoCodec::Hevc => b"hvc1",
            VideoCodec::Vvc => b"vvc1",
            VideoCodec::Av1 => b"av01",
            VideoCodec::Vp8 => b"vp08",
            VideoCodec::Vp9 => b"vp09",
            VideoCodec::Other(code) => code,
        };
        u32::from_be_bytes(*code)
    }

    fn of_id(id: u8) -> VideoCodec {
        match id {
            7 => VideoCodec::Avc,
            12 => VideoCodec::Hevc,
            id => VideoCodec::Legacy(id),
        }
    }

    fn of_four(code: [u8; 4]) -> VideoCodec {
        match &code {
            b"avc1" => VideoCodec::Avc,
            b"hvc1" => VideoCodec::Hevc,
            b"vvc1" => VideoCodec::Vvc,
            b"av01" => VideoCodec::Av1,
            b"vp08" => VideoCodec::Vp8,
            b"vp09" => VideoCodec::Vp9,
            _ => VideoCodec::Other(code),
        }
    }
}

/// What a video payload is. With none of the flags it is a frame that needs those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Video {
    /// How it is coded.
    pub codec: VideoCodec,
    /// A frame that decoding can begin with.
    pub key: bool,
    /// A sequence header: what a decoder needs before all frames.
    pub header: bool,
    /// The end of a sequence.
    pub end: bool,
    /// A frame that no other needs.
    pub disposable: bool,
    /// No picture, but what is to be known about them: HDR metadata, or a command of a server's.
    pub metadata: bool,
    /// It has tracks; the rest is told of the first.
    pub tracks: bool,
    /// The first track's number; 0 without tracks.
    pub track: u8,
    /// The header is Enhanced RTMP's.
    pub extended: bool,
    /// How many milliseconds after its timestamp the picture is shown; may be negative.
    pub composition: i32,
    /// Where the codec's own data begins in the payload.
    pub body: usize,
}

const KEY: u8 = 1;
const DISPOSABLE: u8 = 3;
const COMMAND: u8 = 5;

const CODED_FRAMES_X: u8 = 3;
const METADATA: u8 = 4;
const MPEG2TS_SEQUENCE_START: u8 = 5;
const MULTITRACK: u8 = 6;

impl Video {
    /// Looks at a payload; `None`: it is empty, or an extended header is cut short or makes no sense.
    pub fn of(payload: &[u8]) -> Option<Video> {
        let first = *payload.first()?;
        if first & 0x80 == 0 {
            Some(Video::legacy(payload, first))
        } else {
            Video::extended(payload, first)
        }
    }

    fn legacy(payload: &[u8], first: u8) -> Video {
        let (frame, codec) = (first >> 4, VideoCodec::of_id(first & 15));
        let packets = matches!(codec, VideoCodec::Avc | VideoCodec::Hevc);
        // Those without packet types have frames only.
        let packet = if packets { payload.get(1).copied() } else { Some(CODED_FRAMES) };
        let metadata = frame == COMMAND;
        let is = |kind| packet == Some(kind) && !metadata;
        Video {
            codec,
            key: is(CODED_FRAMES) && frame == KEY,
            header: is(SEQUENCE_START),
            end: is(SEQUENCE_END),
            disposable: is(CODED_FRAMES) && frame == DISPOSABLE,
            metadata,
            tracks: false,
            track: 0,
            extended: false,
            composition: if packets { composition(payload, 2) } else { 0 },
            body: if packets { 5 } else { 1 }.min(payload.len()),
        }
    }

    fn extended(payload: &[u8], first: u8) -> Option<Video> {
        let frame = first >> 4 & 7;
        let start = extended::packet(payload)?;
        let mut video = Video {
            codec: VideoCodec::Other([0; 4]),
            key: false,
            header: false,
            end: false,
            disposable: false,
            metadata: true,
            tracks: false,
            track: 0,
            extended: true,
            composition: 0,
            body: start.1,
        };
        // A command has no codec.
        if frame == COMMAND && start.0 != METADATA {
            return Some(video);
        }
        let Extended { packet, codec, tracks, track, body } =
            extended::header(payload, start, MULTITRACK)?;
        let coded = matches!(packet, CODED_FRAMES | CODED_FRAMES_X);
        video.codec = VideoCodec::of_four(codec);
        video.key = coded && frame == KEY;
        video.header = matches!(packet, SEQUENCE_START | MPEG2TS_SEQUENCE_START);
        video.end = packet == SEQUENCE_END;
        video.disposable = coded && frame == DISPOSABLE;
        video.metadata = packet == METADATA;
        (video.tracks, video.track, video.body) = (tracks, track, body);
        let timed = matches!(video.codec, VideoCodec::Avc | VideoCodec::Hevc | VideoCodec::Vvc);
        if timed && packet == CODED_FRAMES {
            video.composition = composition(payload, body);
            video.body = (body + 3).min(payload.len());
        }
        Some(video)
    }
}

/// A signed number of three bytes; 0 if they are not there.
fn composition(payload: &[u8], at: usize) -> i32 {
    let bytes = payload.get(at..).and_then(|rest| rest.first_chunk());
    bytes.map_or(0, |&[a, b, c]| i32::from_be_bytes([a, b, c, 0]) >> 8)
}
