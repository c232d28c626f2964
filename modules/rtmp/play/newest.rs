//! The newest picture of a stream that stands by itself, and what the stream consists of.

use broadcast::{Attachment, ChannelId, ReadLimits, Reading, Start};
use proto::flv::media::{Audio, Video};
use proto::media::{AudioTrack, VideoTrack};

use crate::play::view::{Item, View};
use crate::record::{CHANGE, KEY};

/// So many records are looked through: a group's headers are before its key frame, and sound without a header begins soon.
const MOST: usize = 256;

/// What was found.
#[derive(Debug, Default)]
pub struct Newest {
    /// The pictures.
    pub video: Option<VideoTrack>,
    /// The sound.
    pub audio: Option<AudioTrack>,
    /// A key frame, as FLV has it, and its number in the log.
    pub picture: Option<(u64, Vec<u8>)>,
}

impl Newest {
    /// Of a stream, from its newest key frame on.
    pub fn of(attachment: &Attachment, id: ChannelId) -> Newest {
        let (mut cursor, mut told) = attachment.start(&[id], Start::Marked);
        let (mut newest, mut seen) = (Newest::default(), 0);
        while seen < MOST && !newest.is_complete() {
            let limits = ReadLimits { told, ..ReadLimits::default() };
            match attachment.read(&[id], cursor, None, limits) {
                Reading::Nothing | Reading::Torn => break,
                Reading::Lagged { upto } => (told, cursor) = (upto, cursor.max(upto)),
                Reading::Batch(batch) => {
                    let Some(first) = batch.records().first().cloned() else { break };
                    if first.is_whole() {
                        let view = View::of(&batch);
                        cursor = view.items.last().map_or(first.seq, |item| item.seq);
                        seen += view.items.len();
                        newest.look(&view);
                    } else {
                        (cursor, seen) = (first.seq, seen + 1);
                        let Some(bytes) = live::whole(attachment, id, batch) else { continue };
                        newest.look(&View::of_long(&first, &bytes));
                    }
                }
            }
        }
        newest
    }

    fn is_complete(&self) -> bool {
        self.audio.is_some() && self.picture.is_some()
    }

    fn look(&mut self, view: &View<'_>) {
        for item in view.items.iter().filter(|item| item.flags & CHANGE == 0) {
            let is_new = item.head.is_audio() && self.audio.is_none()
                || item.head.is_video() && self.picture.is_none();
            if is_new {
                self.take(item, &view.whole[item.whole.clone()].concat());
            }
        }
    }

    fn take(&mut self, item: &Item, payload: &[u8]) {
        if item.head.is_audio() {
            let audio = Audio::of(payload).filter(|audio| audio.track == 0 && !audio.tracks);
            self.audio = audio.and_then(|audio| {
                let body = &payload[audio.body..];
                match audio.header {
                    true => AudioTrack::of(audio.codec, body, audio.rate, audio.channels),
                    false => AudioTrack::of_frame(audio.codec, body),
                }
            });
            return;
        }
        let video = Video::of(payload).filter(|video| video.track == 0 && !video.tracks);
        let Some(video) = video else { return };
        let body = &payload[video.body..];
        if video.header {
            self.video = VideoTrack::of(video.codec, body).or(self.video.take());
        } else if item.flags & KEY != 0 {
            self.picture = Some((item.seq, body.to_vec()));
            if let Some(track) = &mut self.video {
                track.see(body);
            }
        }
    }
}
