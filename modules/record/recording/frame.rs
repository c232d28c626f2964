//! What a message is to a recorder, and what a stream consists of.

use proto::flv::media::{Audio, Video, VideoCodec};
use proto::flv::recording::{Description, Sound};
use proto::media::{AudioTrack, VideoTrack};
use proto::rtmp::amf::{Decoder, Value};
use proto::rtmp::message;
use rtmp::follow::Message;
use serde::{Deserialize, Serialize};

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A picture, or a sound.
    Media {
        /// A picture.
        video: bool,
        /// Decoding can begin with it.
        key: bool,
    },
    /// What a decoder needs first, or metadata.
    Header,
    /// Neither is recorded.
    Other,
}

impl Frame {
    /// Looks at a message.
    pub fn of(message: &Message<'_>) -> Frame {
        match message.kind {
            message::VIDEO | message::AUDIO | message::DATA if message.is_header() => Frame::Header,
            message::VIDEO => Frame::Media { video: true, key: message.is_key() },
            message::AUDIO => Frame::Media { video: false, key: false },
            _ => Frame::Other,
        }
    }
}

/// A header: whose it is, and it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// RTMP's type.
    pub kind: u8,
    track: u8,
    metadata: bool,
    /// As FLV has it.
    pub payload: Vec<u8>,
}

impl Header {
    /// Whether it is of pictures.
    pub fn is_video(&self) -> bool {
        self.kind == message::VIDEO
    }
}

/// The newest header of each track of sound and of pictures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headers(Vec<Header>);

impl Headers {
    /// A header has come. `true`: it is another than before.
    pub fn set(&mut self, kind: u8, payload: &[u8]) -> bool {
        let (track, metadata) = match kind {
            message::VIDEO => match Video::of(payload) {
                Some(video) => (video.track, video.metadata),
                None => return false,
            },
            message::AUDIO => match Audio::of(payload) {
                Some(audio) => (audio.track, audio.metadata),
                None => return false,
            },
            _ => return false,
        };
        let same = |known: &&mut Header| {
            known.kind == kind && known.track == track && known.metadata == metadata
        };
        match self.0.iter_mut().find(same) {
            Some(known) if known.payload == payload => false,
            Some(known) => {
                known.payload = payload.to_vec();
                true
            }
            None => {
                self.0.push(Header { kind, track, metadata, payload: payload.to_vec() });
                true
            }
        }
    }

    /// Those of the tracks, in the order in which they came first.
    pub fn iter(&self) -> impl Iterator<Item = &Header> {
        self.0.iter()
    }
}

/// Takes from a message what it tells of the stream.
pub fn describe(description: &mut Description, kind: u8, payload: &[u8]) {
    match kind {
        message::VIDEO => {
            let Some(video) = Video::of(payload).filter(|video| video.track == 0) else { return };
            if !video.metadata && (video.header || description.video.is_none()) {
                description.video = Some(video.codec);
            }
            let body = &payload[video.body..];
            let size = match video.header {
                true => VideoTrack::of(video.codec, body).map(|track| track.size),
                false if video.key => size_of_picture(video.codec, body),
                false => None,
            };
            description.size = size.filter(|it| *it != (0, 0)).unwrap_or(description.size);
        }
        message::AUDIO => {
            let Some(audio) = Audio::of(payload).filter(|audio| audio.track == 0) else { return };
            let track =
                || AudioTrack::of(audio.codec, &payload[audio.body..], audio.rate, audio.channels);
            let (codec, rate, channels) = (audio.codec, audio.rate, audio.channels);
            match audio.header.then(track).flatten() {
                Some(track) => {
                    let (rate, channels) = (track.rate, track.channels);
                    description.audio = Some(Sound { codec, rate, channels });
                }
                None if description.audio.is_none() && !audio.metadata => {
                    description.audio = Some(Sound { codec, rate, channels });
                }
                None => {}
            }
        }
        _ => metadata(description, payload),
    }
}

/// The size that a key frame tells.
fn size_of_picture(codec: VideoCodec, frame: &[u8]) -> Option<(u32, u32)> {
    let mut track = VideoTrack { codec, config: Vec::new(), size: (0, 0), frame_rate: 0.0 };
    track.see(frame);
    Some(track.size)
}

/// What a publisher says itself, where nothing else tells.
fn metadata(description: &mut Description, payload: &[u8]) {
    let mut decoder = Decoder::new(payload);
    let Ok(Some(Value::String(b"onMetaData"))) = decoder.next() else { return };
    let Ok(Some(values)) = decoder.next() else { return };
    let number = |name: &str| values.get(name).and_then(Value::as_f64).filter(|it| it.is_finite());
    if let Some(rate) = number("framerate").or_else(|| number("fps")) {
        description.frame_rate = rate.clamp(0.0, 1000.0);
    }
    if let (Some(width), Some(height), (0, 0)) =
        (number("width"), number("height"), description.size)
    {
        description.size = (width as u32, height as u32);
    }
}
