//! Frames: which go into the file, and where a file begins and ends.

use proto::rtmp::message;

use crate::file::muxer::{picture_of, sound_of};
use crate::file::name::behind;
use crate::file::open::How;
use crate::recording::frame::{Frame, describe};
use crate::recording::held::{Item, What};
use crate::recording::note::Begun;
use crate::recording::state::{Beginning, MOST_PENDING, Phase, Recording, State, Why, Writing};

/// FLV's times have 31 bits with some readers: a file has no more than 24 days.
const LONGEST_MS: u32 = 24 * 24 * 3600 * 1000;

/// A file is not waited with for longer, when nothing comes that says what is in the stream.
const GATHER_MS: u64 = 3000;

/// A picture or a sound.
#[derive(Clone, Copy)]
struct Media {
    video: bool,
    key: bool,
    time: u32,
    wall: u64,
}

impl Recording {
    /// Takes what comes next: at once, or later.
    pub fn give(&self, state: &mut State, item: Item<'_>) {
        if state.done == 0 {
            // Who goes on after this process begins here, too.
            (state.done, state.changed) = (item.seq.saturating_sub(1), true);
        }
        if !state.held.is_empty() || !state.phase.is_open() || !self.take(state, &item) {
            self.hold(state, item);
        }
    }

    /// Takes what is held, as far as that goes.
    pub fn drain(&self, state: &mut State) {
        while state.phase.is_open() {
            let Some(item) = state.held.pop_front() else { return };
            if !self.take(state, &item) {
                state.held.push_front(item);
                return self.gather(state);
            }
            state.held_len -= item.len();
        }
    }

    fn hold(&self, state: &mut State, item: Item<'_>) {
        if let What::Message { kind, payload, .. } = &item.what {
            describe(&mut state.description, *kind, payload);
        }
        let item = item.into_owned();
        state.held_len += item.len();
        state.held.push_back(item);
        self.gather(state);
    }

    /// A file is opened as soon as it is known what is to be in it.
    pub fn gather(&self, state: &mut State) {
        let Phase::Gathering(beginning) = &state.phase else { return };
        let is_late = rt::now() >= beginning.since + GATHER_MS || rt::draining();
        let is_enough = |item: &Item<'_>| match item.what {
            What::Message { settled, .. } => settled,
            What::Change(_) => true,
        };
        if is_late || state.held_len > MOST_PENDING || state.held.iter().any(is_enough) {
            let beginning = beginning.clone();
            self.open(state, beginning);
        }
    }

    /// `false`: it is to come again when the phase is another.
    fn take(&self, state: &mut State, item: &Item<'_>) -> bool {
        let What::Message { kind, time, frame, payload, .. } = &item.what else {
            return self.changed(state, item);
        };
        if matches!(frame, Frame::Header) || !matches!(state.phase, Phase::Writing(_)) {
            describe(&mut state.description, *kind, payload);
        }
        state.has_no_place = state.has_no_place && !tells_track(*kind, payload);
        match *frame {
            Frame::Header => self.header(state, *kind, *time, payload, item.seq),
            Frame::Media { video, key } => {
                let media = Media { video, key, time: *time, wall: item.wall };
                return self.media(state, media, payload, item.seq);
            }
            Frame::Other => {}
        }
        pass(state, item.seq);
        true
    }

    fn header(&self, state: &mut State, kind: u8, time: u32, payload: &[u8], seq: u64) {
        let is_new = state.header(kind, payload, seq);
        if let Phase::Writing(writing) = &mut state.phase
            && is_new
            && self.recorder.wants(kind == message::VIDEO, true)
        {
            let time = in_file(writing.begun, time);
            if !writing.film.header(kind, time, payload) {
                match kind == message::AUDIO && writing.has_key {
                    true => writing.mute(),
                    false => self.end(state, Why::Header),
                }
            }
        }
    }

    fn media(&self, state: &mut State, media: Media, payload: &[u8], seq: u64) -> bool {
        let wanted = self.recorder.wants(media.video, media.key);
        match &mut state.phase {
            Phase::Writing(writing) if writing.is_stale && media.video && media.key => {
                self.end(state, Why::Header);
                false
            }
            Phase::Writing(writing) if self.is_over(writing, media) => {
                self.end(state, Why::Next);
                false
            }
            Phase::Writing(writing) => {
                if !media.video && wanted && writing.film.is_new_sound(payload) {
                    match writing.has_key {
                        true => writing.mute(),
                        false => {
                            self.end(state, Why::Header);
                            return false;
                        }
                    }
                }
                // What comes before the first key frame cannot be decoded.
                if wanted && (!media.video || media.key || writing.has_key) {
                    writing.has_key |= media.video;
                    let kind = if media.video { message::VIDEO } else { message::AUDIO };
                    let time = in_file(writing.begun, media.time);
                    writing.frame(kind, time, payload, media.key);
                }
                writing.mark(seq);
                let limits = (self.recorder.max_size, self.recorder.max_frames);
                let is = |limit: u64, now: u64| limit > 0 && now >= limit;
                if is(limits.0, writing.film.len()) || is(limits.1, writing.frames) {
                    self.end(state, Why::Full);
                }
                true
            }
            _ => match self.begins(state, media) {
                Some(beginning) => {
                    state.phase = Phase::Gathering(beginning);
                    false
                }
                None => {
                    pass(state, seq);
                    true
                }
            },
        }
    }

    /// Whether the next file is to begin with this frame.
    fn is_over(&self, writing: &Writing, media: Media) -> bool {
        let recorder = &self.recorder;
        let passed = media.time.wrapping_sub(writing.begun.time);
        let interval = recorder.interval > 0 && u64::from(passed) >= recorder.interval;
        let spans = recorder.span(writing.begun.wall) != recorder.span(media.wall);
        let has_passed = passed < u32::MAX / 2;
        recorder.is_break(media.video, media.key)
            && has_passed
            && (interval || spans || passed > LONGEST_MS)
    }

    /// The file that begins with this frame, if one does.
    fn begins(&self, state: &mut State, media: Media) -> Option<Beginning> {
        let recorder = &self.recorder;
        if !state.wanted || state.has_no_place || rt::now() < state.retry_at {
            return None;
        }
        let is_break = recorder.is_break(media.video, media.key);
        let may = match &state.last {
            None if recorder.what.manual => is_break,
            // What is heard before the first picture is seen belongs to it.
            None => recorder.wants(media.video, media.key) && (!media.video || media.key),
            Some(last) if last.failed || last.cut || recorder.interval == 0 => is_break,
            Some(last) => {
                let passed = media.time.wrapping_sub(last.begun.time);
                is_break && u64::from(passed) >= recorder.interval
            }
        };
        if !may {
            return None;
        }
        let begun = Begun { time: media.time, shift: 0, wall: media.wall };
        // An operator was told so.
        let is_named = state.named.is_some();
        let is_cut = state.last.as_ref().is_some_and(|last| last.cut);
        // That of what was cut may have a number.
        let same = state.last.as_ref().filter(|_| !is_cut && recorder.naming.is_constant());
        let named = state.named.take().or_else(|| same.map(|last| last.path.clone()));
        let name = || recorder.naming.path(&self.stream.name, media.wall / 1000);
        let path = match named.map_or_else(name, Ok) {
            Ok(path) => path,
            Err(why) => {
                sys::log!(Error, "{} does not begin: {why}", self.label());
                state.wanted = false;
                return None;
            }
        };
        // A name with the time in it comes again where the clock was set back, and may be that of what was just recorded.
        let is_once = is_cut
            || !is_named
                && (recorder.naming.is_unique()
                    || state.last.is_some() && !recorder.naming.is_constant());
        let (mut how, mut begun) = match (recorder.append, is_once) {
            (true, _) if !is_cut => (How::Append, begun),
            (_, true) => (How::New, begun),
            (_, false) => (How::Replace, begun),
        };
        if let Some(last) = state.last.as_ref().filter(|last| !is_cut && last.path == path) {
            if last.failed {
                (how, begun) = (How::Append, last.begun);
            } else if recorder.interval == 0 && recorder.align == 0 && !recorder.what.manual {
                // In the next second it has another name; else it would take its own place.
                if recorder.naming.is_constant() {
                    let path = path.display();
                    let label = self.label();
                    sys::log!(Notice, "{label} ends: the next file would be \"{path}\" again");
                    state.wanted = false;
                }
                return None;
            }
        }
        // Who is told of the file before it is there is told its name.
        let path = match &state.last {
            Some(last) if how == How::New && !last.failed => behind(path, &last.path),
            _ => path,
        };
        Some(Beginning { path, how, begun, resumed: None, tries: 0, since: rt::now() })
    }
}

/// Whether a message tells of a track.
fn tells_track(kind: u8, payload: &[u8]) -> bool {
    match kind {
        message::VIDEO => picture_of(payload).is_some(),
        message::AUDIO => sound_of(payload).is_some(),
        _ => false,
    }
}

/// What came up to this seq needs nothing more, or is in the file with what was written.
fn pass(state: &mut State, seq: u64) {
    match &mut state.phase {
        Phase::Writing(writing) => writing.mark(seq),
        _ => {
            state.advance(seq);
            // Before the first file: what follows is to be in it, whoever begins it.
            state.changed |= state.wanted && state.last.is_none();
        }
    }
}

/// The time in the file. What comes a little too late begins with it.
fn in_file(begun: Begun, time: u32) -> u32 {
    let passed = time.wrapping_sub(begun.time);
    let passed = if passed > u32::MAX / 2 { 0 } else { passed };
    begun.shift.saturating_add(passed)
}
