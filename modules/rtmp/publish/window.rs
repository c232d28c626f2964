//! How much of a stream is kept.

use std::collections::VecDeque;

use crate::settings::app::App;

/// A place in the stream up to which records may go one day.
#[derive(Clone, Copy)]
struct Point {
    seq: u64,
    time: u64,
    /// Bytes of the stream before it.
    bytes: u64,
    marked: bool,
}

/// What of a stream is kept: all since the mark before `live_window`, at most `max_behind` bytes. As long
/// as nobody plays it, all since the newest mark.
pub struct Window {
    points: VecDeque<Point>,
    bytes: u64,
    /// Of the newest point: here, and not where the points are, since each record asks for it.
    last_bytes: u64,
    unneeded: u64,
    /// Somebody plays it.
    pub played: bool,
}

impl Window {
    /// What is there of an earlier publisher's stays as if it had just come.
    pub fn since(now: u64) -> Window {
        let point = Point { seq: 1, time: now, bytes: 0, marked: false };
        Window { points: [point].into(), bytes: 0, last_bytes: 0, unneeded: 0, played: true }
    }

    /// A record was appended, at a time of the zone.
    pub fn add(&mut self, seq: u64, time: u64, len: usize, marked: bool, app: &App) {
        self.bytes += len as u64;
        if marked || self.bytes - self.last_bytes > app.max_behind / 4 {
            self.last_bytes = self.bytes;
            self.points.push_back(Point { seq, time, bytes: self.bytes, marked });
            self.let_go(app, time);
        }
    }

    /// When the newest mark was set.
    pub fn marked_at(&self) -> Option<u64> {
        self.points.iter().rev().find(|point| point.marked).map(|point| point.time)
    }

    /// Lets go what is too old or too much, but not the only mark for its age.
    pub fn let_go(&mut self, app: &App, now: u64) {
        let seen = self.bytes_until(now.saturating_sub(app.delay));
        while let (Some(first), Some(second)) = (self.points.front(), self.points.get(1)) {
            let others = self.points.iter().skip(1).any(|point| point.marked);
            let window = if self.played { app.live_window } else { 0 };
            let old = now.saturating_sub(second.time) >= window + app.delay;
            let much = seen >= second.bytes + app.max_behind;
            let needed = first.marked && !others;
            if !much && (needed || !old) {
                return;
            }
            self.points.pop_front();
            self.unneeded = self.points.front().map_or(0, |first| first.seq - 1);
        }
    }

    /// Bytes of the stream that are not younger than a time: what a delay holds back is not counted.
    fn bytes_until(&self, time: u64) -> u64 {
        match self.points.iter().find(|point| point.time > time) {
            Some(younger) => younger.bytes,
            None => self.bytes,
        }
    }

    /// Records up to this seq may go.
    pub fn unneeded(&self) -> u64 {
        self.unneeded
    }
}
