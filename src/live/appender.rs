//! A file that grows: the loop says what is written, another thread writes it, in order, one job at a time.
//!
//! What comes while a job is under way is collected for the next one. Nothing here waits, and nothing bounds what is
//! collected: who gives it asks how much there is ([`Appender::pending`]), and stops. An error ends the writing, and is a
//! value: from then on nothing is written until [`Appender::recover`] has cut the file where it is whole.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use sys::{file, lock};

/// What is done with a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It is emptied.
    Replace,
    /// It goes on.
    Keep,
    /// It goes on; if there is none, none is made.
    Require,
}

/// What could not be done with a file.
#[derive(Debug)]
pub struct Failed {
    /// The call.
    pub call: &'static str,
    /// Why.
    pub error: io::Error,
}

impl Failed {
    /// Whether another process, or another part of this one, writes to the file.
    pub fn is_busy(&self) -> bool {
        self.call == "flock" && self.error.kind() == io::ErrorKind::WouldBlock
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_busy() {
            true => f.write_str("another writes to it"),
            false => write!(f, "{}() failed ({})", self.call, self.error),
        }
    }
}

/// Gives an error the name of its call.
pub fn at<T>(call: &'static str, result: io::Result<T>) -> Result<T, Failed> {
    result.map_err(|error| Failed { call, error })
}

/// Opens a file to write, or makes it. It blocks: for another thread. A link, a directory, a pipe in its place is an error;
/// `sole`: so is another writer.
pub fn open(path: &Path, existing: Existing, sole: bool) -> Result<File, Failed> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(existing != Existing::Require).truncate(false);
    options.mode(0o644).custom_flags(file::NOFOLLOW | file::NONBLOCK);
    let file = at("open", options.open(path))?;
    if !at("fstat", file.metadata())?.is_file() {
        let error = io::Error::other("this is no regular file");
        return Err(Failed { call: "open", error });
    }
    // Before it is emptied: it may be another's. Not every file system has locks.
    match lock::exclusive(&file, false) {
        Err(error) if sole && error.kind() == io::ErrorKind::WouldBlock => {
            return Err(Failed { call: "flock", error });
        }
        _ => {}
    }
    if existing == Existing::Replace {
        at("ftruncate", file.set_len(0))?;
    }
    Ok(file)
}

/// Work on what is there already.
type Edit = Box<dyn FnOnce(&File) -> Result<(), Failed> + Send>;

enum Step {
    Append { at: u64, bytes: Vec<u8> },
    Edit(Edit),
    Truncate(u64),
    Sync,
    Rename(PathBuf),
}

/// So much is written with one call, or a piece: what a call has not written as a whole is not there.
const PIECE: usize = 256 << 10;

/// A file that this worker writes.
pub struct Appender {
    inner: Rc<Inner>,
}

struct Inner {
    file: Arc<File>,
    state: RefCell<State>,
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
}

impl Appender {
    /// Writes to an open file that has `len` bytes. `told` is called after each job, in the loop.
    pub fn new(file: File, path: PathBuf, len: u64, told: impl Fn() + 'static) -> Appender {
        let state = State {
            path,
            steps: Vec::new(),
            bytes: Vec::new(),
            pending: 0,
            len,
            written: len,
            failed: None,
            replaced: false,
        };
        let (file, state) = (Arc::new(file), RefCell::new(state));
        let inner = Inner { file, state, told: Box::new(told), busy: Cell::new(false) };
        Appender { inner: Rc::new(inner) }
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
        let before = state.bytes.len();
        write(&mut state.bytes);
        let added = state.bytes.len() - before;
        state.len += added as u64;
        state.pending += added;
        if state.bytes.len() >= PIECE {
            state.seal();
        }
    }

    /// Overwrites what is there.
    pub fn patch(&self, place: u64, bytes: Vec<u8>) {
        self.edit(move |file| at("write", file.write_all_at(&bytes, place)));
    }

    /// Has something done to what is there, in the other thread.
    pub fn edit(&self, edit: impl FnOnce(&File) -> Result<(), Failed> + Send + 'static) {
        self.inner.state.borrow_mut().step(Step::Edit(Box::new(edit)));
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
    /// What was appended so far becomes a step.
    fn seal(&mut self) {
        if !self.bytes.is_empty() {
            let bytes = std::mem::take(&mut self.bytes);
            let at = self.len - bytes.len() as u64;
            self.steps.push(Step::Append { at, bytes });
        }
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
        let (steps, path, file) =
            (std::mem::take(&mut state.steps), state.path.clone(), this.file.clone());
        let bytes = state.pending - state.bytes.len();
        let inner = this.clone();
        let job = rt::offload(move || run(&file, path, steps));
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
        drop(rt::offload(move || drop(file)));
    }
}

struct Done {
    path: PathBuf,
    /// The end of what was appended, if something was; a cut counts.
    end: Option<u64>,
    failed: Option<Failed>,
    replaced: bool,
}

impl State {
    fn take(&mut self, done: Done, bytes: usize) {
        self.pending -= bytes.min(self.pending);
        self.path = done.path;
        self.written = done.end.unwrap_or(self.written);
        self.replaced = done.replaced;
        if done.failed.is_some() {
            self.failed = done.failed;
        }
    }
}

/// Does a job, in another thread.
fn run(file: &File, path: PathBuf, steps: Vec<Step>) -> Done {
    let mut done = Done { path, end: None, failed: None, replaced: false };
    for step in steps {
        if let Err(failed) = one(file, &mut done, step) {
            done.failed = Some(failed);
            break;
        }
    }
    let of = |about: fs::Metadata| (about.dev(), about.ino());
    let here = fs::symlink_metadata(&done.path).map(of).ok();
    done.replaced = here.is_none() || here != file.metadata().map(of).ok();
    done
}

fn one(file: &File, done: &mut Done, step: Step) -> Result<(), Failed> {
    match step {
        Step::Append { at: end, bytes } => {
            at("write", file.write_all_at(&bytes, end))?;
            done.end = Some(end + bytes.len() as u64);
        }
        Step::Edit(edit) => edit(file)?,
        Step::Truncate(len) => {
            at("ftruncate", file.set_len(len))?;
            done.end = Some(len);
        }
        Step::Sync => at("fsync", file.sync_data())?,
        Step::Rename(to) => {
            at("rename", fs::rename(&done.path, &to))?;
            done.path = to;
        }
    }
    Ok(())
}
