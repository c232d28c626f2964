//! What is known of a recording.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::rc::{Rc, Weak};

use proto::flv::recording::Description;
use rtmp::follow::Stream;

use crate::file::film::Film;
use crate::file::open::How;
use crate::recorder::Recorder;
use crate::recording::frame::{Headers, describe};
use crate::recording::held::Item;
use crate::recording::note::{Begun, Last, Note, Open};

/// So much may wait to be written, and so much may be held.
pub const MOST_PENDING: usize = 4 << 20;

/// A stream, recorded by a recorder.
pub struct Recording {
    /// By which.
    pub recorder: Rc<Recorder>,
    /// Which.
    pub stream: Stream,
    /// How far it is.
    pub state: RefCell<State>,
    /// Itself, for what other threads do.
    pub me: Weak<Recording>,
}

/// How far a recording is.
pub struct State {
    /// What is being done.
    pub phase: Phase,
    /// What comes after that.
    pub held: VecDeque<Item<'static>>,
    /// Bytes of these.
    pub held_len: usize,
    /// The stream's headers.
    pub headers: Headers,
    /// Those before one came that is not done: its seq.
    pub headers_before: Option<(u64, Headers)>,
    /// What the stream consists of, what is held included.
    pub description: Description,
    /// What came up to this seq is not needed any more.
    pub done: u64,
    /// Files may begin.
    pub wanted: bool,
    /// What an operator was told that the file would be.
    pub named: Option<PathBuf>,
    /// The file before, of the same publication.
    pub last: Option<Last>,
    /// Nothing is tried before, in the loop's milliseconds.
    pub retry_at: u64,
    /// An error was told, and is not over.
    pub is_failing: bool,
    /// There is no track that the form has a place for: a header of another one is waited for.
    pub has_no_place: bool,
    /// That was told.
    pub told_no_place: bool,
    /// What was noted last is not so any more.
    pub changed: bool,
    /// Another process records.
    pub replaced: bool,
    /// This process ends: how long the file was when all of it was written for that.
    pub leaves: Option<u64>,
}

/// What is being done.
pub enum Phase {
    /// Nothing: a frame is waited for with which a file may begin, or an operator's word.
    Idle,
    /// A file begins as soon as it is known what is in it.
    Gathering(Beginning),
    /// Another thread opens it.
    Opening(Beginning),
    /// Frames go into it.
    Writing(Box<Writing>),
    /// It is made whole.
    Ending(Box<Writing>, Why),
}

/// A file that begins.
#[derive(Clone, Debug)]
pub struct Beginning {
    /// Where.
    pub path: PathBuf,
    /// How.
    pub how: How,
    /// With which frame.
    pub begun: Begun,
    /// What the process before has written of it.
    pub resumed: Option<Open>,
    /// How often it was tried to open it, because another still had it.
    pub tries: u32,
    /// Since when it is known, in the loop's milliseconds.
    pub since: u64,
}

/// A file that is written.
pub struct Writing {
    /// It.
    pub film: Film,
    /// When it began.
    pub begun: Begun,
    /// Pictures have begun.
    pub has_key: bool,
    /// Sound is of another track by now: it ends before the next key frame.
    pub is_stale: bool,
    /// Frames in it.
    pub frames: u64,
    /// What came last.
    pub seq: u64,
    /// How far the file was when something was taken, of what is not written yet.
    pub marks: VecDeque<Mark>,
    /// How far it is written.
    pub written: Mark,
    /// How long it was, with what was to be written, when that was to be written last.
    pub flushed: u64,
    /// When it was synced last, in the loop's milliseconds.
    pub synced_at: u64,
    /// It was told that the file is not where it was.
    pub told_moved: bool,
    /// The journal is being told that it is complete.
    pub is_noted: bool,
}

/// Why a file ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The stream has ended.
    End,
    /// The next one begins.
    Next,
    /// It is as large as it may be.
    Full,
    /// An operator wants it.
    Stopped,
    /// A track has another header, which its form cannot have.
    Header,
    /// It cannot be written.
    Failed,
}

/// How far a file is when what came up to a seq was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Bytes of it.
    pub end: u64,
    /// That seq.
    pub seq: u64,
    /// Frames in it.
    pub frames: u64,
    /// Pictures have begun.
    pub has_key: bool,
    /// See [`Writing::is_stale`].
    pub is_stale: bool,
}

impl Writing {
    /// A picture or a sound goes to the file.
    pub fn frame(&mut self, kind: u8, time: u32, payload: &[u8], key: bool) {
        let frames = self.frames;
        if self.film.frame(kind, time, payload, key) {
            // With what came before it, the film is as long as it is now.
            self.push_mark(self.seq, frames);
        }
        self.frames += 1;
    }

    /// Sound is of another track from now on, which its form has no place for. No picture is lost for that.
    pub fn mute(&mut self) {
        self.film.mute();
        self.is_stale = true;
    }

    /// What came up to a seq is in the file, or in none; or it is with the film, and will be.
    pub fn mark(&mut self, seq: u64) {
        self.seq = seq;
        if self.film.is_settled() {
            self.push_mark(seq, self.frames);
        }
    }

    /// All that came up to a seq goes to the file, and its head says so: more may never come.
    pub fn whole(&mut self, seq: u64) {
        self.film.settle();
        self.mark(seq);
        self.film.seal(false, false);
        self.film.appender().flush();
    }

    fn push_mark(&mut self, seq: u64, frames: u64) {
        let end = self.film.appender().len();
        let Writing { has_key, is_stale, .. } = *self;
        let mark = Mark { end, seq, frames, has_key, is_stale };
        match self.marks.back_mut() {
            Some(known) if known.end == mark.end => *known = mark,
            _ => self.marks.push_back(mark),
        }
    }

    /// Gives how far it is written.
    pub fn settle(&mut self) -> Mark {
        let written = self.film.appender().written();
        while let Some(mark) = self.marks.front().filter(|mark| mark.end <= written) {
            self.written = *mark;
            self.marks.pop_front();
        }
        self.written
    }
}

impl Phase {
    /// Whether a message can be taken at once.
    pub fn is_open(&self) -> bool {
        matches!(self, Phase::Idle | Phase::Writing(_))
    }

    /// The file that is recorded, or begins.
    pub fn path(&self) -> Option<PathBuf> {
        match self {
            Phase::Idle => None,
            Phase::Gathering(beginning) | Phase::Opening(beginning) => Some(beginning.path.clone()),
            Phase::Writing(writing) | Phase::Ending(writing, _) => {
                Some(writing.film.appender().path())
            }
        }
    }
}

impl Recording {
    /// A recording that begins, or goes on as the note says.
    pub fn new(recorder: Rc<Recorder>, stream: Stream, note: Option<Note>) -> Rc<Recording> {
        let manual = recorder.what.manual;
        let note = note.unwrap_or_else(|| Note { wanted: !manual, ..Note::default() });
        let resume = |file: Open| Beginning {
            path: file.path.clone(),
            how: How::Resume(file.offset),
            begun: file.begun,
            resumed: Some(file),
            tries: 0,
            since: rt::now(),
        };
        let phase = match note.file {
            None => Phase::Idle,
            // It is looked anew what it is to begin with.
            Some(file) if file.offset == 0 => Phase::Gathering(resume(file)),
            Some(file) => Phase::Opening(resume(file)),
        };
        let mut description = Description::default();
        let headers = note.headers;
        headers.iter().for_each(|header| describe(&mut description, header.kind, &header.payload));
        let state = State {
            phase,
            held: VecDeque::new(),
            held_len: 0,
            headers,
            headers_before: None,
            description,
            done: note.upto,
            wanted: note.wanted,
            named: note.named,
            last: note.last,
            retry_at: 0,
            is_failing: false,
            has_no_place: false,
            told_no_place: false,
            changed: false,
            replaced: false,
            leaves: None,
        };
        Rc::new_cyclic(|me| Recording {
            recorder,
            stream,
            state: RefCell::new(state),
            me: me.clone(),
        })
    }

    /// How it is called in the log.
    pub fn label(&self) -> String {
        let name = String::from_utf8_lossy(&self.stream.name);
        format!("{} of {}/{name}", self.recorder.follower, self.stream.app)
    }
}

impl State {
    /// Who goes on is to know this.
    pub fn note(&self) -> Note {
        let headers = self.headers_before.as_ref().map_or(&self.headers, |(_, before)| before);
        let headers = headers.clone();
        let file = match &self.phase {
            Phase::Writing(writing) | Phase::Ending(writing, _) => Some(Open {
                path: writing.film.appender().path(),
                offset: writing.written.end,
                tracks: writing.film.tracks(),
                begun: writing.begun,
                frames: writing.written.frames,
                has_key: writing.written.has_key,
                is_stale: writing.written.is_stale,
            }),
            Phase::Gathering(beginning) | Phase::Opening(beginning) => beginning.resumed.clone(),
            Phase::Idle => None,
        };
        Note {
            upto: self.done,
            headers,
            file,
            last: self.last.clone(),
            wanted: self.wanted,
            named: self.named.clone(),
        }
    }

    /// A header has come. `true`: it is another than before.
    pub fn header(&mut self, kind: u8, payload: &[u8], seq: u64) -> bool {
        let before = self.headers.clone();
        let is_new = self.headers.set(kind, payload);
        if is_new && self.headers_before.is_none() {
            self.headers_before = Some((seq, before));
        }
        is_new
    }

    /// What came up to this seq is done.
    pub fn advance(&mut self, seq: u64) {
        self.done = self.done.max(seq);
        self.headers_before.take_if(|(seq, _)| *seq <= self.done);
    }
}
