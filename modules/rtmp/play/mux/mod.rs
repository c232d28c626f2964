//! A player's own container: the messages that it takes become an MPEG transport stream, or fragmented MP4.
//!
//! ```text
//! messages ─▶ held until all tracks are known ─┬▶ Transport: packets, the tables again and again
//!                                              └▶ Movie: a head, a fragment for each picture, sound between them
//! ```
//! What has gone in is in the output at once, but for a tenth of a second of sound in a movie, and what is held at the
//! beginning. It knows neither connections nor the log.

mod movie;
mod transport;

use proto::flv::media::{Audio, AudioCodec, Video, VideoCodec};
use proto::media::{AudioTrack, VideoTrack};
use proto::rtmp::message;

use self::movie::Movie;
use self::transport::Transport;
use crate::play::output::Container;

/// Messages wait no longer than so many milliseconds of the stream, and have no more bytes, until all tracks are known.
const HELD_MS: u64 = 3000;
const HELD: usize = 4 << 20;
/// A message that waits counts for so many more.
const HELD_EACH: usize = 64;

/// A message, at a time of the player's clock in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Media<'a> {
    /// Its type.
    pub kind: u8,
    /// When it is decoded.
    pub time: u64,
    /// As FLV has it.
    pub payload: &'a [u8],
}

/// Why nothing more comes.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// The head of the file holds no more: the tracks are others now.
    Changed,
    /// The container has no place for this.
    NoPlace(String),
}

/// A player's file.
pub struct Mux {
    container: Container,
    video: Option<VideoTrack>,
    audio: Option<AudioTrack>,
    /// Whether there is sound to come, and pictures.
    expected: (bool, bool),
    held: Vec<(u8, u64, Vec<u8>)>,
    /// Bytes of these.
    held_bytes: usize,
    writer: Option<Writer>,
    /// Pictures go on with a key frame.
    needs_key: bool,
}

enum Writer {
    Ts(Box<Transport>),
    Mp4(Box<Movie>),
}

impl Mux {
    /// Of a container other than FLV, which needs none.
    pub fn new(container: Container) -> Mux {
        Mux {
            container,
            video: None,
            audio: None,
            expected: (false, false),
            held: Vec::new(),
            held_bytes: 0,
            writer: None,
            needs_key: true,
        }
    }

    /// It is known whether there is sound, and whether there are pictures.
    pub fn expect(&mut self, audio: bool, video: bool) {
        self.expected = (audio, video);
    }

    /// Whether something was given out.
    pub fn has_begun(&self) -> bool {
        self.writer.is_some()
    }

    /// Takes a message, and appends what comes of it.
    pub fn take(&mut self, media: &Media<'_>, out: &mut Vec<u8>) -> Result<(), End> {
        match media.kind {
            message::VIDEO => self.video(media, out),
            message::AUDIO => self.audio(media, out),
            _ => Ok(()),
        }
    }

    /// What comes next does not follow what came last.
    pub fn skip(&mut self) {
        self.held.clear();
        self.held_bytes = 0;
        self.needs_key = true;
        if let Some(Writer::Ts(transport)) = &mut self.writer {
            transport.discontinuity();
        }
    }

    /// Nothing comes for a while: appends what there is.
    pub fn flush(&mut self, out: &mut Vec<u8>) {
        if let Some(Writer::Mp4(movie)) = &mut self.writer {
            movie.flush(out);
        }
    }

    fn video(&mut self, media: &Media<'_>, out: &mut Vec<u8>) -> Result<(), End> {
        let first = |video: &Video| video.track == 0 && !video.tracks;
        let Some(video) = Video::of(media.payload).filter(first) else { return Ok(()) };
        let body = &media.payload[video.body..];
        if video.header {
            return match VideoTrack::of(video.codec, body) {
                Some(track) if self.video.as_ref().is_some_and(|it| it.is_same_as(&track)) => {
                    Ok(())
                }
                Some(track) => {
                    self.video = Some(track);
                    self.needs_key = true;
                    self.changed(message::VIDEO, out)
                }
                // A damaged one tells nothing new.
                None => self.known_codec(video.codec),
            };
        }
        if video.metadata || video.end || body.is_empty() {
            return Ok(());
        }
        let Some(track) = self.video.as_mut().filter(|track| track.codec == video.codec) else {
            return self.known_codec(video.codec);
        };
        if self.needs_key && !video.key {
            return Ok(());
        }
        if video.key {
            track.see(body);
        }
        self.needs_key = false;
        self.frame(media, out)
    }

    fn audio(&mut self, media: &Media<'_>, out: &mut Vec<u8>) -> Result<(), End> {
        let first = |audio: &Audio| audio.track == 0 && !audio.tracks;
        let Some(audio) = Audio::of(media.payload).filter(first) else { return Ok(()) };
        let body = &media.payload[audio.body..];
        if audio.metadata || audio.end || body.is_empty() {
            return Ok(());
        }
        let has_header =
            matches!(audio.codec, AudioCodec::Aac | AudioCodec::Opus | AudioCodec::Flac);
        let told = match (audio.header, has_header) {
            (true, _) => AudioTrack::of(audio.codec, body, audio.rate, audio.channels),
            (false, false) => AudioTrack::of_frame(audio.codec, body),
            (false, true) => None,
        };
        match (told, audio.codec) {
            (Some(track), _) if self.audio.as_ref() != Some(&track) => {
                self.audio = Some(track);
                self.changed(message::AUDIO, out)?;
            }
            (None, AudioCodec::Legacy(_) | AudioCodec::Other(_)) => {
                return Err(no_place(self.container, audio.codec.name()));
            }
            _ => {}
        }
        let is_known = self.audio.as_ref().is_some_and(|track| track.codec == audio.codec);
        if audio.header || !is_known { Ok(()) } else { self.frame(media, out) }
    }

    /// Frames of codecs whose headers tell of them wait for that; of others there will never be one.
    fn known_codec(&self, codec: VideoCodec) -> Result<(), End> {
        match codec {
            VideoCodec::Avc | VideoCodec::Hevc | VideoCodec::Av1 | VideoCodec::Vp9 => Ok(()),
            codec => Err(no_place(self.container, codec.name())),
        }
    }

    /// The track of that kind is another one than before, or new: what is held of the other waits on.
    fn changed(&mut self, kind: u8, out: &mut Vec<u8>) -> Result<(), End> {
        self.held.retain(|(held, ..)| *held != kind);
        self.held_bytes = self.held.iter().map(|(.., payload)| payload.len() + HELD_EACH).sum();
        let (video, audio) = (self.video.as_ref(), self.audio.as_ref());
        match &mut self.writer {
            None => fits(self.container, video, audio),
            Some(Writer::Mp4(movie)) => {
                movie.flush(out);
                Err(End::Changed)
            }
            Some(Writer::Ts(transport)) => {
                **transport = transport
                    .next(video, audio)
                    .ok_or_else(|| unfit(self.container, video, audio))?;
                Ok(())
            }
        }
    }

    /// A frame of a track that is known.
    fn frame(&mut self, media: &Media<'_>, out: &mut Vec<u8>) -> Result<(), End> {
        if self.writer.is_some() {
            self.write(media, out);
            return Ok(());
        }
        self.held.push((media.kind, media.time, media.payload.to_vec()));
        self.held_bytes += media.payload.len() + HELD_EACH;
        let since = self.held.first().map_or(media.time, |(_, time, _)| *time);
        let long = self.held_bytes > HELD || media.time.saturating_sub(since) > HELD_MS;
        let (audio, video) = self.expected;
        let complete = (!audio || self.audio.is_some()) && (!video || self.video.is_some());
        if !complete && !long {
            return Ok(());
        }
        let (video, audio) = (self.video.as_ref(), self.audio.as_ref());
        let writer = match self.container {
            Container::Mp4 => Movie::new(video, audio, out).map(|it| Writer::Mp4(Box::new(it))),
            _ => Transport::new(video, audio).map(|it| Writer::Ts(Box::new(it))),
        };
        self.writer = Some(writer.ok_or_else(|| unfit(self.container, video, audio))?);
        self.held_bytes = 0;
        for (kind, time, payload) in std::mem::take(&mut self.held) {
            self.write(&Media { kind, time, payload: &payload }, out);
        }
        Ok(())
    }

    fn write(&mut self, media: &Media<'_>, out: &mut Vec<u8>) {
        let Some(writer) = &mut self.writer else { return };
        let payload = media.payload;
        match (media.kind, &self.video, &self.audio) {
            (message::VIDEO, Some(track), _) => {
                let Some(video) = Video::of(payload) else { return };
                let frame = &payload[video.body..];
                match writer {
                    Writer::Ts(transport) => transport.video(&video, frame, media.time, out),
                    Writer::Mp4(movie) => movie.video(track, &video, frame, media.time, out),
                }
            }
            (message::AUDIO, _, Some(track)) => {
                let Some(audio) = Audio::of(payload) else { return };
                let frame = &payload[audio.body..];
                match writer {
                    Writer::Ts(transport) => transport.audio(track, frame, media.time, out),
                    Writer::Mp4(movie) => movie.audio(track, frame, media.time, out),
                }
            }
            _ => {}
        }
    }
}

/// Whether a container has a place for these tracks.
pub fn fits(
    container: Container,
    video: Option<&VideoTrack>,
    audio: Option<&AudioTrack>,
) -> Result<(), End> {
    let fits = match container {
        Container::Flv => true,
        Container::Ts => Transport::new(video, audio).is_some(),
        Container::Mp4 => proto::fmp4::live_init(video, audio).is_some(),
    };
    if fits || video.is_none() && audio.is_none() {
        return Ok(());
    }
    Err(unfit(container, video, audio))
}

fn unfit(container: Container, video: Option<&VideoTrack>, audio: Option<&AudioTrack>) -> End {
    let names = [video.map(|track| track.codec.name()), audio.map(|track| track.codec.name())];
    no_place(container, &names.into_iter().flatten().collect::<Vec<_>>().join(" and "))
}

fn no_place(container: Container, what: &str) -> End {
    let what = if what.is_empty() { "a codec that is not known" } else { what };
    End::NoPlace(match container {
        Container::Mp4 => format!("MP4 has no place for {what}"),
        _ => format!("an MPEG transport stream has no place for {what}"),
    })
}

#[cfg(test)]
mod tests;
