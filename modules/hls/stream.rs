//! One stream's segmenter, as a follower of the stream.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use broadcast::{AppendError, Attributes, ChannelId, MARK, Owner};
use proto::rtmp::message;
use rtmp::follow::{Change, Follow, Followers, Message, Stream};

use crate::dash;
use crate::files::{Files, Output};
use crate::keys::Keys;
use crate::part::{ENDED, Head, LAST};
use crate::segmenter::tracks::Tracks;
use crate::segmenter::{Media, Options, Segmenter, Sink};
use crate::settings::{Kind, ViewersBy};
use crate::timeline::{self, Timeline};
use crate::zone::{HlsZone, Hub};

/// A stream that has ended can be watched for so long.
pub const ENDED_MS: u64 = 120_000;
/// One that can be watched as a whole, for so long.
const EVENT_MS: u64 = 24 * 3600 * 1000;
/// Of a stream of which nothing can be made it is noted after so many messages how far it is.
const NOTED: u64 = 64;
/// So many bytes wait for what shows which tracks there are.
const WAITING: usize = 8 << 20;

/// What an application asks for.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How streams are cut.
    pub options: Options,
    /// How long playlists are, in milliseconds.
    pub playlist: u64,
    /// What becomes of old segments.
    pub kind: Kind,
    /// A stream that begins again goes on with the playlist.
    pub continuous: bool,
    /// `hls_path`, `dash_path`
    pub files: Vec<Files>,
    /// `hls_variant`: what the names of streams end with, and what is said of them.
    pub variants: Vec<(String, Vec<String>)>,
    /// `hls_keys`
    pub keys: Option<Keys>,
    /// `hls_viewers`
    pub viewers: Option<ViewersBy>,
    /// `hls_max_viewers`
    pub most_viewers: usize,
    /// `hls`
    pub hls: bool,
    /// `dash`
    pub dash: Option<dash::Settings>,
}

/// Segments of all streams of an application.
pub struct Segments {
    /// What it asks for.
    pub settings: Settings,
    /// Where they are.
    pub zone: Rc<HlsZone>,
}

thread_local! {
    /// Segmenters that this process has had.
    static NUMBER: Cell<u32> = const { Cell::new(0) };
}

impl Segments {
    /// How long playlists are for which segments are kept, in milliseconds.
    pub fn kept(&self) -> u64 {
        self.settings.kept()
    }
}

impl Settings {
    /// How long playlists are for which segments are kept, in milliseconds.
    pub fn kept(&self) -> u64 {
        match self.kind {
            Kind::Live => self.playlist.max(self.dash.map_or(0, |dash| dash.playlist)),
            Kind::Event => u64::MAX,
        }
    }
}

impl Followers for Segments {
    fn name(&self) -> &str {
        "hls"
    }

    fn follow(&self, stream: Stream) -> Result<Box<dyn Follow>, String> {
        let hub = self.zone.hub().ok_or("the hls_zone has no hub")?;
        let number = NUMBER.get().wrapping_add(1).max(1);
        NUMBER.set(number);
        let owner = Owner { pid: sys::process::pid(), number };
        let claimed = hub.attachment.zone().claim(&stream.channel, owner, true, u32::MAX);
        let id = claimed.map_err(|error| format!("the hls_zone: {error}"))?;
        Ok(Box::new(Segmented::open(hub, id, owner, stream, &self.settings)))
    }
}

struct Segmented {
    segmenter: Segmenter<ZoneSink>,
    /// Messages that wait until it is known which tracks there are.
    waiting: Vec<Waiting>,
    settled: bool,
    stream: Stream,
    resumes: Option<u64>,
    continuous: bool,
    /// That a segment had to be cut was said.
    told: bool,
    /// Up to which message everything is done, as was noted last: while nothing is open no part tells of it.
    noted: u64,
    /// Something has happened to the stream since.
    paused: bool,
}

struct Waiting {
    kind: u8,
    seq: u64,
    time: u32,
    wall: u64,
    payload: Vec<u8>,
}

/// Parts go to the zone.
struct ZoneSink {
    hub: &'static Hub,
    id: ChannelId,
    owner: Owner,
    timeline: Rc<RefCell<Timeline>>,
    /// Files, where there are to be some.
    outputs: Vec<Rc<Output>>,
    max_age: u64,
    /// What is there is not shown any more.
    clear: bool,
    /// That parts are lost was said.
    told: bool,
    name: String,
}

impl Segmented {
    fn open(
        hub: &'static Hub,
        id: ChannelId,
        owner: Owner,
        stream: Stream,
        settings: &Settings,
    ) -> Segmented {
        let max_age = match settings.kind {
            Kind::Live => ENDED_MS,
            Kind::Event => EVENT_MS,
        };
        let mut known = Timeline::new(settings.kept());
        timeline::follow(&mut known, hub.attachment, id);
        let newest = known.newest;
        let open = known.segments.back();
        let tracks = newest.and_then(|(_, last)| {
            open.filter(|open| open.msn == last.msn).map(|open| (*open.tracks).clone())
        });
        let name = format!("{}/{}", stream.app, String::from_utf8_lossy(&stream.name));
        let timeline = Rc::new(RefCell::new(known));
        let outputs = settings
            .files
            .iter()
            .filter_map(|files| Output::open(files, &stream, timeline.clone(), (hub, id)));
        let outputs = outputs.collect();
        let (clear, told) = (false, false);
        let sink = ZoneSink { hub, id, owner, timeline, outputs, max_age, clear, told, name };
        let (segmenter, resumes) = match newest {
            Some((first, last)) if tracks.is_some() || last.flags & ENDED != 0 => {
                let tracks = tracks.unwrap_or_default();
                let segmenter = Segmenter::resume(settings.options, sink, &first, &last, tracks);
                let resumes = (last.flags & ENDED == 0).then(|| segmenter.given());
                (segmenter, resumes)
            }
            // What was open is gone: a zone that is too small.
            Some((_, last)) => {
                let new = (last.msn + 1, last.discontinuities);
                (Segmenter::new(settings.options, sink, new.0, new.1), None)
            }
            None => {
                let unix = rt::wall().as_secs();
                (Segmenter::new(settings.options, sink, unix, unix / 60), None)
            }
        };
        let (mut segmenter, mut resumes) = (segmenter, resumes);
        let noted = stream.note.as_deref().and_then(|note| note.first_chunk());
        let noted = noted.map_or(0, |note| u64::from_le_bytes(*note));
        if resumes.is_some_and(|seq| seq < noted) {
            // Everything was done, and what came then was no part of it.
            segmenter.pause();
            segmenter.pass(noted);
            resumes = Some(noted);
        }
        let settled = resumes.is_some();
        let (waiting, continuous, told) = (Vec::new(), settings.continuous, false);
        let paused = false;
        Segmented { segmenter, waiting, settled, stream, resumes, continuous, told, noted, paused }
    }

    /// All that has waited is looked at.
    fn settle_tracks(&mut self) {
        self.settled = true;
        for waiting in std::mem::take(&mut self.waiting) {
            let Waiting { kind, seq, time, wall, payload } = &waiting;
            self.media(*kind, &Media { seq: *seq, time: *time, wall: *wall, payload });
        }
    }

    fn media(&mut self, kind: u8, media: &Media<'_>) {
        match kind {
            message::VIDEO => self.segmenter.video(media),
            message::AUDIO => self.segmenter.audio(media),
            _ => self.segmenter.pass(media.seq),
        }
    }
}

impl Segmented {
    /// Up to which message there is nothing to be done, if nothing is open.
    fn ready(&self) -> Option<u64> {
        let first = self.waiting.first().map(|waiting| waiting.seq - 1);
        (!self.segmenter.is_open()).then(|| self.segmenter.seen().min(first.unwrap_or(u64::MAX)))
    }
}

impl Follow for Segmented {
    fn resumes(&self) -> Option<u64> {
        self.resumes
    }

    fn message(&mut self, message: &Message<'_>) {
        let Message { kind, seq, time, wall, payload, .. } = *message;
        if !self.settled && !message.is_settled() {
            let bytes: usize = self.waiting.iter().map(|waiting| waiting.payload.len()).sum();
            if bytes + payload.len() <= WAITING {
                let payload = payload.to_vec();
                self.waiting.push(Waiting { kind, seq, time, wall, payload });
                return;
            }
        }
        if !self.settled {
            self.settle_tracks();
        }
        self.media(kind, &Media { seq, time, wall, payload });
    }

    fn change(&mut self, change: Change, seq: u64, wall: u64) {
        self.settle_tracks();
        match change {
            Change::Began | Change::Resumed => {
                self.segmenter.pause();
                self.settled = false;
                if change == Change::Began && !self.continuous {
                    self.segmenter.sink_mut().clear = true;
                }
            }
            Change::Broke => self.segmenter.pause(),
            Change::Ended => self.segmenter.end(wall),
        }
        self.segmenter.pass(seq);
        self.paused = true;
    }

    fn lost(&mut self) {
        self.settle_tracks();
        self.segmenter.pause();
        let name = &self.segmenter.sink().name;
        sys::log!(
            Warn,
            "the stream \"{name}\" has a gap in its segments: the rtmp_zone is too small"
        );
    }

    fn settle(&mut self) -> bool {
        if self.segmenter.forced && !std::mem::replace(&mut self.told, true) {
            let (app, name) = (self.stream.app, String::from_utf8_lossy(&self.stream.name));
            sys::log!(
                Warn,
                "segments of the stream \"{app}/{name}\" do not begin with key frames: its encoder sends them too \
                 rarely; set its interval to hls_fragment or less"
            );
        }
        !self.segmenter.is_over()
    }

    fn is_finished(&self) -> bool {
        self.segmenter.sink().outputs.iter().filter(|output| !output.is_finished()).count() == 0
    }

    fn done(&self) -> u64 {
        match self.ready() {
            None => self.segmenter.given(),
            Some(_) => self.noted.max(self.segmenter.given()),
        }
    }

    fn note(&mut self) -> Option<Vec<u8>> {
        let ready = self.ready()?;
        let due = ready >= self.noted + NOTED || std::mem::take(&mut self.paused);
        if !due || ready <= self.noted.max(self.segmenter.given()) {
            return None;
        }
        self.noted = ready;
        Some(ready.to_le_bytes().to_vec())
    }
}

impl Drop for Segmented {
    fn drop(&mut self) {
        let sink = self.segmenter.sink();
        sink.hub.attachment.zone().release(sink.id, sink.owner);
    }
}

impl Sink for ZoneSink {
    fn part(&mut self, head: &Head, tracks: Option<&Tracks>, media: &[&[u8]]) -> bool {
        let ended = head.flags & ENDED != 0;
        let mut timeline = self.timeline.borrow_mut();
        let mut unneeded = timeline.unneeded();
        if std::mem::take(&mut self.clear) {
            unneeded = timeline.cursor;
            timeline.lost(unneeded);
        }
        let attributes = Attributes {
            flags: if tracks.is_some() { MARK } else { 0 },
            owner: Some(self.owner),
            max_age: if ended { self.max_age } else { 0 },
            unneeded,
            ..Attributes::default()
        };
        let mut len = 0;
        let front = |_, out: &mut Vec<u8>| {
            head.write(out);
            if let Some(tracks) = tracks {
                tracks.write(out);
            }
            len = out.len();
        };
        let appended = self.hub.attachment.zone().append_to(self.id, &attributes, front, media);
        match appended {
            Ok(appended) => {
                self.told = false;
                timeline.add(appended.seq, head, tracks.cloned(), len);
                drop(timeline);
                if head.flags & (LAST | ENDED) != 0 {
                    self.outputs.iter().for_each(|output| output.update());
                }
                true
            }
            Err(AppendError::NotOwner) => false,
            Err(error) => {
                if !std::mem::replace(&mut self.told, true) {
                    sys::log!(Error, "segments of the stream \"{}\" are lost: {error}", self.name);
                }
                true
            }
        }
    }
}
