//! A recorder, as it is configured.

use std::rc::Rc;

use rtmp::Telling;

use crate::file::journal::Journal;
use crate::file::name::Naming;
use crate::settings::{Format, Sync, What};

/// One of an application's recorders.
pub struct Recorder {
    /// Its name; that of the application's own is empty.
    pub name: String,
    /// Tells it from the application's other followers.
    pub follower: String,
    /// Which frames.
    pub what: What,
    /// How files are called.
    pub naming: Naming,
    /// `record_append`
    pub append: bool,
    /// `record_lock`
    pub lock: bool,
    /// `record_max_size`, bytes; 0: no limit.
    pub max_size: u64,
    /// `record_max_frames`; 0: no limit.
    pub max_frames: u64,
    /// `record_interval`, milliseconds; 0: off.
    pub interval: u64,
    /// `record_align`, milliseconds; 0: off.
    pub align: u64,
    /// `record_notify`
    pub notify: bool,
    /// `record_sync`
    pub sync: Sync,
    /// `record_format`
    pub format: Format,
    /// `record_index`
    pub index: usize,
    /// Where what its disk is waited for is done.
    pub lane: rt::Lane,
    /// Which files are its own.
    pub journal: Rc<Journal>,
    /// Who is told.
    pub telling: Telling,
}

impl Recorder {
    /// Bytes of a file's head that are for what makes it a movie: as many as an index of FLV takes.
    pub fn room(&self) -> u32 {
        const ENTRY: usize = 18;
        const MOST: u32 = 512 << 10;
        u32::try_from(self.index.saturating_mul(ENTRY)).map_or(MOST, |room| room.min(MOST))
    }

    /// Whether it records frames of this kind.
    pub fn wants(&self, video: bool, key: bool) -> bool {
        match video {
            true => self.what.video || self.what.keyframes && key,
            false => self.what.audio,
        }
    }

    /// Whether it records pictures.
    pub fn has_video(&self) -> bool {
        self.what.video || self.what.keyframes
    }

    /// Whether a file may begin with this frame, or end before it.
    pub fn is_break(&self, video: bool, key: bool) -> bool {
        if video { key && self.has_video() } else { !self.has_video() }
    }

    /// The span of the wall clock that a moment is in, by `record_align`; local time, so that days begin at midnight.
    pub fn span(&self, wall_ms: u64) -> u64 {
        if self.align == 0 {
            return 0;
        }
        let offset = i64::from(sys::clock::local(wall_ms / 1000).offset_minutes) * 60_000;
        wall_ms.saturating_add_signed(offset) / self.align
    }
}
