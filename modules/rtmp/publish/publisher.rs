//! A publisher's end of a stream: messages become records of the log.
//!
//! Before each key frame the headers that a decoder needs are repeated, and the first of these records is
//! marked: from a mark on, the log is complete in itself. So a player that begins, or one that was too slow,
//! reads from the newest mark, in any worker, also when the publisher's worker is dead.

use std::rc::Rc;

use broadcast::{AppendError, Attributes, ChannelId, MARK, Owner};
use proto::flv::media::{Audio, Video, VideoCodec};
use proto::rtmp::{chunk, message};
use sys::prefetch::Touched;

use crate::follow::{self, Followed};
use crate::play::protocol::Hub;
use crate::publish::clock::Clock;
use crate::publish::contents::Contents;
use crate::publish::headers::Headers;
use crate::publish::meta::{self, Data, Meta};
use crate::publish::resume;
use crate::publish::tracks::Tracks;
use crate::publish::window::Window;
use crate::record::{
    CHANGE, CSID_AUDIO, CSID_DATA, CSID_VIDEO, Change, HAS_AUDIO, HAS_VIDEO, HEADER, Head, KEY,
    REPEAT,
};
use crate::settings::app::{App, SEPARATOR};

/// Without video, players may begin about every second.
const AUDIO_MARK_MS: u64 = 1000;
/// Groups do not begin more often than this for long, and so many at once: each repeats the headers, and a
/// stream of small key frames must not cost more than others.
const GROUP_MS: u64 = 100;
const GROUPS_AT_ONCE: u64 = 64;
/// A stream whose last frame of video is so old has none.
const VIDEO_GONE_MS: u64 = 3000;

/// A stream that is being published. What each message touches comes first.
#[repr(C)]
pub struct Publisher {
    hub: &'static Hub,
    /// Its application.
    pub app: &'static App,
    /// What in the server reads the stream.
    followed: Option<Rc<Followed>>,
    id: ChannelId,
    owner: Owner,
    clock: Clock,
    contents: Contents,
    /// When the newest message came, in the zone's milliseconds.
    now: u64,
    window: Window,
    /// A message was lost: what depends on it is not sent either.
    lost: bool,
    /// When the last frame of video came, in the zone's milliseconds.
    video_at: Option<u64>,
    /// When a frame came last, in the loop's milliseconds.
    pub frame_at: u64,
    /// What is in it, for those who ask.
    pub tracks: Tracks,
    /// Milliseconds that groups have saved up, and when that was so.
    groups: (u64, u64),
    /// Its name in the log.
    pub channel: Vec<u8>,
    headers: Headers,
    /// Metadata that tells which tracks there are, and what players were told of that.
    told: Option<(Vec<u8>, u32)>,
}

/// Bytes of a publisher that each message touches.
const HOT: usize = std::mem::offset_of!(Publisher, groups);

/// The stream is another publisher's now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakenOver;

/// Why a stream cannot be published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Somebody publishes it already.
    Busy,
    /// There are as many streams as there is room for.
    Full,
}

impl Publisher {
    /// Begins to publish a stream, or goes on with one whose publisher was lost.
    pub fn open(hub: &'static Hub, app: &'static App, name: &[u8]) -> Result<Publisher, Refused> {
        let zone = hub.attachment.zone();
        let number = hub.with_worker(|worker| worker.next_publisher());
        let owner = Owner { pid: sys::process::pid(), number };
        let channel = app.channel(name);
        let owned = zone.find(&channel).filter(|&id| zone.owner(id).is_some());
        // Players in another worker may hear of the end a moment before the stream is given up.
        let has_left = owned.is_some_and(|id| resume::last(hub.attachment, id).has_left());
        let takes_over = app.publish_takeover || has_left;
        let claimed = zone.claim(&channel, owner, takes_over, u32::MAX);
        let id = claimed.map_err(|error| match error {
            AppendError::NotOwner => Refused::Busy,
            _ => Refused::Full,
        })?;
        let now = zone.now();
        let last = resume::last(hub.attachment, id);
        let is_taken = owned.is_some() && !has_left;
        let resumed = is_taken || last.is_waiting(app.publish_grace, now);
        let mut publisher = Publisher {
            hub,
            app,
            followed: None,
            channel,
            id,
            owner,
            clock: Clock::new(&last, resumed, now),
            headers: Headers::default(),
            contents: Contents::default(),
            told: None,
            now,
            window: Window::since(now),
            groups: (GROUPS_AT_ONCE * GROUP_MS, now),
            lost: false,
            video_at: None,
            frame_at: rt::now(),
            tracks: Tracks::default(),
        };
        let change = if resumed { Change::Resumed } else { Change::Began };
        // Who begins now begins here, not with what an earlier publisher has left.
        let flags = if resumed { CHANGE } else { CHANGE | MARK };
        let _ = publisher.append(Head::change(change, 0), flags, &[]);
        publisher.followed = follow::follow(hub, app, &publisher.channel, true);
        Ok(publisher)
    }

    /// Takes a message of the publisher's in.
    pub fn message(&mut self, kind: u8, time: u32, payload: &[u8]) -> Result<(), TakenOver> {
        let now = self.hub.attachment.zone().time_of(rt::now());
        self.now = now;
        match kind {
            message::VIDEO => {
                let time = self.clock.stream(time, now, false);
                self.video(time, payload, now)
            }
            message::AUDIO => {
                let time = self.clock.stream(time, now, true);
                self.audio(time, payload, now)
            }
            message::DATA => self.data(self.clock.aside(time), payload),
            message::DATA_AMF3 => {
                let payload = payload.strip_prefix(&[0]).unwrap_or(payload);
                self.data(self.clock.aside(time), payload)
            }
            _ => Ok(()),
        }
    }

    /// Notes what the next message will touch.
    pub fn note_touched<const N: usize>(&self, touched: &mut Touched<N>) {
        touched.add(self, HOT);
        self.hub.attachment.zone().note_touched(self.id, touched);
    }

    fn video(&mut self, time: u32, payload: &[u8], now: u64) -> Result<(), TakenOver> {
        self.frame_at = rt::now();
        let Some(video) = Video::of(payload) else {
            // An empty message is sent by some at the beginning.
            return self.send(message::VIDEO, time, payload, 0);
        };
        self.tracks.video(&video, payload, time);
        self.video_at = Some(now);
        let is_frame = !video.header && !video.metadata && !video.end;
        self.contents.saw(HAS_VIDEO, is_frame, now);
        let coded = video.codec != VideoCodec::Other([0; 4]);
        if video.header || video.extended && video.metadata && coded {
            self.headers.set(message::VIDEO, video.track, video.metadata, payload);
            return self.send(message::VIDEO, time, payload, HEADER);
        }
        // A group begins with the first track's key frame: the others' are not needed to begin with.
        let key = video.key && video.track == 0;
        if self.lost && !key {
            return Ok(());
        }
        if !key {
            return self.send(message::VIDEO, time, payload, 0);
        }
        self.lost = false;
        let flags = self.begin_group(time, now)?;
        self.send(message::VIDEO, time, payload, KEY | flags)
    }

    fn audio(&mut self, time: u32, payload: &[u8], now: u64) -> Result<(), TakenOver> {
        self.frame_at = rt::now();
        let audio = Audio::of(payload);
        if let Some(audio) = &audio {
            self.tracks.audio(audio, payload, time);
            self.contents.saw(HAS_AUDIO, !audio.header && !audio.end, now);
            if audio.header {
                self.headers.set(message::AUDIO, audio.track, false, payload);
                return self.send(message::AUDIO, time, payload, HEADER);
            }
        }
        let silent = self.video_at.is_none_or(|at| now > at + VIDEO_GONE_MS);
        let due = self.window.marked_at().is_none_or(|at| now >= at + AUDIO_MARK_MS);
        let flags = match silent && due && audio.is_some() {
            true => self.begin_group(time, now)?,
            false => 0,
        };
        self.send(message::AUDIO, time, payload, flags)
    }

    fn data(&mut self, time: u32, payload: &[u8]) -> Result<(), TakenOver> {
        match meta::read(payload) {
            Data::Metadata(values, payload) => {
                self.tracks.metadata(&values);
                self.contents.metadata(&values);
                let contents = self.contents.flags(self.now);
                self.told = None;
                let payload = match self.app.meta {
                    Meta::Off => return Ok(()),
                    Meta::Copy => payload.to_vec(),
                    Meta::On => {
                        let tells = meta::tells_tracks(&values);
                        self.told = tells.then(|| (payload.to_vec(), contents));
                        meta::render(&values, contents)
                    }
                };
                self.headers.set(message::DATA, 0, true, &payload);
                self.send(message::DATA, time, &payload, HEADER)
            }
            Data::Cleared => {
                self.told = None;
                self.headers.forget(message::DATA);
                Ok(())
            }
            Data::Other(payload) => self.send(message::DATA, time, payload, 0),
        }
    }

    /// Repeats the headers. Gives the flags of the frame with which the group begins: it is marked
    /// itself if there are none. Of a stream that is all key frames, not each begins a group.
    fn begin_group(&mut self, time: u32, now: u64) -> Result<u32, TakenOver> {
        let (credit, at) = self.groups;
        let credit = (credit + now.saturating_sub(at)).min(GROUPS_AT_ONCE * GROUP_MS);
        self.groups = (credit.saturating_sub(GROUP_MS), now);
        if credit < GROUP_MS {
            return Ok(0);
        }
        self.correct_metadata();
        let headers = std::mem::take(&mut self.headers);
        let mut flags = MARK;
        let mut sent = Ok(());
        for (kind, payload) in headers.iter() {
            sent = sent.and_then(|()| self.send(kind, time, payload, HEADER | REPEAT | flags));
            flags = 0;
        }
        self.headers = headers;
        self.window.let_go(self.app, now);
        sent.map(|()| flags)
    }

    /// Who comes later is told which tracks there are, not which the publisher has announced.
    fn correct_metadata(&mut self) {
        let contents = self.contents.flags(self.now);
        let Some((payload, told)) = &mut self.told else { return };
        if std::mem::replace(told, contents) != contents
            && let Data::Metadata(values, _) = meta::read(payload)
        {
            let rendered = meta::render(&values, contents);
            self.headers.set(message::DATA, 0, true, &rendered);
        }
    }

    fn send(&mut self, kind: u8, time: u32, payload: &[u8], flags: u32) -> Result<(), TakenOver> {
        let csid = match kind {
            message::VIDEO if self.app.interleave => CSID_AUDIO,
            message::VIDEO => CSID_VIDEO,
            message::AUDIO => CSID_AUDIO,
            _ => CSID_DATA,
        };
        let chunk = self.app.chunk_size as u32;
        let head = Head { kind, csid, event: 0, time, len: payload.len() as u32, chunk };
        self.append(head, flags, payload)
    }

    fn append(&mut self, head: Head, flags: u32, payload: &[u8]) -> Result<(), TakenOver> {
        if payload.len() <= head.chunk as usize {
            return self.append_pieces(head, flags, payload.len(), &[payload]);
        }
        let continuation = [0xC0 | head.csid];
        let pieces: Vec<&[u8]> = chunk::cut(payload, head.chunk as usize, &continuation).collect();
        self.append_pieces(head, flags, payload.len(), &pieces)
    }

    /// Records up to this seq may go.
    fn unneeded(&self) -> u64 {
        let followed = self.followed.as_ref().map_or(u64::MAX, |followed| followed.done());
        self.window.unneeded().min(followed)
    }

    /// Appends a message of `len` bytes whose payload is cut into chunks.
    fn append_pieces(
        &mut self,
        head: Head,
        flags: u32,
        len: usize,
        pieces: &[&[u8]],
    ) -> Result<(), TakenOver> {
        let attributes = Attributes {
            flags: flags | self.contents.flags(self.now),
            max_age: resume::max_age(self.app),
            unneeded: self.unneeded(),
            owner: Some(self.owner),
            ..Attributes::default()
        };
        let zone = self.hub.attachment.zone();
        let bytes = head.bytes();
        let head = |_, out: &mut Vec<u8>| out.extend_from_slice(&bytes);
        let appended = zone.append_to(self.id, &attributes, head, pieces);
        match appended {
            Ok(appended) => {
                self.window.played = appended.subscribers > 0;
                let marked = flags & MARK != 0;
                self.window.add(appended.seq, self.now, len, marked, self.app);
                Ok(())
            }
            Err(AppendError::NotOwner) => Err(TakenOver),
            Err(error) => {
                if !std::mem::replace(&mut self.lost, true) {
                    let name = String::from_utf8_lossy(&self.channel).replace(SEPARATOR, "/");
                    sys::log!(Error, "frames of the stream \"{name}\" are lost: {error}");
                }
                Ok(())
            }
        }
    }

    /// Ends the stream, or leaves it to a publisher that comes back. `deliberate`: the publisher has said
    /// that it is the end. `false`: it was another's already.
    pub fn close(&mut self, deliberate: bool) -> bool {
        let zone = self.hub.attachment.zone();
        let over = deliberate || self.app.publish_grace == 0;
        let change = if over { Change::Ended } else { Change::Broke };
        let last = self.clock.newest();
        let flags = if over { CHANGE | MARK } else { CHANGE };
        if self.append(Head::change(change, last), flags, &[]).is_err() {
            return false;
        }
        zone.release(self.id, self.owner);
        if rt::draining() {
            // The worker may end with this connection.
            self.followed.iter().for_each(|followed| followed.give(true));
        }
        if !over {
            let (hub, id, app) = (self.hub, self.id, self.app);
            rt::after(app.publish_grace + 1, move || {
                resume::end_if_broken(hub.attachment, id, app)
            });
        }
        true
    }
}
