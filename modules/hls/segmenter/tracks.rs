//! What a stream consists of, as its sequence headers tell.
//!
//! ```text
//! length (4) payload of a video message     length (4) payload of an audio message     4 (4) width (2) height (2)
//! ```
//! That is how it is kept in the first part of each segment: as the publisher has sent it. The size is there where the header
//! does not tell it (VP9): it is that of the first picture. Numbers are little-endian.

use proto::flv::{Audio, Video, VideoCodec};
use proto::media::{AudioTrack, VideoTrack};

/// A header that is longer is none: real ones have a few hundred bytes.
const LONGEST: usize = 64 << 10;

/// The tracks of a stream: one of video, one of audio, or one of them alone.
#[derive(Clone, Debug, Default)]
pub struct Tracks {
    /// Video.
    pub video: Option<VideoTrack>,
    /// Audio.
    pub audio: Option<AudioTrack>,
    payloads: [Vec<u8>; 2],
}

impl Tracks {
    /// Takes a sequence header of video. `true`: that is another track than before.
    pub fn set_video(&mut self, video: &Video, payload: &[u8]) -> bool {
        if payload.len() > LONGEST || payload == &self.payloads[0][..] {
            return false;
        }
        let Some(track) = VideoTrack::of(video.codec, &payload[video.body..]) else { return false };
        self.payloads[0] = payload.to_vec();
        let frame_rate = self.video.as_ref().map_or(0.0, |known| known.frame_rate);
        self.video = Some(VideoTrack { frame_rate, ..track });
        true
    }

    /// Looks at a key frame, where the header does not tell the size. `true`: it is another than before.
    pub fn see_video(&mut self, frame: &[u8]) -> bool {
        let Some(track) = &mut self.video else { return false };
        let before = track.size;
        track.see(frame);
        track.size != before
    }

    /// Takes a sequence header of audio, or a first frame of a codec that has none.
    pub fn set_audio(&mut self, audio: &Audio, payload: &[u8]) -> bool {
        if payload.len() > LONGEST || payload == &self.payloads[1][..] {
            return false;
        }
        let body = &payload[audio.body..];
        let track = match audio.header {
            true => AudioTrack::of(audio.codec, body, audio.rate, audio.channels),
            false => AudioTrack::of_frame(audio.codec, body),
        };
        let Some(track) = track else { return false };
        // Of codecs without header each frame tells the same again.
        if !audio.header && self.audio.as_ref() == Some(&track) {
            return false;
        }
        self.payloads[1] = payload.to_vec();
        self.audio = Some(track);
        true
    }

    /// As they are kept in a segment's first part.
    pub fn write(&self, out: &mut Vec<u8>) {
        for payload in &self.payloads {
            out.extend_from_slice(&(payload.len() as u32).to_le_bytes());
            out.extend_from_slice(payload);
        }
        let size = self.video.as_ref().filter(|track| is_sized_by_pictures(track));
        if let Some((width, height)) = size.map(|track| track.size).filter(|it| *it != (0, 0)) {
            out.extend_from_slice(&SIZE.to_le_bytes());
            out.extend_from_slice(&(width as u16).to_le_bytes());
            out.extend_from_slice(&(height as u16).to_le_bytes());
        }
    }

    /// Reads them, and gives how many bytes they took; `None`: they are damaged.
    pub fn read(bytes: &[u8]) -> Option<(Tracks, usize)> {
        let (mut tracks, mut at) = (Tracks::default(), 0);
        for kind in 0..2 {
            let len = u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?) as usize;
            let payload = bytes.get(at + 4..)?.get(..len)?;
            at += 4 + len;
            match kind {
                0 => drop(Video::of(payload).map(|video| tracks.set_video(&video, payload))),
                _ => drop(Audio::of(payload).map(|audio| tracks.set_audio(&audio, payload))),
            }
        }
        let size = tracks.video.as_mut().filter(|track| is_sized_by_pictures(track));
        let written = bytes[at..].strip_prefix(&SIZE.to_le_bytes()).and_then(<[u8]>::first_chunk);
        if let (Some(track), Some(&[a, b, c, d])) = (size, written) {
            track.size = (u16::from_le_bytes([a, b]).into(), u16::from_le_bytes([c, d]).into());
            at += 8;
        }
        Some((tracks, at))
    }
}

/// Bytes of a size.
const SIZE: u32 = 4;

fn is_sized_by_pictures(track: &VideoTrack) -> bool {
    track.codec == VideoCodec::Vp9
}
