//! Files are ended, and who listens is told.

use std::io;
use std::rc::Rc;

use proto::flv::recording::Description;
use rtmp::follow::Change;
use serde::Serialize;

use crate::file::journal::{Entry, Journal};
use crate::recording::frame::Headers;
use crate::recording::held::{Item, What};
use crate::recording::note::Last;
use crate::recording::state::{Phase, Recording, State, Why, Writing};
use crate::settings::Sync;

/// After an error it is tried again.
const RETRY_MS: u64 = 10_000;
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
                // Who begins sends what there is in it.
                (state.headers, state.headers_before) = (Headers::default(), None);
                state.description = Description::default();
                state.wanted = !self.recorder.what.manual;
                (state.retry_at, state.has_no_place, state.told_no_place) = (0, false, false);
                state.changed = true;
            }
            // Its publisher may never come back.
            (Change::Broke, Phase::Writing(writing)) => writing.whole(item.seq),
            _ => {}
        }
        if !matches!(state.phase, Phase::Writing(_)) {
            state.advance(item.seq);
        }
        true
    }

    /// The process ends: what is collected is written, and the file is whole as far as it goes.
    pub fn leave(&self, state: &mut State) {
        let (Some(len), Phase::Writing(writing)) = (state.leaves, &mut state.phase) else { return };
        if state.held.is_empty() && writing.film.len() != len {
            writing.whole(writing.seq);
            state.leaves = Some(writing.film.len());
        }
    }

    /// Ends the file that is written.
    pub fn end(&self, state: &mut State, why: Why) {
        let phase = std::mem::replace(&mut state.phase, Phase::Idle);
        let Phase::Writing(mut writing) = phase else {
            state.phase = phase;
            return;
        };
        writing.film.settle();
        writing.mark(writing.seq);
        // Of a file that was gone on with, another process may have written more.
        writing.film.appender().truncate(writing.film.appender().len());
        // Where there is no room, there is none for what comes at the end.
        let sync = self.recorder.sync != Sync::Off;
        writing.film.seal(why != Why::Failed, sync);
        if sync {
            writing.film.appender().sync();
        }
        writing.film.appender().flush();
        state.phase = Phase::Ending(writing, why);
    }

    /// Another thread has done what it was to do.
    pub fn wrote(self: &Rc<Self>, state: &mut State) {
        state.changed = true;
        match &mut state.phase {
            Phase::Writing(writing) => {
                self.look(writing);
                let seq = writing.settle().seq;
                let failed = writing.film.appender().failed();
                state.advance(seq);
                if let Some(why) = failed {
                    self.cut(state, &why);
                }
            }
            Phase::Ending(writing, _) if writing.film.appender().is_idle() && !writing.is_noted => {
                writing.is_noted = true;
                self.look(writing);
                self.note_end(writing);
            }
            _ => {}
        }
    }

    /// A file that was moved is recorded on; what is in its place is another's.
    fn look(&self, writing: &mut Writing) {
        let moved = writing.film.appender().is_replaced();
        if moved && !std::mem::replace(&mut writing.told_moved, true) {
            let path = writing.film.appender().path();
            sys::log!(Warn, "{}: \"{}\" is not the file any more", self.label(), path.display());
        }
    }

    /// The file cannot be written on: it ends where it is whole.
    fn cut(&self, state: &mut State, why: &str) {
        if let Phase::Writing(writing) = &state.phase {
            let path = writing.film.appender().path();
            self.failed(state, &format!("\"{}\": {why}", path.display()));
        }
        if let Phase::Writing(writing) = &mut state.phase {
            writing.film.recover();
        }
        self.end(state, Why::Failed);
    }

    /// It does not go on for now.
    pub fn failed(&self, state: &mut State, why: &str) {
        state.retry_at = rt::now() + RETRY_MS;
        if !std::mem::replace(&mut state.is_failing, true) {
            sys::log!(Error, "{} stops, and is tried every 10 s: {why}", self.label());
        }
    }

    /// The journal is to say so before the next file begins, which may have the same name.
    fn note_end(self: &Rc<Self>, writing: &Writing) {
        let (me, sync) = (self.clone(), self.recorder.sync != Sync::Off);
        let (journal, file) =
            (Journal::clone(&self.recorder.journal), writing.film.appender().file());
        let entry = Entry {
            path: writing.film.appender().path(),
            since: rt::wall().as_secs(),
            duration: Some(writing.film.duration()),
            ..Entry::default()
        };
        let job = self.recorder.lane.offload(move || journal.note(&file, entry, sync));
        rt::spawn(async move {
            let noted = job.await;
            // Who is told of its end is told once.
            me.stream.progress.note_now();
            let state = &mut *me.state.borrow_mut();
            // Another process records by now.
            let Phase::Ending(writing, why) = std::mem::replace(&mut state.phase, Phase::Idle)
            else {
                return;
            };
            me.ended(state, writing, why, noted);
            me.drain(state);
            me.stream.progress.note();
        });
    }

    fn ended(&self, state: &mut State, mut writing: Box<Writing>, why: Why, noted: io::Result<()>) {
        state.changed = true;
        let appender = writing.film.appender();
        let (path, error) = (appender.path(), appender.failed());
        let (size, duration) = (appender.written(), writing.film.duration());
        let error = error.or_else(|| noted.err().map(|error| format!("the journal: {error}")));
        if let Some(error) = &error {
            sys::log!(Error, "{}: \"{}\" cannot be ended: {error}", self.label(), path.display());
        }
        // What was not written is in no file.
        let written = writing.settle();
        let last = writing.marks.back().map_or(written.seq, |mark| mark.seq);
        state.advance(last);
        state.last = Some(Last {
            path: path.clone(),
            begun: writing.begun,
            failed: why == Why::Failed,
            cut: why == Why::Header,
        });
        let path = path.to_string_lossy();
        let error = match why {
            Why::Failed => Some("the file could not be written"),
            _ => None,
        };
        self.tell("record_done", &path, Some((duration, size)), error);
        self.recorder.telling.record_done(&self.stream, &self.recorder.name, path.as_bytes());
    }

    pub fn tell(&self, event: &str, path: &str, totals: Option<(u64, u64)>, error: Option<&str>) {
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
