//! The files of one stream, as the process that cuts it has them written: one job at a time, by other threads.

use std::cell::{Cell, RefCell};
use std::io;
use std::path::Path;
use std::rc::Rc;

use broadcast::{ChannelId, Owner};
use rtmp::follow::{Progress, Stream};

use crate::archive::Behind;
use crate::files::earlier::Earlier;
use crate::files::inventory::{Channel, Files, Inventory};
use crate::files::job::{self, Step};
use crate::files::names;
use crate::files::turns::{self, Turn};
use crate::timeline::Timeline;
use crate::zone::Hub;

/// After an error it is tried again not before so many milliseconds.
const RETRY_MS: u64 = 10_000;
/// Where a disk hangs, a stream is counted without its files after so many milliseconds.
const HANGS_MS: u64 = 5_000;

/// The files of one stream.
pub struct Output {
    files: Files,
    inventory: RefCell<Inventory>,
    timeline: Rc<RefCell<Timeline>>,
    hub: &'static Hub,
    /// The stream's name in the zone.
    channel: Vec<u8>,
    /// This process, as the zone knows who cuts the stream.
    owner: Owner,
    /// Whoever cuts the stream waits for what is listed already.
    awaited: Cell<bool>,
    progress: Progress,
    state: Cell<State>,
    /// Something has come while a job was at work.
    again: Cell<bool>,
    /// It waits for its turn.
    waits: Cell<bool>,
    /// Another process writes them.
    left: Cell<bool>,
    /// When the last error was, in the loop's milliseconds.
    failed: Cell<Option<u64>>,
    label: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Working,
    /// Everything was removed.
    Removed,
}

impl Output {
    /// Of a stream; `None`: no files can be called after it, which is logged.
    pub fn open(
        files: &Files,
        stream: &Stream,
        timeline: Rc<RefCell<Timeline>>,
        zone: (&'static Hub, ChannelId),
        owner: Owner,
    ) -> Option<Rc<Output>> {
        let text = String::from_utf8_lossy(&stream.name).into_owned();
        let label = format!("{}/{text}", stream.app);
        if !names::is_fit(&stream.name) {
            sys::log!(
                Error,
                "no files of segments of the stream \"{label}\": none can have its name"
            );
            return None;
        }
        let (hub, id) = zone;
        let channel = Channel { hub, id, name: stream.channel.clone() };
        let output = Rc::new(Output {
            files: files.clone(),
            inventory: RefCell::new(Inventory::new(files.clone(), &text, channel)),
            timeline,
            hub,
            channel: stream.channel.clone(),
            owner,
            awaited: Cell::new(false),
            progress: stream.progress.clone(),
            state: Cell::new(State::Idle),
            again: Cell::new(false),
            waits: Cell::new(false),
            left: Cell::new(false),
            failed: Cell::new(None),
            label,
        });
        match output.files.layout.listed() {
            (_, true) => output.recall(),
            _ => output.update(),
        }
        Some(output)
    }

    /// Whether it is not known yet from where segments are counted.
    pub fn is_awaited(&self) -> bool {
        self.awaited.get()
    }

    /// From where they are counted, if the stream is in no memory any more.
    pub fn behind(&self) -> Option<Behind> {
        self.inventory.borrow().behind()
    }

    /// Without files the stream goes on.
    fn await_no_more(&self) {
        if self.awaited.replace(false) {
            self.progress.note();
        }
    }

    /// Whoever was here before may have listed what the zone has no more: of a recording that stays.
    fn recall(self: &Rc<Self>) {
        self.state.set(State::Working);
        self.awaited.set(self.timeline.borrow().newest.is_none());
        let hangs = Rc::downgrade(self);
        rt::after(HANGS_MS, move || {
            hangs.upgrade().into_iter().for_each(|output| output.await_no_more());
        });
        let (path, ours) = self.inventory.borrow().listed_in();
        let output = self.clone();
        rt::spawn(async move {
            let from = path.clone();
            let turn = turns::wait(&output.files.places.root).await;
            match rt::offload(move || Earlier::read(&from, &ours)).await {
                Ok(earlier) => output.inventory.borrow_mut().know(earlier),
                Err(error) => {
                    let (label, path) = (&output.label, path.display());
                    let errno = sys::log::errno(&error);
                    sys::log!(
                        Error,
                        "files of the stream \"{label}\": what \"{path}\" lists is not taken over {errno}"
                    );
                }
            }
            drop(turn);
            output.state.set(State::Idle);
            output.again.set(false);
            output.await_no_more();
            output.update();
        });
    }

    /// A segment has ended, or the stream has.
    pub fn update(self: &Rc<Self>) {
        if self.left.get() {
            return;
        }
        if self.state.get() == State::Working {
            self.again.set(true);
            return;
        }
        if self.waits.get() || self.failed.get().is_some_and(|at| rt::now() < at + RETRY_MS) {
            return;
        }
        let waits = Rc::downgrade(self);
        let turn = turns::take(&self.files.places.root, move |turn| {
            let Some(output) = waits.upgrade() else { return };
            output.waits.set(false);
            if !output.left.get() && output.state.get() == State::Idle {
                output.work(turn);
            }
        });
        match turn {
            Some(turn) => self.work(turn),
            None => self.waits.set(true),
        }
    }

    /// Has done what is to be done.
    fn work(self: &Rc<Self>, turn: Turn) {
        let mut steps = Vec::new();
        let more = self.inventory.borrow_mut().update(&self.timeline.borrow(), &mut steps);
        self.run(steps, more, State::Idle, Some(turn));
    }

    /// Whether nothing is being done, nor waits for its turn.
    pub fn is_idle(&self) -> bool {
        self.state.get() != State::Working && !self.waits.get()
    }

    /// Another process writes the files from now on.
    pub fn leave(&self) {
        self.left.set(true);
    }

    /// Whether nothing is left to do for a stream that has ended.
    pub fn is_finished(self: &Rc<Self>) -> bool {
        let ended = self.timeline.borrow().ended;
        let Some(ended) = ended else { return false };
        let is_old = rt::wall().as_millis() as u64 >= ended.saturating_add(self.files.ended);
        match self.state.get() {
            State::Removed => true,
            _ if !self.is_idle() => false,
            // What has failed is tried again, as long as anybody can ask for it.
            _ if !self.files.cleans_up() => self.failed.get().is_none() || is_old,
            _ => {
                if is_old {
                    self.remove_all();
                }
                false
            }
        }
    }

    fn remove_all(self: &Rc<Self>) {
        let steps = self.inventory.borrow_mut().remove_all(&self.timeline.borrow());
        self.run(steps, false, State::Removed, None);
    }

    /// Has another thread do it.
    fn run(self: &Rc<Self>, steps: Vec<Step>, more: bool, after: State, turn: Option<Turn>) {
        self.state.set(State::Working);
        self.again.set(more);
        let (output, is_ours) = (self.clone(), self.is_ours());
        rt::spawn(async move {
            let (done, buffers) = rt::offload(move || job::run(steps, &is_ours)).await;
            turns::give_back(buffers);
            output.state.set(after);
            match done {
                Ok(()) => {
                    output.inventory.borrow_mut().done();
                    output.failed.set(None);
                }
                Err((path, error)) => output.fail(&path, &error),
            }
            // Those that wait first.
            drop(turn);
            if output.again.replace(false) {
                output.update();
            }
        });
    }

    /// Whether nobody else cuts the stream; another thread asks.
    fn is_ours(&self) -> impl Fn() -> bool + Send + 'static {
        let zone = self.hub.attachment.zone();
        let (channel, owner) = (self.channel.clone(), self.owner);
        move || {
            let now = zone.find(&channel).and_then(|id| zone.owner(id));
            now.is_none_or(|now| now == owner)
        }
    }

    fn fail(self: &Rc<Self>, path: &Path, error: &io::Error) {
        // The stream may have ended: nobody else asks for it again.
        let output = Rc::downgrade(self);
        rt::after(RETRY_MS, move || output.upgrade().into_iter().for_each(|it| it.update()));
        self.inventory.borrow_mut().failed();
        if self.failed.replace(Some(rt::now())).is_none() {
            let (label, path) = (&self.label, path.display());
            let errno = sys::log::errno(error);
            sys::log!(Error, "files of the stream \"{label}\": \"{path}\" failed {errno}");
        }
    }
}
