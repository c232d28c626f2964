//! One stream's segmenter, as a follower of the stream.

use std::cell::RefCell;
use std::rc::Rc;

use broadcast::{ChannelId, Owner};
use proto::rtmp::message;
use rtmp::follow::{Change, Follow, Message, Stream};

use crate::archive::Archive;
use crate::cue::Cues;
use crate::files::Output;
use crate::numbers::{self, Pace};
use crate::part::{ENDED, Head};
use crate::segmenter::tracks::Tracks;
use crate::segmenter::{Media, Options, Segmenter};
use crate::settings::{Kind, Settings};
use crate::sink::ZoneSink;
use crate::tell::Teller;
use crate::timeline::{self, Timeline};
use crate::zone::Hub;

/// Of a stream of which nothing can be made it is noted after so many messages how far it is.
const NOTED: u64 = 64;
/// So many bytes wait for what shows which tracks there are.
const WAITING: usize = 8 << 20;
/// A message that waits counts for so many more.
const WAITING_EACH: usize = 64;
/// Segments are counted from the time of day in seconds on, so that a cold start goes forward only. They may be ahead of it by
/// so many, for what is sent faster than time passes; then the rest waits in the log.
const AHEAD: u64 = 60;
/// What cannot wait is left out when they are so far ahead.
const TOO_FAR_AHEAD: u64 = 2 * AHEAD;

/// A stream that is being cut.
pub struct Segmented {
    segmenter: Segmenter<ZoneSink>,
    pace: Pace,
    /// Messages that wait until it is known which tracks there are.
    waiting: Vec<Waiting>,
    /// Bytes of these.
    waiting_bytes: usize,
    settled: bool,
    /// Nothing was known of the stream when it began.
    is_fresh: bool,
    stream: Stream,
    resumes: Option<u64>,
    continuous: bool,
    /// What the publisher says of breaks is looked at.
    cue: bool,
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

impl Segmented {
    /// Goes on with what the zone has of the stream.
    pub fn open(
        hub: &'static Hub,
        id: ChannelId,
        owner: Owner,
        stream: Stream,
        settings: &Settings,
        teller: Option<Teller>,
    ) -> Segmented {
        let max_age = settings.ended();
        let mut known = Timeline::new(settings.reach.memory, None);
        timeline::follow(&mut known, hub.attachment, id);
        let (newest, cues, sound) = (known.newest, known.cues.clone(), known.sound_end());
        let open = known.segments.back();
        let tracks = newest.and_then(|(_, last)| {
            open.filter(|open| open.msn == last.msn).map(|open| (*open.tracks).clone())
        });
        let name = format!("{}/{}", stream.app, String::from_utf8_lossy(&stream.name));
        let timeline = Rc::new(RefCell::new(known));
        let output = |files| Output::open(files, &stream, timeline.clone(), (hub, id), owner);
        let outputs = settings.files.iter().filter_map(output).collect();
        let archive = settings.reach.window.as_ref().and_then(|window| {
            let ended = (settings.kind == Kind::Live).then_some(max_age);
            Archive::open(window, ended, &stream, timeline.clone(), (hub, id), newest.is_none())
        });
        let (clear, told, expired) = (false, false, 0);
        let sink = ZoneSink {
            hub,
            id,
            owner,
            timeline,
            outputs,
            archive,
            teller,
            max_age,
            clear,
            told,
            expired,
            name,
        };
        let (mut segmenter, mut resumes) =
            segmenter(settings.options, sink, newest, (tracks, cues.as_deref(), sound));
        let noted = stream.note.as_deref().and_then(|note| note.first_chunk());
        let noted = noted.map_or(0, |note| u64::from_le_bytes(*note));
        if resumes.is_some_and(|seq| seq < noted) {
            // Everything was done, and what came then was no part of it.
            segmenter.pause();
            segmenter.pass(noted);
            resumes = Some(noted);
        }
        if !settings.cue {
            segmenter.drop_cues();
        }
        Segmented {
            segmenter,
            pace: Pace::default(),
            waiting: Vec::new(),
            waiting_bytes: 0,
            settled: resumes.is_some(),
            is_fresh: newest.is_none(),
            stream,
            resumes,
            continuous: settings.continuous,
            cue: settings.cue,
            told: false,
            noted,
            paused: false,
        }
    }

    /// All that has waited is looked at, once it is known which tracks it and the `newest` message tell of.
    fn settle_tracks(&mut self, newest: Option<(u8, &[u8])>) {
        self.settled = true;
        self.waiting_bytes = 0;
        let all = std::mem::take(&mut self.waiting);
        let told = all.iter().map(|waiting| (waiting.kind, &waiting.payload[..])).chain(newest);
        told.for_each(|(kind, payload)| self.segmenter.announce(kind, payload));
        for waiting in all {
            let Waiting { kind, seq, time, wall, payload } = &waiting;
            self.media(*kind, &Media { seq: *seq, time: *time, wall: *wall, payload });
        }
    }

    /// By how many its numbers are ahead of the time of day.
    fn ahead(&self) -> u64 {
        self.pace.ahead(self.segmenter.number(), rt::wall().as_secs(), rt::now())
    }

    fn media(&mut self, kind: u8, media: &Media<'_>) {
        self.segmenter.refuses = self.ahead() > TOO_FAR_AHEAD;
        match kind {
            message::VIDEO => self.segmenter.video(media),
            message::AUDIO => self.segmenter.audio(media),
            message::DATA if self.cue => self.segmenter.data(media),
            _ => self.segmenter.pass(media.seq),
        }
    }
}

/// Goes on behind the newest part, whose segment has these tracks, which tells of these cues, where the sound has ended there,
/// and behind which message; or begins anew.
fn segmenter(
    options: Options,
    sink: ZoneSink,
    newest: Option<(Head, Head)>,
    (tracks, cues, sound): (Option<Tracks>, Option<&Cues>, Option<u64>),
) -> (Segmenter<ZoneSink>, Option<u64>) {
    match newest {
        Some((first, last)) => {
            // What was open may be gone: a zone that is too small.
            let goes_on = tracks.is_some() && !last.has(ENDED);
            let segmenter = Segmenter::resume(options, sink, (&first, &last), tracks, cues, sound);
            let resumes = goes_on.then(|| segmenter.given());
            (segmenter, resumes)
        }
        None => {
            let (msn, discontinuities) = numbers::first(rt::wall().as_secs());
            (Segmenter::new(options, sink, msn, discontinuities), None)
        }
    }
}

impl Segmented {
    /// Of a stream that is in no memory the files tell from where its segments are counted; once.
    fn count(&mut self) {
        if !std::mem::take(&mut self.is_fresh) {
            return;
        }
        let ZoneSink { outputs, archive, .. } = self.segmenter.sink();
        let archived = archive.as_ref().and_then(|archive| archive.behind());
        let listed = outputs.iter().filter_map(|output| output.behind());
        // What players were told counts for more than what nobody was.
        let behind = archived.into_iter().chain(listed);
        if let Some(behind) = behind.max_by_key(|it| (it.told.is_some(), it.next)) {
            let told = behind.told.map(|told| (told.discontinuities, told.target));
            self.segmenter.count_behind(behind.next, told);
        }
    }

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

    fn takes(&self) -> bool {
        let ZoneSink { outputs, archive, .. } = self.segmenter.sink();
        let is_ready = !archive.as_ref().is_some_and(|archive| archive.is_awaited())
            && !outputs.iter().any(|output| output.is_awaited());
        // What a worker that ends has not read may be read by nobody.
        is_ready && (rt::draining() || self.ahead() <= AHEAD)
    }

    fn message(&mut self, message: &Message<'_>) {
        self.count();
        let Message { kind, seq, time, wall, payload, .. } = *message;
        if !self.settled && !message.is_settled() {
            let bytes = self.waiting_bytes + payload.len() + WAITING_EACH;
            if bytes <= WAITING {
                self.waiting_bytes = bytes;
                let payload = payload.to_vec();
                self.waiting.push(Waiting { kind, seq, time, wall, payload });
                return;
            }
        }
        if !self.settled {
            self.settle_tracks(Some((kind, payload)));
        }
        self.media(kind, &Media { seq, time, wall, payload });
    }

    fn change(&mut self, change: Change, seq: u64, wall: u64) {
        self.count();
        self.settle_tracks(None);
        match change {
            Change::Began | Change::Resumed => {
                self.segmenter.pause();
                self.settled = false;
                if change == Change::Began {
                    self.segmenter.leave_cues(seq);
                }
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
        self.settle_tracks(None);
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

    fn is_idle(&self) -> bool {
        self.segmenter.sink().outputs.iter().all(|output| output.is_idle())
    }

    fn replaced(&mut self) {
        self.segmenter.sink().outputs.iter().for_each(|output| output.leave());
    }

    fn is_finished(&self) -> bool {
        let ZoneSink { outputs, archive, .. } = self.segmenter.sink();
        let files = outputs.iter().filter(|output| !output.is_finished()).count();
        files == 0 && archive.as_ref().is_none_or(|archive| archive.is_finished())
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
