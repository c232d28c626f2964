//! The files of one stream: what is missing is written, what is not wanted any more is removed.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;

use broadcast::ChannelId;
use rtmp::follow::Stream;

use crate::files::job::{self, Step};
use crate::files::layout::{File, Layout, Source};
use crate::files::names::{self, Places, StreamNames};
use crate::playlists;
use crate::timeline::{Segment, Timeline};
use crate::zone::Hub;

/// What an application asks for.
#[derive(Clone, Debug)]
pub struct Files {
    /// Where.
    pub places: Places,
    /// Which.
    pub layout: Layout,
    /// Those that nobody can ask for any more are removed.
    pub cleanup: bool,
    /// Files of a stream that has ended are removed after so many milliseconds.
    pub ended: u64,
}

/// Segments that one job writes at most: they are in memory meanwhile.
const AT_ONCE: usize = 4;
/// After an error it is tried again not before so many milliseconds.
const RETRY_MS: u64 = 10_000;

/// The files of one stream.
pub struct Output {
    files: Files,
    timeline: Rc<RefCell<Timeline>>,
    zone: (&'static Hub, ChannelId),
    /// The stream's name in the zone.
    channel: Vec<u8>,
    names: RefCell<StreamNames>,
    /// Files that are there, by the segments that they are of.
    written: RefCell<BTreeMap<u64, Vec<PathBuf>>>,
    /// The same of what a decoder needs first, by version.
    inits: RefCell<BTreeMap<u32, Vec<PathBuf>>>,
    /// Playlists and descriptions.
    lists: RefCell<BTreeSet<PathBuf>>,
    state: Cell<State>,
    /// Something has come while a job was at work.
    again: Cell<bool>,
    /// What was there before is not looked at any more: all of it was.
    checked: Cell<bool>,
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
        let output = Rc::new(Output {
            files: files.clone(),
            timeline,
            zone,
            names: RefCell::new(StreamNames::new(files.places.clone(), &text)),
            written: RefCell::default(),
            inits: RefCell::default(),
            lists: RefCell::default(),
            channel: stream.channel.clone(),
            state: Cell::new(State::Idle),
            again: Cell::new(false),
            checked: Cell::new(false),
            failed: Cell::new(None),
            label,
        });
        output.update();
        Some(output)
    }

    /// A segment has ended, or the stream has.
    pub fn update(self: &Rc<Self>) {
        if self.state.get() == State::Working {
            self.again.set(true);
            return;
        }
        if self.failed.get().is_some_and(|at| rt::now() < at + RETRY_MS) {
            return;
        }
        let mut steps = Vec::new();
        let more = self.steps(&mut steps);
        self.run(steps, more, State::Idle);
    }

    /// Whether nothing is left to do for a stream that has ended.
    pub fn is_finished(self: &Rc<Self>) -> bool {
        let ended = self.timeline.borrow().ended;
        let Some(ended) = ended else { return false };
        match self.state.get() {
            State::Removed => true,
            State::Working => false,
            // A recording of all of it is what was asked for.
            State::Idle if self.files.layout.listed().1 || !self.files.cleanup => true,
            State::Idle => {
                if rt::wall().as_millis() as u64 >= ended + self.files.ended {
                    self.remove_all();
                }
                false
            }
        }
    }

    /// What is to be done. `true`: there is more.
    fn steps(&self, steps: &mut Vec<Step>) -> bool {
        let timeline = self.timeline.borrow();
        let mut names = self.names.borrow_mut();
        let layout = &self.files.layout;
        steps.extend(layout.directories(&names).into_iter().map(Step::Directory));
        let (playlist, event) = layout.listed();
        let first = playlists::listed(&timeline, playlist, event);
        let (mut written, mut inits) = (self.written.borrow_mut(), self.inits.borrow_mut());
        let whole = timeline.segments.iter().skip(first).filter(|segment| segment.whole);
        let missing = whole.filter(|segment| !written.contains_key(&segment.msn));
        let missing: Vec<&Segment> = missing.collect();
        let (hub, id) = self.zone;
        let source = Source { timeline: &timeline, hub, id, channel: &self.channel };
        let keep = !self.checked.get();
        for segment in missing.iter().take(AT_ONCE) {
            if !inits.contains_key(&segment.version) {
                let files = layout.inits(segment, &names);
                inits.insert(segment.version, write(files, false, steps));
            }
            let files = layout.files(segment, &mut names, &source);
            written.insert(segment.msn, write(files, keep, steps));
        }
        if missing.len() > AT_ONCE {
            return true;
        }
        self.checked.set(true);
        let gone = self.gone(&timeline, &mut names, &mut written, &mut inits);
        let list = layout.list(&mut names, &source);
        let master = layout.master(&names, &source);
        // That of a stream which need not have files itself.
        let above = master.as_ref().and_then(|(path, _)| path.parent());
        steps.extend(above.map(|above| Step::Directory(above.to_owned())));
        let lists = list.into_iter().chain(master);
        let lists = lists.map(|(path, text)| (path, text.into_bytes(), 0o644));
        self.lists.borrow_mut().extend(write(lists.collect(), false, steps));
        steps.extend(gone.into_iter().filter(|_| self.files.cleanup).map(Step::Remove));
        false
    }

    /// Files that nobody can ask for any more.
    fn gone(
        &self,
        timeline: &Timeline,
        names: &mut StreamNames,
        written: &mut BTreeMap<u64, Vec<PathBuf>>,
        inits: &mut BTreeMap<u32, Vec<PathBuf>>,
    ) -> Vec<PathBuf> {
        let Some(oldest) = timeline.segments.front() else { return Vec::new() };
        let kept = written.split_off(&oldest.msn);
        let gone = std::mem::replace(written, kept);
        gone.keys().for_each(|&msn| names.forget(msn));
        let wanted =
            |version: &u32| timeline.segments.iter().any(|segment| segment.version == *version);
        let old: Vec<u32> = inits.keys().copied().filter(|version| !wanted(version)).collect();
        let inits = old.into_iter().filter_map(|version| inits.remove(&version));
        // A key may be that of segments that are still there.
        let still: BTreeSet<&PathBuf> = written.values().flatten().collect();
        gone.into_values().chain(inits).flatten().filter(|path| !still.contains(path)).collect()
    }

    fn remove_all(self: &Rc<Self>) {
        let (written, inits) = (self.written.take(), self.inits.take());
        let segments = written.into_values().chain(inits.into_values()).flatten();
        // First nobody is told of them any more.
        let all = self.lists.take().into_iter().chain(segments);
        self.run(all.map(Step::Remove).collect(), false, State::Removed);
    }

    /// Has another thread do it.
    fn run(self: &Rc<Self>, steps: Vec<Step>, more: bool, after: State) {
        self.state.set(State::Working);
        self.again.set(more);
        let output = self.clone();
        rt::spawn(async move {
            let done = rt::offload(move || job::run(steps)).await;
            output.state.set(after);
            match done {
                Ok(()) => output.failed.set(None),
                Err((path, error)) => output.fail(&path, &error),
            }
            if output.again.replace(false) {
                output.update();
            }
        });
    }

    fn fail(&self, path: &std::path::Path, error: &std::io::Error) {
        // What was to be written is written when it is possible again.
        self.written.borrow_mut().clear();
        self.inits.borrow_mut().clear();
        self.checked.set(false);
        if self.failed.replace(Some(rt::now())).is_none() {
            let (label, path) = (&self.label, path.display());
            let errno = sys::log::errno(error);
            sys::log!(Error, "files of the stream \"{label}\": \"{path}\" failed {errno}");
        }
    }
}

/// The steps that write files; gives where they are.
fn write(files: Vec<File>, keep: bool, steps: &mut Vec<Step>) -> Vec<PathBuf> {
    let paths = files.iter().map(|(path, _, _)| path.clone()).collect();
    steps.extend(files.into_iter().map(|(path, bytes, mode)| Step::Write {
        path,
        bytes,
        keep,
        mode,
    }));
    paths
}
