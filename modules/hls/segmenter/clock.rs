//! The stream's clock.

/// The tracks.
pub const VIDEO: usize = 0;
/// Sound.
pub const AUDIO: usize = 1;

/// A track that goes back further than this has begun anew, and so has sound that is further ahead.
const JUMP_MS: u64 = 1000;

/// From the clock of the messages, which wraps, to one that does not. Times are milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    /// The newest time; `None`: none has come, what comes first decides.
    newest: Option<u64>,
    /// The newest of each track.
    tracks: [Option<u64>; 2],
}

impl Clock {
    /// One that goes on behind a time.
    pub fn behind(at: u64) -> Clock {
        Clock { newest: Some(at), tracks: [None; 2] }
    }

    /// What a message's time is on this clock.
    pub fn of(&self, track: usize, time: u32) -> u64 {
        let Some(known) = self.tracks[track].or(self.newest) else { return time.into() };
        let step = i64::from(time.wrapping_sub(known as u32) as i32);
        known.saturating_add_signed(step)
    }

    /// Whether a track that is there then does not go on from where it was. `most`: the longest that a frame can be.
    pub fn jumps(&self, track: usize, at: u64, most: u64) -> bool {
        let ahead = if track == VIDEO { most } else { JUMP_MS };
        self.tracks[track].is_some_and(|last| at > last + ahead || at + JUMP_MS < last)
    }

    /// When the newest frame of a track was; `None`: there was none.
    pub fn last(&self, track: usize) -> Option<u64> {
        self.tracks[track]
    }

    /// A track is there.
    pub fn see(&mut self, track: usize, at: u64) {
        self.tracks[track] = Some(at);
        self.newest = self.newest.max(Some(at));
    }
}
