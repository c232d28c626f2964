//! The follower of a stream.

use std::rc::Rc;

use rtmp::follow::{Change, Follow, Followers, Message, Stream};

use crate::recorder::Recorder;
use crate::recording::change::Shared;
use crate::recording::held::{Item, What};
use crate::recording::note::Note;
use crate::recording::state::{MOST_PENDING, Phase, Recording, State, Why, Writing};
use crate::settings::Sync;

/// A file grows each second: it is the log that keeps what has come meanwhile.
const PATIENCE_MS: u64 = 1000;

/// Records the streams of an application by one of its recorders.
pub struct Recorders(pub Rc<Recorder>);

impl Followers for Recorders {
    fn name(&self) -> &str {
        let Recorders(recorder) = self;
        &recorder.follower
    }

    fn patience(&self) -> u64 {
        PATIENCE_MS
    }

    fn follow(&self, stream: Stream) -> Result<Box<dyn Follow>, String> {
        self.0.naming.path(&stream.name, 0)?;
        let note = stream.note.as_deref().and_then(|note| serde_json::from_slice(note).ok());
        let resumes = note.as_ref().map(|note: &Note| note.upto).filter(|upto| *upto > 0);
        let recording = Recording::new(self.0.clone(), stream, note);
        let state = &mut *recording.state.borrow_mut();
        if let Phase::Opening(beginning) = &state.phase {
            let beginning = beginning.clone();
            recording.open(state, beginning);
        }
        Ok(Box::new(Handle { recording: recording.clone(), resumes }))
    }
}

struct Handle {
    recording: Shared,
    resumes: Option<u64>,
}

impl Handle {
    fn with<T>(&self, work: impl FnOnce(&Recording, &mut State) -> T) -> T {
        work(&self.recording, &mut self.recording.state.borrow_mut())
    }
}

impl Follow for Handle {
    fn resumes(&self) -> Option<u64> {
        self.resumes
    }

    fn takes(&self) -> bool {
        // What a worker that ends has not read may be read by nobody.
        self.with(|_, state| match &state.phase {
            _ if rt::draining() => true,
            Phase::Idle => state.held.is_empty(),
            Phase::Gathering(_) => true,
            Phase::Opening(_) | Phase::Ending(..) => false,
            Phase::Writing(writing) => {
                state.held.is_empty() && writing.film.appender().pending() < MOST_PENDING
            }
        })
    }

    fn message(&mut self, message: &Message<'_>) {
        self.with(|recording, state| recording.give(state, Item::of(message)));
    }

    fn change(&mut self, change: Change, seq: u64, wall: u64) {
        self.with(|recording, state| {
            recording.give(state, Item { seq, wall, what: What::Change(change) });
        });
    }

    fn lost(&mut self) {
        self.with(|recording, state| {
            if let Phase::Writing(writing) = &mut state.phase {
                // What comes next may need what is gone.
                writing.has_key = false;
                let path = writing.film.appender().path();
                let label = recording.label();
                sys::log!(Warn, "{label}: frames are missing in \"{}\"", path.display());
            }
        });
    }

    fn settle(&mut self) -> bool {
        self.with(|recording, state| {
            recording.gather(state);
            recording.leave(state);
            if let Phase::Writing(writing) = &mut state.phase {
                flush(writing, recording.recorder.sync);
            }
        });
        true
    }

    fn is_idle(&self) -> bool {
        self.with(|_, state| match &state.phase {
            _ if state.replaced => true,
            Phase::Idle => true,
            Phase::Gathering(_) => state.held.is_empty(),
            Phase::Opening(_) | Phase::Ending(..) => false,
            Phase::Writing(writing) => state.held.is_empty() && writing.film.appender().is_idle(),
        })
    }

    fn done(&self) -> u64 {
        self.with(|_, state| state.done)
    }

    fn note(&mut self) -> Option<Vec<u8>> {
        self.with(|_, state| {
            let note = std::mem::take(&mut state.changed).then(|| state.note())?;
            serde_json::to_vec(&note).ok()
        })
    }

    fn is_finished(&self) -> bool {
        self.with(|_, state| matches!(state.phase, Phase::Idle) && state.held.is_empty())
    }

    fn leave(&mut self) {
        self.with(|_, state| state.leaves = Some(0));
    }

    fn replaced(&mut self) {
        self.with(|_, state| {
            state.replaced = true;
            state.phase = Phase::Idle;
            state.held.clear();
        });
    }

    fn command(&mut self, command: &[u8]) -> Option<Vec<u8>> {
        self.with(|recording, state| match command {
            b"start" => recording.start(state),
            b"stop" => Some(recording.stop(state)),
            _ => None,
        })
    }
}

impl Recording {
    /// An operator wants files. Gives the one that is recorded, or begins.
    fn start(&self, state: &mut State) -> Option<Vec<u8>> {
        let path = match state.phase.path().or_else(|| state.named.clone()) {
            Some(path) if state.wanted => path,
            _ => {
                let now = rt::wall().as_secs();
                let path = self.recorder.naming.path(&self.stream.name, now).ok()?;
                state.named = Some(path.clone());
                state.last = None;
                path
            }
        };
        (state.wanted, state.changed) = (true, true);
        Some(path.to_string_lossy().into_owned().into_bytes())
    }

    /// An operator wants no files. Gives the one that ends; empty: there was none.
    fn stop(&self, state: &mut State) -> Vec<u8> {
        (state.wanted, state.changed) = (false, true);
        let path = state.phase.path().or_else(|| state.named.take());
        match &state.phase {
            Phase::Gathering(beginning) if beginning.resumed.is_none() => {
                state.phase = Phase::Idle;
                self.drain(state);
            }
            _ => self.end(state, Why::Stopped),
        }
        path.map_or_else(Vec::new, |path| path.to_string_lossy().into_owned().into_bytes())
    }
}

fn flush(writing: &mut Writing, sync: Sync) {
    let (now, len) = (rt::now(), writing.film.appender().len());
    if std::mem::replace(&mut writing.flushed, len) == len {
        return;
    }
    let syncs = match sync {
        Sync::Off => false,
        Sync::On => true,
        // With the flush that is nearest.
        Sync::Every(every) => now + PATIENCE_MS / 2 >= writing.synced_at + every,
    };
    if syncs {
        writing.synced_at = now;
        writing.film.appender().sync();
    }
    writing.film.appender().flush();
}
