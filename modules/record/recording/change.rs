//! Files are opened and ended, and who listens is told.

use std::rc::Rc;

use live::appender::Failed;
use rtmp::follow::Change;
use serde::Serialize;

use crate::file::flv::Flv;
use crate::file::open::{How, Opened, begin};
use crate::recording::frame::Header;
use crate::recording::held::{Item, What};
use crate::recording::note::Last;
use crate::recording::state::{Beginning, Mark, Phase, Recording, State, Why, Writing};
use crate::settings::Sync;

/// After an error it is tried again.
const RETRY_MS: u64 = 10_000;
/// A file that another still has is asked for again, and so often; if it is this recording's, it is taken then.
const AGAIN_MS: u64 = 100;
const TRIES: u32 = 20;

/// What listeners are told of a file.
#[derive(Serialize)]
struct Told<'a> {
    app: &'a str,
    name: &'a str,
    recorder: &'a str,
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

impl Recording {
    /// Something has happened to the stream. `false`: it is to come again, when a file has ended.
    pub fn changed(&self, state: &mut State, item: &Item<'_>) -> bool {
        let What::Change(change) = item.what else { return true };
        match (change, &mut state.phase) {
            (Change::Began | Change::Ended, Phase::Writing(_)) => {
                self.end(state, Why::End);
                return false;
            }
            (Change::Began | Change::Ended, _) => {
                state.last = None;
                state.named = None;
                state.wanted = !self.recorder.what.manual;
                state.retry_at = 0;
                state.changed = true;
            }
            // Its publisher may never come back.
            (Change::Broke, Phase::Writing(writing)) => {
                writing.flv.seal();
                writing.mark(item.seq);
                writing.flv.appender.flush();
            }
            _ => {}
        }
        if !matches!(state.phase, Phase::Writing(_)) {
            state.advance(item.seq);
        }
        true
    }

    /// Has another thread open a file.
    pub fn open(&self, state: &mut State, beginning: Beginning) {
        let Some(me) = self.me.upgrade() else { return };
        let recorder = &self.recorder;
        let (journal, lock, index) = (recorder.journal.share(), recorder.lock, recorder.index);
        let (path, how, sole) =
            (beginning.path.clone(), beginning.how, !self.takes_over(state, &beginning));
        let now = rt::wall().as_secs();
        state.phase = Phase::Opening(beginning);
        let job = rt::offload(move || {
            let opened = begin(&path, how, sole, index)?;
            if lock {
                let locked = sys::lock::visible(&opened.file);
                live::appender::at("fcntl", locked)?;
            }
            let noted = journal.note(&path, &opened.file, true, now);
            Ok((opened, noted.map_err(|error| format!("{}: {error}", journal.path().display()))))
        });
        rt::spawn(async move {
            let opened = job.await;
            let state = &mut *me.state.borrow_mut();
            if !state.replaced {
                me.opened(state, opened);
                me.drain(state);
            }
        });
    }

    fn opened(&self, state: &mut State, opened: Result<(Opened, Result<(), String>), Failed>) {
        let phase = std::mem::replace(&mut state.phase, Phase::Idle);
        let Phase::Opening(beginning) = phase else { return };
        state.changed = true;
        match opened {
            Ok((opened, noted)) => {
                if let Err(why) = noted {
                    sys::log!(Error, "{} cannot note its file: {why}", self.label());
                }
                self.begun(state, beginning, opened);
            }
            Err(failed) if failed.is_busy() && beginning.tries < TRIES => {
                state.phase = Phase::Opening(Beginning { tries: beginning.tries + 1, ..beginning });
                let me = self.me.clone();
                rt::after(AGAIN_MS, move || {
                    let Some(me) = me.upgrade() else { return };
                    let state = &mut *me.state.borrow_mut();
                    if let Phase::Opening(beginning) = &state.phase
                        && !state.replaced
                    {
                        let beginning = beginning.clone();
                        me.open(state, beginning);
                    }
                });
            }
            Err(failed) => {
                let path = beginning.path.display().to_string();
                self.failed(state, &format!("\"{path}\": {failed}"));
                if beginning.resumed.is_some() {
                    // What was in it stays: the next one does not replace it.
                    state.last =
                        Some(Last { path: beginning.path, begun: beginning.begun, failed: true });
                }
            }
        }
    }

    /// Whether a file is opened although another has it: it is this recording's, and a process that stands still does not
    /// let it go.
    fn takes_over(&self, state: &State, beginning: &Beginning) -> bool {
        let is_last = state.last.as_ref().is_some_and(|last| last.path == beginning.path);
        beginning.tries >= TRIES && (beginning.resumed.is_some() || is_last)
    }

    fn begun(&self, state: &mut State, beginning: Beginning, opened: Opened) {
        let me = self.me.clone();
        let told = move || {
            let Some(me) = me.upgrade() else { return };
            let state = &mut *me.state.borrow_mut();
            if !state.replaced {
                me.wrote(state);
                me.drain(state);
            }
        };
        let Opened { file, walked, .. } = opened;
        let (path, mut begun) = (beginning.path.clone(), beginning.begun);
        let resumed = beginning.resumed;
        let is_new = walked.is_none();
        let mut flv = match walked {
            None => {
                let wanted = self.described(state);
                Flv::create(file, path, &wanted, self.recorder.index, told)
            }
            Some(walked) => {
                let has_video = resumed.as_ref().map_or_else(
                    || self.recorder.has_video() && state.description.video.is_some(),
                    |open| open.has_video,
                );
                let last = walked.last;
                let flv = Flv::go_on(file, path, walked, has_video, told);
                let is_appended = beginning.how == How::Append;
                // A file that was there goes on where its last frame is; ours after an error has its times.
                if is_appended && !state.last.as_ref().is_some_and(|known| known.failed) {
                    begun.shift = last.map_or(0, |last| last.saturating_add(1));
                }
                flv
            }
        };
        if is_new || resumed.is_none() {
            let wanted = |header: &&Header| self.recorder.wants(header.is_video(), true);
            for header in state.headers.iter().filter(wanted) {
                flv.tag(header.kind, begun.shift, &header.payload, false);
            }
        }
        let (frames, has_key) = resumed.as_ref().map_or((0, false), |it| (it.frames, it.has_key));
        let written = Mark { end: flv.appender.written(), seq: state.done, frames, has_key };
        let now = rt::now();
        let path = beginning.path.to_string_lossy().into_owned();
        state.phase = Phase::Writing(Box::new(Writing {
            flv,
            begun,
            has_key,
            frames,
            marks: Default::default(),
            written,
            flushed_at: now,
            synced_at: now,
            told_moved: false,
        }));
        if std::mem::take(&mut state.is_failing) {
            sys::log!(Notice, "{} records again: \"{path}\"", self.label());
        }
        if resumed.is_none() {
            self.tell("record_start", &path, None, None);
        }
        if !state.wanted {
            self.end(state, Why::Stopped);
        }
    }

    /// What is in the file, as far as it is known.
    fn described(&self, state: &State) -> proto::flv::recording::Description {
        let mut description = state.description;
        if !self.recorder.has_video() {
            description.video = None;
        }
        if !self.recorder.what.audio {
            description.audio = None;
        }
        description
    }

    /// Ends the file that is written.
    pub fn end(&self, state: &mut State, why: Why) {
        let phase = std::mem::replace(&mut state.phase, Phase::Idle);
        let Phase::Writing(writing) = phase else {
            state.phase = phase;
            return;
        };
        writing.flv.seal();
        if self.recorder.sync != Sync::Off {
            writing.flv.appender.sync();
        }
        writing.flv.appender.flush();
        state.phase = Phase::Ending(writing, why);
    }

    /// Another thread has done what it was to do.
    fn wrote(&self, state: &mut State) {
        state.changed = true;
        match &mut state.phase {
            Phase::Writing(writing) => {
                self.look(writing);
                let seq = writing.settle().seq;
                let failed = writing.flv.appender.failed();
                state.advance(seq);
                if let Some(why) = failed {
                    self.cut(state, &why);
                }
            }
            Phase::Ending(writing, _) if writing.flv.appender.is_idle() => {
                let phase = std::mem::replace(&mut state.phase, Phase::Idle);
                let Phase::Ending(mut writing, why) = phase else { return };
                self.look(&mut writing);
                self.ended(state, writing, why);
            }
            _ => {}
        }
    }

    /// A file that was moved is recorded on; what is in its place is another's.
    fn look(&self, writing: &mut Writing) {
        let moved = writing.flv.appender.is_replaced();
        if moved && !std::mem::replace(&mut writing.told_moved, true) {
            let path = writing.flv.appender.path();
            sys::log!(Warn, "{}: \"{}\" is not the file any more", self.label(), path.display());
        }
    }

    /// The file cannot be written on: it ends where it is whole.
    fn cut(&self, state: &mut State, why: &str) {
        if let Phase::Writing(writing) = &state.phase {
            let path = writing.flv.appender.path();
            self.failed(state, &format!("\"{}\": {why}", path.display()));
        }
        if let Phase::Writing(writing) = &state.phase {
            writing.flv.appender.recover();
        }
        self.end(state, Why::Failed);
    }

    /// It does not go on for now.
    fn failed(&self, state: &mut State, why: &str) {
        state.retry_at = rt::now() + RETRY_MS;
        if !std::mem::replace(&mut state.is_failing, true) {
            sys::log!(Error, "{} stops, and is tried every 10 s: {why}", self.label());
        }
    }

    fn ended(&self, state: &mut State, mut writing: Box<Writing>, why: Why) {
        let appender = &writing.flv.appender;
        let (path, error) = (appender.path(), appender.failed());
        let (size, duration) = (appender.written(), writing.flv.duration());
        if let Some(error) = &error {
            sys::log!(Error, "{}: \"{}\" cannot be ended: {error}", self.label(), path.display());
        }
        // What was not written is in no file.
        let written = writing.settle();
        let last = writing.marks.back().map_or(written.seq, |mark| mark.seq);
        state.advance(last);
        let begun = writing.begun;
        state.last = Some(Last { path: path.clone(), begun, failed: why == Why::Failed });
        let (journal, now) = (self.recorder.journal.share(), rt::wall().as_secs());
        let file = writing.flv.appender.file();
        let noted = path.clone();
        drop(rt::offload(move || journal.note(&noted, &file, false, now)));
        let path = path.to_string_lossy();
        let error = match why {
            Why::Failed => Some("the file could not be written"),
            _ => None,
        };
        self.tell("record_done", &path, Some((duration, size)), error);
        self.recorder.telling.record_done(&self.stream, &self.recorder.name, path.as_bytes());
    }

    fn tell(&self, event: &str, path: &str, totals: Option<(u64, u64)>, error: Option<&str>) {
        let told = Told {
            app: self.stream.app,
            name: &String::from_utf8_lossy(&self.stream.name),
            recorder: &self.recorder.name,
            path,
            duration: totals.map(|(duration, _)| duration as f64 / 1000.0),
            size: totals.map(|(_, size)| size),
            error,
        };
        self.recorder.telling.event(event, &serde_json::to_vec(&told).unwrap_or_default());
        if self.recorder.notify {
            let code = match totals {
                None => "NetStream.Record.Start",
                Some(_) => "NetStream.Record.Stop",
            };
            self.recorder.telling.publisher(&self.stream, code, &self.recorder.name);
        }
    }
}

/// Where the strong references of a recording are: its follower, and what other threads do for it.
pub type Shared = Rc<Recording>;
