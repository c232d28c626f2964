//! The files of one stream: what is missing is written, what is not wanted any more is removed.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

use broadcast::ChannelId;
use proto::{fmp4, hls};
use rtmp::follow::Stream;

use crate::files::job::{self, Step};
use crate::files::names::{self, Places, StreamNames};
use crate::part::Format;
use crate::playlists::{self, Names};
use crate::timeline::{self, Segment, Timeline, Track};
use crate::zone::Hub;

/// What an application asks for.
#[derive(Clone, Debug)]
pub struct Files {
    /// Where.
    pub places: Places,
    /// How long playlists are, in milliseconds.
    pub playlist: u64,
    /// All segments stay.
    pub event: bool,
    /// `hls_cleanup`
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
    names: RefCell<StreamNames>,
    /// Files that are there, by the segments that they are of.
    written: RefCell<BTreeMap<u64, PathBuf>>,
    /// The same of what a decoder needs first, by version.
    inits: RefCell<BTreeMap<u32, PathBuf>>,
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
                "no files of the stream \"{label}\" in hls_path: none can have its name"
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
            State::Idle if self.files.event || !self.files.cleanup => true,
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
        let directory = names.directory();
        steps.push(Step::Directory(directory.clone()));
        let first = playlists::listed(&timeline, self.files.playlist, self.files.event);
        let (mut written, mut inits) = (self.written.borrow_mut(), self.inits.borrow_mut());
        let whole = timeline.segments.iter().skip(first).filter(|segment| segment.whole);
        let missing = whole.filter(|segment| !written.contains_key(&segment.msn));
        let missing: Vec<&Segment> = missing.collect();
        let (hub, id) = self.zone;
        let keep = !self.checked.get();
        for segment in missing.iter().take(AT_ONCE) {
            if segment.format == Format::Cmaf && !inits.contains_key(&segment.version) {
                let tracks = &segment.tracks;
                let bytes = fmp4::movie_init(tracks.video.as_ref(), tracks.audio.as_ref());
                let path = directory.join(names.init(segment.version));
                inits.insert(segment.version, path.clone());
                let bytes = bytes.unwrap_or_default();
                steps.push(Step::Write { path, bytes, keep: false, mode: 0o644 });
            }
            let path = directory.join(names.segment(segment));
            // Gone meanwhile: then it is not listed much longer either.
            let bytes = timeline::bytes(hub.attachment, id, segment, None, None);
            let bytes = bytes.unwrap_or_default();
            written.insert(segment.msn, path.clone());
            steps.push(Step::Write { path, bytes, keep, mode: 0o644 });
        }
        if missing.len() > AT_ONCE {
            return true;
        }
        self.checked.set(true);
        let gone = self.gone(&timeline, &mut names, &mut written, &mut inits);
        if let Some(text) = self.playlist(&timeline, &mut names) {
            let (path, bytes) = (names.playlist(), text.into_bytes());
            steps.push(Step::Write { path, bytes, keep: false, mode: 0o644 });
        }
        steps.extend(gone.into_iter().filter(|_| self.files.cleanup).map(Step::Remove));
        false
    }

    /// Files that nobody can ask for any more.
    fn gone(
        &self,
        timeline: &Timeline,
        names: &mut StreamNames,
        written: &mut BTreeMap<u64, PathBuf>,
        inits: &mut BTreeMap<u32, PathBuf>,
    ) -> Vec<PathBuf> {
        let Some(oldest) = timeline.segments.front() else { return Vec::new() };
        let kept = written.split_off(&oldest.msn);
        let gone = std::mem::replace(written, kept);
        gone.keys().for_each(|&msn| names.forget(msn));
        let wanted =
            |version: &u32| timeline.segments.iter().any(|segment| segment.version == *version);
        let old: Vec<u32> = inits.keys().copied().filter(|version| !wanted(version)).collect();
        let inits = old.into_iter().filter_map(|version| inits.remove(&version));
        gone.into_values().chain(inits).collect()
    }

    fn playlist(&self, timeline: &Timeline, names: &mut StreamNames) -> Option<String> {
        let segments =
            timeline.segments.iter().map(|segment| (segment.msn, names.segment(segment)));
        let files: BTreeMap<u64, String> = segments.collect();
        let newest = timeline.segments.back()?;
        let is_sound = newest.format == Format::Cmaf && newest.tracks.video.is_none();
        let track = if is_sound { Track::Audio } else { Track::Video };
        let listed = Listed { files: &files, names };
        let mut media =
            playlists::media(timeline, track, &listed, self.files.playlist, self.files.event)?;
        // Whoever reads files cannot wait for parts.
        (media.part_target, media.hint) = (None, None);
        media.segments.retain(|segment| segment.uri.is_some());
        media.segments.iter_mut().for_each(|segment| segment.parts.clear());
        Some(hls::playlist(&media, false))
    }

    fn remove_all(self: &Rc<Self>) {
        let (written, inits) = (self.written.take(), self.inits.take());
        let playlist = self.names.borrow().playlist();
        let all = std::iter::once(playlist).chain(written.into_values()).chain(inits.into_values());
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

/// The names in the playlist.
struct Listed<'a> {
    files: &'a BTreeMap<u64, String>,
    names: &'a StreamNames,
}

impl Names for Listed<'_> {
    fn segment(&self, segment: &Segment) -> String {
        self.names.url(self.files.get(&segment.msn).map_or("", |file| file))
    }

    fn part(&self, segment: &Segment, _: u64) -> String {
        self.segment(segment)
    }

    fn init(&self, segment: &Segment) -> Option<String> {
        (segment.format == Format::Cmaf).then(|| self.names.url(&self.names.init(segment.version)))
    }

    fn key(&self, _: &Segment) -> Option<hls::Key> {
        None
    }
}
