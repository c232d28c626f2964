//! A stream that looks like H.264 and AAC, and carries what its receivers check.
//!
//! A video frame is an AVC tag of one NAL unit, an audio frame a raw AAC block. Behind what makes them
//! so stands a mark: the frame's number and the monotonic time at which it was sent, in nanoseconds.

use crate::amf;
use crate::chunk::{self, kind};

/// 1280x720, baseline: what x264 writes.
pub const VIDEO_HEADER: &[u8] =
    b"\x17\0\0\0\0\x01\x42\xc0\x1f\xff\xe1\0\x17\x67\x42\xc0\x1f\xda\x01\
    \x40\x16\xec\x04\x40\0\0\x03\0\x40\0\0\x0f\x03\xc6\x0c\xa8\x01\0\x04\x68\xce\x0f\xc8";
/// AAC-LC, 44,100 Hz, mono.
pub const AUDIO_HEADER: &[u8] = b"\xaf\0\x12\x08\x56\xe5\0";
/// Where the marks begin: behind tag, length and type of the unit, or behind the tag.
const VIDEO_MARK: usize = 10;
const AUDIO_MARK: usize = 2;
const MARK: usize = 16;
/// AAC at 44,100 Hz has 1024 samples in a frame.
pub const AUDIO_RATE: f64 = 44_100.0 / 1024.0;
const AUDIO_SIZE: usize = 180;
/// How many times longer a key frame is.
const KEY_WEIGHT: usize = 5;

/// What stands in a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    pub number: u64,
    /// Nanoseconds of the monotonic clock.
    pub sent: u64,
}

/// What a tag is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tag {
    VideoHeader,
    AudioHeader,
    Video { key: bool, mark: Mark },
    Audio { mark: Mark },
}

/// What a message's body begins with; `None` if it is no frame of ours.
pub fn tag(kind: u8, start: &[u8]) -> Option<Tag> {
    match (kind, *start.first()?, *start.get(1)?) {
        (kind::VIDEO, _, 0) => Some(Tag::VideoHeader),
        (kind::VIDEO, first, 1) => {
            Some(Tag::Video { key: first >> 4 == 1, mark: mark(start.get(VIDEO_MARK..)?)? })
        }
        (kind::AUDIO, _, 0) => Some(Tag::AudioHeader),
        (kind::AUDIO, _, 1) => Some(Tag::Audio { mark: mark(start.get(AUDIO_MARK..)?)? }),
        _ => None,
    }
}

fn mark(bytes: &[u8]) -> Option<Mark> {
    let (number, rest) = bytes.split_first_chunk()?;
    let number = u64::from_be_bytes(*number);
    Some(Mark { number, sent: u64::from_be_bytes(*rest.first_chunk()?) })
}

/// What a stream is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// Frames a second.
    pub rate: f64,
    /// Bits of video a second.
    pub bits: f64,
    /// Frames from one key frame to the next.
    pub group: u64,
    /// Whether there is sound.
    pub audio: bool,
    /// Bytes of a chunk.
    pub chunk: usize,
}

/// A frame as it goes over the wire, to be used again with another mark.
struct Frame {
    wire: Vec<u8>,
    mark: usize,
}

impl Frame {
    fn new(chunk: usize, csid: u8, kind: u8, mut body: Vec<u8>, size: usize) -> Frame {
        let mark = 12 + body.len();
        // No byte of the filling is the beginning of a start code.
        body.resize(size.max(body.len() + MARK), 0x5A);
        let mut wire = Vec::new();
        chunk::write(&mut wire, chunk, (csid, kind, 0), 0, &body);
        Frame { wire, mark }
    }

    fn fill(&mut self, stream: u32, timestamp: u32, mark: Mark) -> &[u8] {
        self.wire[1..4].copy_from_slice(&timestamp.to_be_bytes()[1..]);
        self.wire[8..12].copy_from_slice(&stream.to_le_bytes());
        self.wire[self.mark..][..8].copy_from_slice(&mark.number.to_be_bytes());
        self.wire[self.mark + 8..][..8].copy_from_slice(&mark.sent.to_be_bytes());
        &self.wire
    }
}

/// The frames of all streams of one shape.
pub struct Media {
    pub shape: Shape,
    key: Frame,
    inter: Frame,
    audio: Frame,
}

impl Media {
    /// Frames whose sizes give the wanted rate of bits.
    pub fn new(shape: Shape) -> Media {
        let group = shape.bits / 8.0 / shape.rate * shape.group as f64;
        let size = (group / (shape.group as f64 + KEY_WEIGHT as f64 - 1.0)) as usize;
        let video = |first: u8, unit: u8, size: usize| {
            let length = (size.max(VIDEO_MARK + MARK) - 9) as u32;
            let mut body = vec![first, 1, 0, 0, 0];
            body.extend_from_slice(&length.to_be_bytes());
            body.push(unit);
            Frame::new(shape.chunk, 6, kind::VIDEO, body, size)
        };
        Media {
            shape,
            key: video(0x17, 0x65, size * KEY_WEIGHT),
            inter: video(0x27, 0x41, size),
            audio: Frame::new(shape.chunk, 4, kind::AUDIO, vec![0xAF, 1], AUDIO_SIZE),
        }
    }

    /// A video frame's bytes.
    pub fn video(&mut self, stream: u32, timestamp: u32, key: bool, mark: Mark) -> &[u8] {
        let frame = if key { &mut self.key } else { &mut self.inter };
        frame.fill(stream, timestamp, mark)
    }

    /// An audio frame's bytes.
    pub fn audio(&mut self, stream: u32, timestamp: u32, mark: Mark) -> &[u8] {
        self.audio.fill(stream, timestamp, mark)
    }

    /// What a stream begins with.
    pub fn headers(&self, stream: u32) -> Vec<u8> {
        let mut data = Vec::new();
        amf::string(&mut data, "@setDataFrame");
        amf::string(&mut data, "onMetaData");
        amf::object(&mut data, |out| {
            for (name, value) in [
                ("width", 1280.0),
                ("height", 720.0),
                ("framerate", self.shape.rate),
                ("videocodecid", 7.0),
                ("videodatarate", self.shape.bits / 1000.0),
                ("audiocodecid", 10.0),
                ("audiosamplerate", 44_100.0),
            ] {
                amf::key(out, name);
                amf::number(out, value);
            }
        });
        let (mut out, chunk) = (Vec::new(), self.shape.chunk);
        chunk::write(&mut out, chunk, (4, kind::DATA, stream), 0, &data);
        chunk::write(&mut out, chunk, (6, kind::VIDEO, stream), 0, VIDEO_HEADER);
        chunk::write(&mut out, chunk, (4, kind::AUDIO, stream), 0, AUDIO_HEADER);
        out
    }
}

#[test]
fn frames_are_read_as_they_were_written() {
    let shape = Shape { rate: 30.0, bits: 2.5e6, group: 60, audio: true, chunk: 4096 };
    let mut media = Media::new(shape);
    let mark = Mark { number: 7, sent: 1 << 40 };
    let sizes = [true, false].map(|key| media.video(1, 5, key, mark).len());
    assert!((sizes[0] + 59 * sizes[1]).abs_diff(625_000) < 3000, "{sizes:?}");
    let mut bytes = media.video(1, 5, true, mark).to_vec();
    bytes.extend_from_slice(media.audio(1, 6, mark));
    let (mut reader, mut seen) = (chunk::Reader::new(), Vec::new());
    // The size of the chunks is said first, as a client does.
    let mut first = Vec::new();
    chunk::write(&mut first, 128, (2, kind::CHUNK_SIZE, 0), 0, &4096_u32.to_be_bytes());
    first.extend_from_slice(&media.headers(1));
    first.extend_from_slice(&bytes);
    let mut take = |message: &chunk::Message| seen.extend(tag(message.kind, message.start));
    reader.feed(&first, &mut take).expect("a stream in order");
    let video = Tag::Video { key: true, mark };
    assert_eq!(seen, [Tag::VideoHeader, Tag::AudioHeader, video, Tag::Audio { mark }]);
}
