//! What is seen of the video: the page keeps the record (`observer.js`), which is read a few times a second.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use support::{PATIENCE, comes, comes_within};

use super::{LONGEST_HELD_BACK, Stage};

/// Between two looks at the record.
const PAUSE: Duration = Duration::from_millis(250);

/// The record at a moment. Times are in milliseconds, but for that of the media.
#[derive(Debug)]
pub struct Seen {
    /// The player's word: `playing`.
    pub state: String,
    /// How late the page says that it is, in seconds.
    pub told: f64,
    /// The media's time, in seconds.
    pub time: f64,
    pub ready: f64,
    pub width: f64,
    pub height: f64,
    pub frames: f64,
    /// How often it had to wait after it had begun.
    pub stalls: f64,
    /// How many frames came after later ones.
    pub backwards: f64,
    /// What is drawn in the picture.
    pub clock: f64,
    /// From the drawing of the frame to this moment, by both clocks at once; infinite where there is no clock.
    pub late: f64,
    /// When it was drawn, by the wall's clock; this never goes round.
    pub drawn: f64,
    /// The longest lateness since `begin`, of all that was seen: between the looks, too.
    pub worst: f64,
}

impl Seen {
    fn of(value: &Value) -> Seen {
        let number = |name: &str| value[name].as_f64();
        let known = |name: &str| number(name).unwrap_or_else(|| panic!("{name}: {value}"));
        // JSON has no infinity.
        Seen {
            state: value["state"].as_str().unwrap_or_default().to_owned(),
            told: number("told").unwrap_or(f64::INFINITY),
            time: known("time"),
            ready: known("ready"),
            width: known("width"),
            height: known("height"),
            frames: known("frames"),
            stalls: known("stalls"),
            backwards: known("backwards"),
            clock: known("clock"),
            late: number("late").unwrap_or(f64::INFINITY),
            drawn: number("drawn").unwrap_or(f64::NEG_INFINITY),
            worst: number("worst").unwrap_or(f64::INFINITY),
        }
    }

    pub fn is_moving(&self) -> bool {
        self.state == "playing" && self.width > 0.0
    }

    /// It has been played for so many seconds more than then, and another frame was seen.
    pub fn is_beyond(&self, then: &Seen, seconds: f64) -> bool {
        self.time > then.time + seconds && self.frames > then.frames
    }

    /// What the page says is what the clocks say, at the same moment.
    pub fn is_told(&self) -> bool {
        (self.told - self.late / 1000.0).abs() < 0.7
    }

    /// It was drawn after this moment: whatever is in the player's buffer, its own clock says so.
    pub fn is_since(&self, moment: SystemTime) -> bool {
        let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
        self.drawn > since.as_millis() as f64
    }
}

impl Stage {
    pub fn seen(&self) -> Seen {
        Seen::of(&self.chromium.value("observer.seen()", PAUSE))
    }

    /// The same; the worst is from now on.
    pub fn begin(&self) -> Seen {
        Seen::of(&self.chromium.value("observer.begin()", Duration::ZERO))
    }

    /// Milliseconds from the drawing of a frame to its being seen.
    pub fn latency(&self) -> f64 {
        self.seen().late
    }

    /// Waits until the stream has been played for some seconds more; the worst latency meanwhile.
    pub fn watch(&self, what: &str, seconds: f64) -> f64 {
        let moving = || self.seen().is_moving();
        assert!(comes(moving), "waited in vain for: {what}\n{}", self.said("line"));
        let begin = self.begin();
        let mut worst = begin.worst;
        let on = || {
            let seen = self.seen();
            worst = seen.worst;
            seen.is_beyond(&begin, seconds)
        };
        assert!(comes(on), "{what}: it does not play on\n{}", self.said("line"));
        worst
    }

    /// The same, and it is live: at some time it is for two seconds on end, by the page's record of each moment. Where the cores
    /// are busy with other tests, the encoder may be late, or the browser; a player that is behind comes to the live edge again.
    pub fn watch_live(&self, what: &str) {
        let mut worst = f64::INFINITY;
        let live = || {
            worst = self.watch(what, 2.0);
            worst < 1500.0
        };
        assert!(comes(live), "{what}: {worst} ms behind\n{}", self.said("line"));
        println!("{what}: latency at most {worst} ms, the page says {}", self.said("latency"));
    }

    /// Waits for a picture that was drawn after this: what is in the buffer still is another publisher's. It is seen when
    /// it has waited for its turn in the player's buffer, so long patience has not begun.
    pub fn wait_for_picture_since(&self, what: &str, since: SystemTime) {
        let is_seen = || self.seen().is_since(since);
        if !comes_within(LONGEST_HELD_BACK + PATIENCE, is_seen) {
            let seen = self.seen();
            panic!("waited in vain for: {what}: {seen:?}\n{}", self.said("line"));
        }
    }

    /// The colour of the picture there now: red, green, blue.
    pub fn colour(&self, x: u32, y: u32) -> Vec<i32> {
        let text = self.chromium.text(&format!("observer.colour({x}, {y})"));
        text.split(',').filter_map(|part| part.parse().ok()).collect()
    }
}
