//! What a round counts, over all players.

use crate::histogram::Histogram;

/// Counters of one round.
pub struct Tally {
    /// When it began, in nanoseconds.
    pub since: u64,
    /// Messages with audio or video, their headers included, and the bytes of their bodies.
    pub messages: u64,
    pub bytes: u64,
    /// Frames with video.
    pub video: u64,
    /// Frames that were left out, that came again, whose timestamp went back.
    pub missing: u64,
    pub duplicates: u64,
    pub backwards: u64,
    /// Video whose decoder lacks the header, the key frame or a frame in between.
    pub undecodable: u64,
    /// Media that no publisher of this program has sent.
    pub strange: u64,
    /// Players that saw another publisher take over.
    pub restarts: u64,
    /// Connections that broke or were refused.
    pub errors: u64,
    /// Messages that publishers have sent.
    pub published: u64,
    /// The longest time in which a player got nothing, in nanoseconds.
    pub silence: u64,
    /// From a frame's sending to its coming, in nanoseconds.
    pub times: Histogram,
}

impl Tally {
    /// Begins to count.
    pub fn new(since: u64) -> Tally {
        Tally {
            since,
            messages: 0,
            bytes: 0,
            video: 0,
            missing: 0,
            duplicates: 0,
            backwards: 0,
            undecodable: 0,
            strange: 0,
            restarts: 0,
            errors: 0,
            published: 0,
            silence: 0,
            times: Histogram::new(),
        }
    }
}

/// Nanoseconds of the monotonic clock, which all processes share.
pub fn now() -> u64 {
    sys::clock::monotonic_us() * 1000
}

/// Processor time that this process has used, in seconds.
pub fn processor() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let used = text.split(' ').next().and_then(|word| word.parse::<f64>().ok());
    used.unwrap_or(0.0) / 1e9
}
