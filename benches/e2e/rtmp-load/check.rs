//! What a player checks: that nothing is missing, comes twice, goes back, or cannot be decoded.

use crate::chunk::Message;
use crate::media::{Mark, Tag, tag};
use crate::tally::Tally;

/// Frames of one kind.
#[derive(Default)]
struct Track {
    next: Option<u64>,
    timestamp: u32,
}

/// What a player has seen so far.
#[derive(Default)]
pub struct Check {
    video: Track,
    audio: Track,
    /// The decoder has been told what comes.
    header: bool,
    /// A frame is missing: what refers to it cannot be decoded.
    torn: bool,
    /// When the first key frame was complete; 0: not yet.
    pub first: u64,
    /// When a frame came last; 0: not yet.
    last: u64,
    /// Messages of this round.
    pub messages: u64,
}

impl Check {
    /// Takes a message that has come at `now`.
    pub fn take(&mut self, message: &Message, now: u64, tally: &mut Tally) {
        tally.messages += 1;
        tally.bytes += message.length as u64;
        self.messages += 1;
        let mark = match tag(message.kind, message.start) {
            Some(Tag::VideoHeader) => {
                self.header = true;
                return;
            }
            Some(Tag::AudioHeader) => return,
            Some(Tag::Video { key, mark }) => {
                tally.video += 1;
                let whole = self.video.take(mark, message.timestamp, tally);
                self.torn = !key && (self.torn || !whole);
                tally.undecodable += u64::from(self.torn || !self.header);
                if key && self.first == 0 {
                    self.first = now;
                }
                mark
            }
            Some(Tag::Audio { mark }) => {
                self.audio.take(mark, message.timestamp, tally);
                mark
            }
            None => {
                tally.strange += 1;
                return;
            }
        };
        // What a joining player gets of the past is not late.
        if mark.sent >= tally.since && self.first > 0 {
            tally.times.add(now.saturating_sub(mark.sent));
        }
        self.silence(now, tally);
        self.last = now;
    }

    /// Notes how long nothing has come.
    pub fn silence(&self, now: u64, tally: &mut Tally) {
        if self.last > 0 {
            tally.silence = tally.silence.max(now - self.last.max(tally.since).min(now));
        }
    }
}

impl Track {
    /// Whether the frame follows the one before.
    fn take(&mut self, mark: Mark, timestamp: u32, tally: &mut Tally) -> bool {
        let Some(next) = self.next else {
            (self.next, self.timestamp) = (Some(mark.number + 1), timestamp);
            return false;
        };
        tally.backwards += u64::from(timestamp < self.timestamp);
        self.timestamp = timestamp;
        if mark.number < next {
            tally.duplicates += 1;
            return true;
        }
        self.next = Some(mark.number + 1);
        // Another publisher numbers its frames from another start.
        match mark.number >> 32 == (next - 1) >> 32 {
            true => tally.missing += mark.number - next,
            false => tally.restarts += 1,
        }
        mark.number == next
    }
}

#[cfg(test)]
fn message(check: &mut Check, tally: &mut Tally, number: u64, key: bool, timestamp: u32) {
    let mut start = vec![if key { 0x17 } else { 0x27 }, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    start.extend_from_slice(&number.to_be_bytes());
    start.extend_from_slice(&[0; 8]);
    check.take(&Message { kind: 9, timestamp, length: 26, start: &start }, 1, tally);
}

#[test]
fn faults_are_counted() {
    let (mut check, mut tally) = (Check { header: true, ..Check::default() }, Tally::new(0));
    let mut see = |frames: &[(u64, bool, u32)]| {
        for &(number, key, timestamp) in frames {
            message(&mut check, &mut tally, number, key, timestamp);
        }
        let seen = [tally.missing, tally.duplicates, tally.backwards, tally.undecodable];
        (seen, tally.restarts)
    };
    assert_eq!(see(&[(3, false, 0), (4, true, 1), (5, false, 2)]), ([0, 0, 0, 1], 0));
    assert_eq!(see(&[(7, false, 3), (8, false, 3), (9, true, 4)]), ([1, 0, 0, 3], 0));
    assert_eq!(see(&[(9, true, 4), (10, false, 2)]), ([1, 1, 1, 3], 0));
    assert_eq!(see(&[(1 << 32, true, 5), ((1 << 32) + 1, false, 6)]), ([1, 1, 1, 3], 1));
}
