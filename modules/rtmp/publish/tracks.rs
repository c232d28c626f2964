//! What is in a stream, for those who ask: codecs, sizes, rates.

use proto::flv::media::{Audio, AudioCodec, Video, VideoCodec};
use proto::flv::{aac, avc, sound};
use proto::rtmp::amf::Value;
use serde::Serialize;

use crate::rate::Rate;

/// A stream's tracks.
#[derive(Default)]
pub struct Tracks {
    /// Video, if there is some.
    pub video: Option<VideoTrack>,
    /// Audio, if there is some.
    pub audio: Option<AudioTrack>,
    /// Bytes of video.
    pub video_rate: Rate,
    /// Bytes of audio.
    pub audio_rate: Rate,
    /// The stream's clock at the last frame of video, and of audio.
    pub times: (u32, u32),
    /// Frames of video.
    pub frames: u64,
    declared: Declared,
    /// Something of this has changed since it was told.
    changed: bool,
}

/// What the publisher has told.
#[derive(Default)]
struct Declared {
    width: u32,
    height: u32,
    frame_rate: f64,
}

/// A track of video.
#[derive(Clone, Debug, PartialEq)]
pub struct VideoTrack {
    /// The codec's name.
    pub codec: &'static str,
    /// Of H.264: profile, compatibility and level.
    pub profile: Option<(&'static str, u8, f64)>,
    /// Width and height; 0: not known.
    pub size: (u32, u32),
    /// Frames per second as declared; 0: not known.
    pub frame_rate: f64,
}

/// A track of audio.
#[derive(Clone, Debug, PartialEq)]
pub struct AudioTrack {
    /// The codec's name.
    pub codec: &'static str,
    /// Of AAC: its profile.
    pub profile: Option<&'static str>,
    /// Channels.
    pub channels: u8,
    /// Samples per second.
    pub rate: u32,
}

impl Tracks {
    /// A message of video has come.
    pub fn video(&mut self, video: &Video, payload: &[u8], time: u32) {
        self.video_rate.add(payload.len() as u64, rt::now());
        self.times.0 = time;
        self.frames += u64::from(!video.header && !video.metadata && !video.end);
        if video.header && video.track == 0 || self.video.is_none() {
            let config = (video.header && video.codec == VideoCodec::Avc)
                .then(|| avc::Config::of(&payload[video.body..]))
                .flatten();
            let declared = (self.declared.width, self.declared.height);
            let before = self.video.take();
            self.video = Some(VideoTrack {
                codec: video.codec.name(),
                profile: config.as_ref().map(|config| {
                    (config.profile_name(), config.compatibility, f64::from(config.level) / 10.0)
                }),
                size: config.and_then(|config| config.size).unwrap_or(declared),
                frame_rate: self.declared.frame_rate,
            });
            self.changed |= self.video != before;
        }
    }

    /// A message of audio has come.
    pub fn audio(&mut self, audio: &Audio, payload: &[u8], time: u32) {
        self.audio_rate.add(payload.len() as u64, rt::now());
        self.times.1 = time;
        if audio.header && audio.track == 0 || self.audio.is_none() {
            let config = audio.header.then(|| aac::Config::of(&payload[audio.body..])).flatten();
            let config = config.filter(|_| audio.codec.name() == "AAC");
            let sound = audio.header.then(|| match audio.codec {
                AudioCodec::Opus => sound::opus(&payload[audio.body..]),
                AudioCodec::Flac => sound::flac(&payload[audio.body..]),
                _ => None,
            });
            let sound = sound.flatten();
            let (channels, rate) = match (&config, sound) {
                (Some(config), _) => (config.channels, config.rate),
                (None, Some(sound)) => (sound.channels, sound.rate),
                (None, None) => (audio.channels, audio.rate),
            };
            let before = self.audio.take();
            self.audio = Some(AudioTrack {
                codec: audio.codec.name(),
                profile: config.as_ref().map(|config| config.profile_name()),
                channels,
                rate,
            });
            self.changed |= self.audio != before;
        }
    }

    /// Metadata has come.
    pub fn metadata(&mut self, members: &[(&[u8], Value<'_>)]) {
        let number = |name: &str| {
            let found = members.iter().rev().find(|(key, _)| *key == name.as_bytes());
            found.and_then(|(_, value)| value.as_f64()).unwrap_or(0.0)
        };
        let rate = number("framerate");
        self.declared = Declared {
            width: number("width") as u32,
            height: number("height") as u32,
            frame_rate: if rate > 0.0 { rate } else { number("fps") },
        };
        if let Some(video) = &mut self.video {
            let before = std::mem::replace(&mut video.frame_rate, self.declared.frame_rate);
            self.changed |= video.frame_rate != before;
        }
    }

    /// Whether there is something to tell, once.
    pub fn take_changed(&mut self) -> bool {
        let known = self.video.is_some() || self.audio.is_some();
        known && std::mem::take(&mut self.changed)
    }

    /// What is told of them.
    pub fn told(&self) -> Told {
        let video = self.video.as_ref().map(|video| ToldVideo {
            codec: video.codec,
            width: video.size.0,
            height: video.size.1,
            frame_rate: if video.frame_rate.is_finite() { video.frame_rate } else { 0.0 },
        });
        let audio = self.audio.as_ref().map(|audio| ToldAudio {
            codec: audio.codec,
            channels: audio.channels,
            sample_rate: audio.rate,
        });
        Told { video, audio }
    }
}

/// What a stream consists of, for everybody.
#[derive(Default, Serialize)]
pub struct Told {
    #[serde(skip_serializing_if = "Option::is_none")]
    video: Option<ToldVideo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audio: Option<ToldAudio>,
}

#[derive(Serialize)]
struct ToldVideo {
    codec: &'static str,
    width: u32,
    height: u32,
    frame_rate: f64,
}

#[derive(Serialize)]
struct ToldAudio {
    codec: &'static str,
    channels: u8,
    sample_rate: u32,
}
