//! What a follower is.

use std::fmt;
use std::rc::Rc;

pub use crate::record::Change;
use crate::record::{CHANGE, HEADER, KEY, REPEAT, SETTLED};

/// Who follows the streams of an application, one by one: made of its configuration.
pub trait Followers: 'static {
    /// Tells it from the others of the application: `hls`, `record/NAME`. It does not change with the configuration.
    fn name(&self) -> &str;

    /// How long, in milliseconds, it may take until a follower is given what has come: who need not have it at once costs
    /// a turn for many messages, and not for each.
    fn patience(&self) -> u64 {
        0
    }

    /// Worker: begins to follow a stream, or goes on where another process has stopped. The error is for the log; the stream
    /// goes on without this follower.
    fn follow(&self, stream: Stream) -> Result<Box<dyn Follow>, String>;
}

/// A stream that is to be followed.
#[derive(Clone, Debug)]
pub struct Stream {
    /// Its application.
    pub app: &'static str,
    /// Its name.
    pub name: Vec<u8>,
    /// Its name in the log, that of the application included.
    pub channel: Vec<u8>,
    /// What was noted last, if another process has followed before.
    pub note: Option<Vec<u8>>,
    /// For a follower that has got further by other means than messages.
    pub progress: Progress,
}

/// Has a follower's note written without its waiting for the next message, and gives it what it did not take.
#[derive(Clone)]
pub struct Progress {
    pub(crate) settle: Rc<dyn Fn()>,
    pub(crate) note: Rc<dyn Fn()>,
}

impl Progress {
    /// In this turn of the loop.
    pub fn note(&self) {
        let settle = self.settle.clone();
        rt::after(0, move || settle());
    }

    /// Writes the note alone, at once: [`Follow::note`] is called before this returns, and [`Follow::replaced`] if another process
    /// follows by now.
    pub fn note_now(&self) {
        (self.note)();
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Progress")
    }
}

/// One stream's follower.
pub trait Follow {
    /// Behind which record it goes on. `None`: it begins with the newest one from which on the log is complete.
    fn resumes(&self) -> Option<u64> {
        None
    }

    /// Whether it takes more now. What it does not take stays in the log, and comes later: when it has said by [`Progress`] that
    /// it takes more, with the next message, or within a second.
    fn takes(&self) -> bool {
        true
    }

    /// A message, in the order of the log.
    fn message(&mut self, message: &Message<'_>);

    /// Something has happened to the stream, at this time in milliseconds of Unix time. `seq`: the number of its record.
    fn change(&mut self, change: Change, seq: u64, wall: u64);

    /// What came before the next message is gone, some of it unseen: the log was too small.
    fn lost(&mut self);

    /// What it takes now was given, or it has made [`Progress`]. `false`: it follows no more, whatever comes.
    fn settle(&mut self) -> bool;

    /// How far it is: messages up to this seq it does not need again.
    fn done(&self) -> u64;

    /// What its successor is to know, if that has changed since it was asked last.
    fn note(&mut self) -> Option<Vec<u8>> {
        None
    }

    /// Whether everything that it was given is done, or cannot be: a worker that ends waits for it.
    fn is_idle(&self) -> bool {
        true
    }

    /// Whether nothing is left to be done, after the end of the stream.
    fn is_finished(&self) -> bool {
        true
    }

    /// This process ends at once: what follows is the last that it gives, and what is collected is to be written.
    fn leave(&mut self) {}

    /// Another process follows: it leaves everything as it is.
    fn replaced(&mut self) {}

    /// An operator wants something of it. Gives the answer; `None`: it does not know the word.
    fn command(&mut self, command: &[u8]) -> Option<Vec<u8>> {
        let _ = command;
        None
    }
}

/// A message of a stream.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Its number in the log.
    pub seq: u64,
    /// RTMP's type: 8 audio, 9 video, 18 data.
    pub kind: u8,
    /// The stream's clock, milliseconds; it wraps.
    pub time: u32,
    /// When it came, in milliseconds of Unix time.
    pub wall: u64,
    /// The payload, as FLV has it.
    pub payload: &'a [u8],
    pub(crate) flags: u32,
}

impl Message<'_> {
    /// Whether a group of pictures begins with it.
    pub fn is_key(&self) -> bool {
        self.flags & KEY != 0
    }

    /// Whether it is what a decoder needs first, or metadata.
    pub fn is_header(&self) -> bool {
        self.flags & HEADER != 0
    }

    /// Whether it is a header that is repeated for those who begin here.
    pub fn is_repeat(&self) -> bool {
        self.flags & REPEAT != 0
    }

    /// Whether all tracks have shown themselves that are to be waited for.
    pub fn is_settled(&self) -> bool {
        self.flags & SETTLED != 0
    }

    pub(crate) fn is_change(&self) -> bool {
        self.flags & CHANGE != 0
    }
}
