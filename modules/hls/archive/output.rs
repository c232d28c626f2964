//! One stream's files, as the process that cuts it has them written: one job at a time, by other threads.

use std::cell::{Cell, RefCell};
use std::io;
use std::path::PathBuf;
use std::rc::Rc;

use broadcast::ChannelId;
use rtmp::follow::{Progress, Stream};

use crate::archive::index::{Header, Row};
use crate::archive::window::Window;
use crate::archive::writer::{Behind, Stored, Writer};
use crate::part::{ALONE, DISCONTINUITY, Format, INDEPENDENT, Track};
use crate::timeline::{self, Segment, Timeline};
use crate::zone::Hub;

/// Segments that one job writes at most: they are in memory meanwhile.
const AT_ONCE: usize = 4;
/// After an error it is tried again not before so many milliseconds.
const RETRY_MS: u64 = 10_000;
/// Where a disk hangs, a stream is counted without files after so many milliseconds, and memory holds nothing for them.
const HANGS_MS: u64 = 5_000;
/// Whoever had the files before may still be at work: so often, and after so many milliseconds, they are asked for again.
const TRIES: u32 = 20;
const AGAIN_MS: u64 = 100;

/// The files of one stream.
pub struct Archive {
    directory: PathBuf,
    channel: Vec<u8>,
    length: u64,
    /// What is there for so many milliseconds after the end of the stream; `None`: for ever.
    ended: Option<u64>,
    timeline: Rc<RefCell<Timeline>>,
    zone: (&'static Hub, ChannelId),
    state: RefCell<State>,
    /// Something has come while a job was at work.
    again: Cell<bool>,
    /// Jobs that were begun.
    jobs: Cell<u64>,
    /// When the last error was, in the loop's milliseconds.
    failed: Cell<Option<u64>>,
    /// What is asked for by whoever counts segments, once.
    behind: Cell<Option<Behind>>,
    /// Whoever cuts the stream waits for `behind`.
    awaited: Cell<bool>,
    progress: Progress,
    label: String,
}

enum State {
    /// Nobody has the files.
    Closed,
    Working,
    Ready(Box<Writer>),
    /// All is removed.
    Removed,
}

/// A segment's row; the place in the file is not known yet.
fn row(segment: &Segment, target: u32) -> Row {
    let flag = |is: bool, flag: u16| if is { flag } else { 0 };
    Row {
        msn: segment.msn,
        offset: 0,
        discontinuities: segment.discontinuities,
        wall: segment.wall,
        flags: flag(segment.discontinuity, DISCONTINUITY)
            | flag(segment.alone, ALONE)
            | flag(segment.is_independent(), INDEPENDENT),
        slewed: segment.slewed.clamp(i16::MIN.into(), i16::MAX.into()) as i16,
        target,
        video: segment.sum(Track::Video),
        audio: segment.sum(Track::Audio),
    }
}

type Done = (Option<Writer>, io::Result<()>);

impl Archive {
    /// Of a stream; `None`: no files can be called after it, which is logged. `fresh`: it is in no memory any more, and its
    /// segments will be counted from what is found here.
    pub fn open(
        window: &Window,
        ended: Option<u64>,
        stream: &Stream,
        timeline: Rc<RefCell<Timeline>>,
        zone: (&'static Hub, ChannelId),
        fresh: bool,
    ) -> Option<Rc<Archive>> {
        let label = format!("{}/{}", stream.app, String::from_utf8_lossy(&stream.name));
        let Some(directory) = window.directory(&stream.channel) else {
            let what = "no files of the window of the stream";
            sys::log!(Error, "{what} \"{label}\": none can have its name");
            return None;
        };
        let archive = Rc::new(Archive {
            directory,
            channel: stream.channel.clone(),
            length: window.length,
            ended,
            timeline,
            zone,
            state: RefCell::new(State::Closed),
            again: Cell::new(false),
            jobs: Cell::new(0),
            failed: Cell::new(None),
            behind: Cell::new(None),
            awaited: Cell::new(fresh),
            progress: stream.progress.clone(),
            label,
        });
        archive.take();
        let hangs = Rc::downgrade(&archive);
        rt::after(HANGS_MS, move || {
            hangs.upgrade().into_iter().for_each(|archive| archive.await_no_more());
        });
        Some(archive)
    }

    /// Whether it is not known yet from where segments are counted.
    pub fn is_awaited(&self) -> bool {
        self.awaited.get()
    }

    /// From where segments are counted, once.
    pub fn behind(&self) -> Option<Behind> {
        self.behind.take()
    }

    /// Without files the stream goes on.
    fn await_no_more(&self) {
        if self.awaited.replace(false) {
            self.progress.note();
        }
    }

    /// Takes the files, from whoever had them before.
    fn take(self: &Rc<Self>) {
        self.timeline.borrow_mut().hold(0);
        *self.state.borrow_mut() = State::Working;
        let archive = self.clone();
        rt::spawn(async move {
            let mut tries = TRIES;
            loop {
                let (directory, channel) = (archive.directory.clone(), archive.channel.clone());
                let length = archive.length;
                let unix = archive.awaited.get().then(|| rt::wall().as_secs());
                let opened =
                    rt::offload(move || Writer::open(directory, channel, length, unix)).await;
                match opened {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock && tries > 0 => {
                        tries -= 1;
                        rt::sleep(AGAIN_MS).await;
                    }
                    Err(error) => return archive.opened(Err(error)),
                    Ok((writer, behind)) => {
                        // Once it is counted, files that come later change nothing.
                        archive.behind.set(archive.awaited.get().then_some(behind));
                        return archive.opened(Ok(writer));
                    }
                }
            }
        });
    }

    fn opened(self: &Rc<Self>, opened: io::Result<Writer>) {
        match opened {
            Ok(writer) => self.done((Some(writer), Ok(()))),
            Err(error) => self.done((None, Err(error))),
        }
        self.await_no_more();
    }

    /// A segment has ended, or the stream has.
    pub fn update(self: &Rc<Self>) {
        if self.failed.get().is_some_and(|at| rt::now() < at + RETRY_MS) {
            return;
        }
        let state = std::mem::replace(&mut *self.state.borrow_mut(), State::Working);
        match state {
            State::Working => self.again.set(true),
            State::Closed => self.take(),
            State::Removed => *self.state.borrow_mut() = State::Removed,
            State::Ready(writer) => self.work(*writer),
        }
    }

    fn work(self: &Rc<Self>, mut writer: Writer) {
        self.timeline.borrow_mut().hold(writer.next());
        let (segments, newest, complete) = self.missing(writer.next());
        self.again.set(self.again.get() || !complete);
        let ended = complete && self.timeline.borrow().ended.is_some();
        self.hold_no_longer_than_it_hangs();
        let archive = self.clone();
        rt::spawn(async move {
            let done = rt::offload(move || {
                let reserved = newest.map_or(Ok(()), |newest| writer.reserve(newest));
                let appended = segments.iter().try_for_each(|segment| writer.append(segment));
                let all = reserved.and(appended);
                let all = all.and_then(|()| if ended { writer.set_complete() } else { Ok(()) });
                (Some(writer), all)
            });
            archive.done(done.await);
        });
    }

    fn hold_no_longer_than_it_hangs(self: &Rc<Self>) {
        let number = self.jobs.get() + 1;
        self.jobs.set(number);
        let archive = Rc::downgrade(self);
        rt::after(HANGS_MS, move || {
            let Some(archive) = archive.upgrade().filter(|it| it.jobs.get() == number) else {
                return;
            };
            if matches!(*archive.state.borrow(), State::Working) {
                archive.timeline.borrow_mut().hold_nothing();
            }
        });
    }

    /// Some of the segments from this number on that are whole, the newest number that there is, and whether these are all. What
    /// is gone from memory meanwhile is a hole.
    fn missing(&self, from: u64) -> (Vec<Stored>, Option<u64>, bool) {
        let timeline = self.timeline.borrow();
        let whole = timeline.segments.iter().filter(|it| it.whole && it.msn >= from);
        let stored = whole.filter_map(|segment| self.stored(segment));
        let stored: Vec<Stored> = stored.take(AT_ONCE).collect();
        let newest = timeline.segments.back().map(|newest| newest.msn);
        let complete = stored.len() < AT_ONCE;
        (stored, newest, complete)
    }

    /// `None`: it is gone meanwhile.
    fn stored(&self, segment: &Segment) -> Option<Stored> {
        let (hub, id) = self.zone;
        let read = |track| timeline::bytes(hub.attachment, id, segment, Some(track), None);
        let mut bytes = read(Track::Video)?;
        if segment.format == Format::Cmaf {
            bytes.extend_from_slice(&read(Track::Audio)?);
        }
        let header = Header {
            format: segment.format,
            version: segment.version,
            begun: segment.begun,
            regular: segment.regular,
            first: segment.msn,
            channel: self.channel.clone(),
            tracks: (*segment.tracks).clone(),
        };
        let row = row(segment, self.timeline.borrow().target);
        Some(Stored { header, row, length: segment.duration_ms(), bytes })
    }

    fn done(self: &Rc<Self>, (writer, result): Done) {
        match (&result, &writer) {
            (Ok(()), Some(writer)) => self.timeline.borrow_mut().hold(writer.next()),
            // Memory is for those who watch.
            _ => self.timeline.borrow_mut().hold_nothing(),
        }
        let ready = writer.map_or(State::Closed, |writer| State::Ready(Box::new(writer)));
        *self.state.borrow_mut() = ready;
        match result {
            Ok(()) => self.failed.set(None),
            Err(error) => self.fail(&error),
        }
        if self.again.replace(false) {
            self.update();
        }
    }

    fn fail(self: &Rc<Self>, error: &io::Error) {
        // The stream may have ended: nobody else asks for it again.
        let archive = Rc::downgrade(self);
        rt::after(RETRY_MS, move || archive.upgrade().into_iter().for_each(|it| it.update()));
        if self.failed.replace(Some(rt::now())).is_none() {
            let (label, path) = (&self.label, self.directory.display());
            let errno = sys::log::errno(error);
            sys::log!(Error, "the window of the stream \"{label}\" in \"{path}\" failed {errno}");
        }
    }

    /// Whether nothing is left to do for a stream that has ended.
    pub fn is_finished(self: &Rc<Self>) -> bool {
        let ended = self.timeline.borrow().ended;
        let Some(at) = ended.zip(self.ended).map(|(at, ended)| at.saturating_add(ended)) else {
            return ended.is_some() && !matches!(*self.state.borrow(), State::Working);
        };
        let is_over = rt::wall().as_millis() as u64 >= at;
        let mut state = self.state.borrow_mut();
        match &*state {
            State::Removed => true,
            State::Working => false,
            State::Closed => is_over,
            State::Ready(_) if !is_over => false,
            State::Ready(_) => {
                if let State::Ready(writer) = std::mem::replace(&mut *state, State::Working) {
                    let archive = self.clone();
                    rt::spawn(async move {
                        let removed = rt::offload(move || writer.remove_all()).await;
                        *archive.state.borrow_mut() = State::Removed;
                        removed.unwrap_or_else(|error| archive.fail(&error));
                    });
                }
                false
            }
        }
    }
}
