//! A file that grows: the loop says what is written, another thread writes it, in order, one job at a time.
//!
//! What comes while a job is under way is collected for the next one. Nothing here waits, and nothing bounds what is
//! collected: who gives it asks how much there is ([`Appender::pending`]), and stops. An error ends the writing, and is a
//! value: from then on nothing is written until [`Appender::recover`] has cut the file where it is whole.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use crate::spares::Spares;

mod job;
mod open;

use job::{Done, Step};
pub use open::{Existing, Failed, at, open};

thread_local! {
    static SPARES: RefCell<Spares> = const { RefCell::new(Spares::new(32, 1..=4 * PIECE)) };
}

/// So much is written with one call, or a piece: what a call has not written as a whole is not there.
const PIECE: usize = 256 << 10;

/// An empty buffer, which has memory already if there is some.
pub fn buffer() -> Vec<u8> {
    SPARES.with_borrow_mut(Spares::take)
}

/// A file that this worker writes.
pub struct Appender {
    inner: Rc<Inner>,
}

struct Inner {
    file: Arc<File>,
    state: RefCell<State>,
    /// Where its jobs are done.
    lane: RefCell<rt::Lane>,
    /// Told after each job.
    told: Box<dyn Fn()>,
    busy: Cell<bool>,
}

struct State {
    path: PathBuf,
    /// To be done, in order; what is appended behind them waits in `bytes`.
    steps: Vec<Step>,
    bytes: Vec<u8>,
    /// Bytes of memory that wait.
    pending: usize,
    /// The file's length when everything is done.
    len: u64,
    /// Its length as far as it was written, appended piece by appended piece.
    written: u64,
    failed: Option<Failed>,
    replaced: bool,
    /// The file's device and inode, once a job has looked.
    id: Option<(u64, u64)>,
}

impl Appender {
    /// Writes to an open file that has `len` bytes. `told` is called after each job, in the loop.
    pub fn new(
        file: impl Into<Arc<File>>,
        path: PathBuf,
        len: u64,
        told: impl Fn() + 'static,
    ) -> Appender {
        let state = State {
            path,
            steps: Vec::new(),
            bytes: Vec::new(),
            pending: 0,
            len,
            written: len,
            failed: None,
            replaced: false,
            id: None,
        };
        let (file, state) = (file.into(), RefCell::new(state));
        let (told, lane) = (Box::new(told), RefCell::default());
        let inner = Inner { file, state, lane, told, busy: Cell::new(false) };
        Appender { inner: Rc::new(inner) }
    }

    /// Its jobs take their turns with others in this lane.
    pub fn set_lane(&self, lane: &rt::Lane) {
        self.inner.lane.replace(lane.clone());
    }

    /// The file, for another thread.
    pub fn file(&self) -> Arc<File> {
        self.inner.file.clone()
    }

    /// Where the file is.
    pub fn path(&self) -> PathBuf {
        self.inner.state.borrow().path.clone()
    }

    /// Appends what `write` writes, as one piece: after an error it is there as a whole, or not at all.
    pub fn append(&self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.inner.state.borrow_mut();
        state.collect(write);
        if state.bytes.len() >= PIECE {
            state.seal();
        }
    }

    /// Appends what `write` writes and the rest, of which no copy is made, as one piece. [`buffer`] gives others for it.
    pub fn append_with(&self, rest: Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.inner.state.borrow_mut();
        state.collect(write);
        state.len += rest.len() as u64;
        state.pending += rest.len();
        state.push(rest);
    }

    /// Overwrites what is there.
    pub fn patch(&self, place: u64, bytes: Vec<u8>) {
        self.edit(move |file| at("write", file.write_all_at(&bytes, place)));
    }

    /// Has something done to what is there, in the other thread.
    pub fn edit(&self, edit: impl FnOnce(&File) -> Result<(), Failed> + Send + 'static) {
        self.inner.state.borrow_mut().step(Step::Edit(Box::new(edit)));
    }

    /// Has something done in the other thread by which it becomes longer, which gives its length. It is to be the last that comes to it.
    pub fn extend(&self, extend: impl FnOnce(&File) -> Result<u64, Failed> + Send + 'static) {
        self.inner.state.borrow_mut().step(Step::Extend(Box::new(extend)));
    }

    /// Cuts it.
    pub fn truncate(&self, len: u64) {
        let mut state = self.inner.state.borrow_mut();
        state.step(Step::Truncate(len));
        state.len = len;
    }

    /// What was written so far is to outlive a loss of power.
    pub fn sync(&self) {
        self.inner.state.borrow_mut().step(Step::Sync);
    }

    /// Gives it another name, in the place of what may have it.
    pub fn rename(&self, to: PathBuf) {
        self.inner.state.borrow_mut().step(Step::Rename(to));
    }

    /// Has everything done that was asked for.
    pub fn flush(&self) {
        self.inner.state.borrow_mut().seal();
        Inner::go_on(&self.inner);
    }

    /// Bytes in memory that are not written.
    pub fn pending(&self) -> usize {
        self.inner.state.borrow().pending
    }

    /// The file's length when everything is written.
    pub fn len(&self) -> u64 {
        self.inner.state.borrow().len
    }

    /// Whether that is nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The file's length as far as it is written.
    pub fn written(&self) -> u64 {
        self.inner.state.borrow().written
    }

    /// Whether everything is done, as far as that was possible.
    pub fn is_idle(&self) -> bool {
        let state = self.inner.state.borrow();
        let nothing = state.steps.is_empty() && state.bytes.is_empty();
        !self.inner.busy.get() && (nothing || state.failed.is_some())
    }

    /// What could not be done, in words.
    pub fn failed(&self) -> Option<String> {
        self.inner.state.borrow().failed.as_ref().map(Failed::to_string)
    }

    /// Whether another file, or none, was at its path after the last job.
    pub fn is_replaced(&self) -> bool {
        self.inner.state.borrow().replaced
    }

    /// After an error: the file ends where it is whole, and what was not written is forgotten.
    pub fn recover(&self) {
        let mut state = self.inner.state.borrow_mut();
        state.failed = None;
        state.steps.clear();
        state.bytes.clear();
        state.pending = 0;
        let whole = state.written;
        state.step(Step::Truncate(whole));
        state.len = whole;
    }
}

impl State {
    fn collect(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let before = self.bytes.len();
        if self.bytes.capacity() == 0 {
            self.bytes = buffer();
        }
        write(&mut self.bytes);
        let added = self.bytes.len() - before;
        self.len += added as u64;
        self.pending += added;
    }

    /// What was appended so far becomes a step.
    fn seal(&mut self) {
        if !self.bytes.is_empty() {
            self.push(Vec::new());
        }
    }

    fn push(&mut self, rest: Vec<u8>) {
        let bytes = std::mem::take(&mut self.bytes);
        let at = self.len - (bytes.len() + rest.len()) as u64;
        self.steps.push(Step::Append { at, bytes, rest });
    }

    fn step(&mut self, step: Step) {
        self.seal();
        self.steps.push(step);
    }
}

impl Inner {
    fn go_on(this: &Rc<Inner>) {
        let mut state = this.state.borrow_mut();
        if state.steps.is_empty() || state.failed.is_some() || this.busy.replace(true) {
            return;
        }
        let (steps, path, file, id) =
            (std::mem::take(&mut state.steps), state.path.clone(), this.file.clone(), state.id);
        let bytes = state.pending - state.bytes.len();
        let inner = this.clone();
        let job = this.lane.borrow().offload(move || job::run(&file, path, id, steps));
        rt::spawn(async move {
            let done = job.await;
            inner.busy.set(false);
            inner.state.borrow_mut().take(done, bytes);
            Inner::go_on(&inner);
            (inner.told)();
        });
    }
}

impl Drop for Inner {
    /// The last descriptor of a file that has no name any more frees its blocks, which may take a while.
    fn drop(&mut self) {
        let file = self.file.clone();
        drop(self.lane.borrow().offload(move || drop(file)));
    }
}

impl State {
    fn take(&mut self, done: Done, bytes: usize) {
        self.pending -= bytes.min(self.pending);
        self.path = done.path;
        self.written = done.end.unwrap_or(self.written);
        self.replaced = done.replaced;
        self.id = done.id;
        SPARES.with_borrow_mut(|spares| spares.give_back(done.spare));
        if done.failed.is_some() {
            self.failed = done.failed;
        }
    }
}
