//! How much is kept: a segment can be fetched until its own length, and that of the longest playlist that had it, have
//! passed since it has left that (RFC 8216 §6.2.2).

use std::collections::VecDeque;

/// A segment counts for so many milliseconds at least: so there is a bound to how many there are.
pub const LEAST_MS: u64 = 500;

/// As short as a playlist may be, in target durations (RFC 8216 §6.2.2).
pub const SHORTEST_TARGETS: u64 = 3;

/// By so much one track of these may be shorter than the other: then there is a segment more in its playlist.
pub const SHORTER_MS: u64 = 500;

/// A segment that is kept.
struct Each {
    /// The record by which it begins.
    seq: u64,
    /// How long it is, in milliseconds.
    length: u64,
    /// How long the longest playlist was that had it.
    listed: u64,
}

/// Segments that are kept.
pub struct Kept {
    playlist: u64,
    segments: VecDeque<Each>,
    /// Milliseconds of all of them.
    total: u64,
    /// The segment with this record stays, and all behind it.
    hold: u64,
}

impl Kept {
    /// With playlists that are so long, in milliseconds. `u64::MAX`: nothing goes.
    pub fn new(playlist: u64) -> Kept {
        Kept { playlist, segments: VecDeque::new(), total: 0, hold: u64::MAX }
    }

    /// No playlist is shorter than the target duration, in seconds, lets it be.
    pub fn set_target(&mut self, target: u32) {
        let least = SHORTEST_TARGETS * 1000 * u64::from(target);
        self.playlist = self.playlist.max(least + SHORTER_MS);
    }

    /// The segment with this record stays, and all behind it, until more is said; `u64::MAX`: none.
    pub fn hold(&mut self, seq: u64) {
        self.hold = seq;
    }

    /// A segment begins with a record.
    pub fn begin(&mut self, seq: u64) {
        if let Some(before) = self.segments.back_mut() {
            let least = LEAST_MS.saturating_sub(before.length);
            (before.length, self.total) = (before.length + least, self.total + least);
        }
        self.note_listed();
        self.segments.push_back(Each { seq, length: 0, listed: 0 });
    }

    /// What is listed now that all segments are whole has been in a playlist that is so long.
    fn note_listed(&mut self) {
        if self.playlist == u64::MAX {
            return;
        }
        let mut listed = 0;
        let is_listed = |each: &&Each| {
            let is_short = listed < self.playlist;
            listed += if is_short { each.length } else { 0 };
            is_short
        };
        let count = self.segments.iter().rev().take_while(is_listed).count();
        for each in self.segments.iter_mut().rev().take(count) {
            each.listed = each.listed.max(listed);
        }
    }

    /// The newest segment has grown. Gives how many of the oldest may go.
    pub fn grow(&mut self, ms: u64) -> usize {
        self.total += ms;
        if let Some(newest) = self.segments.back_mut() {
            newest.length += ms;
        }
        let mut gone = 0;
        while let Some(first) = self.segments.front()
            && self.segments.len() > 8
            && self.segments[1].seq <= self.hold
            // Cheaper than to count, and no more than that comes to.
            && self.total - first.length >= self.playlist.saturating_add(first.length + first.listed)
            && self.total - first.length >= self.until(first)
        {
            self.total -= first.length;
            self.segments.pop_front();
            gone += 1;
        }
        gone
    }

    /// How much must have come behind the first segment: so much that it has left the playlist, and its time.
    fn until(&self, first: &Each) -> u64 {
        let mut behind = 0;
        if self.playlist == u64::MAX {
            return u64::MAX;
        }
        for each in self.segments.iter().skip(1) {
            if behind >= self.playlist {
                return behind + first.length + first.listed;
            }
            behind += each.length;
        }
        u64::MAX
    }

    /// Records up to this seq are gone, and with them the segments that begin there. Gives how many of the oldest.
    pub fn lost(&mut self, upto: u64) -> usize {
        let mut gone = 0;
        while let Some(first) = self.segments.front().filter(|first| first.seq <= upto) {
            self.total -= first.length;
            self.segments.pop_front();
            gone += 1;
        }
        gone
    }

    /// Records up to this seq may go.
    pub fn unneeded(&self) -> u64 {
        self.segments.front().map_or(0, |first| first.seq - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_left_the_playlist_is_kept_for_its_time() {
        let mut kept = Kept::new(30_000);
        for number in 1..=100 {
            kept.begin(number * 10);
            let gone = kept.grow(5_000);
            assert!(gone <= 1);
            let have = kept.segments.len() as u64;
            assert_eq!(
                have,
                number.min(13),
                "30 s in the playlist, 30 s and one segment behind it"
            );
            assert_eq!(kept.unneeded(), (number - have + 1) * 10 - 1);
        }
        // What was lost is counted no more: what comes then stays for its time.
        assert_eq!(kept.lost(980), 11);
        for number in 101..=110 {
            kept.begin(number * 10);
            assert_eq!(kept.grow(5_000), 0);
        }
        assert_eq!((kept.segments.len(), kept.total), (12, 60_000));
        // What somebody still needs stays, and goes when it does not.
        kept.hold(1005);
        for number in 111..=130 {
            kept.begin(number * 10);
            assert!(kept.grow(5_000) <= 1);
        }
        assert_eq!(kept.unneeded(), 999);
        kept.hold(u64::MAX);
        assert_eq!(kept.grow(0), 18);
        // A playlist has whole segments, and is longer than it must be.
        let mut long = Kept::new(30_000);
        for number in 1..=100 {
            long.begin(number);
            long.grow(7_000);
        }
        assert_eq!(long.segments.len(), 11, "35 s, 35 s and one segment behind it");
        long.set_target(16);
        for number in 101..=200 {
            long.begin(number);
            long.grow(7_000);
        }
        assert_eq!(long.segments.len(), 15, "49 s, 49 s and one segment behind it");
        // Those of no length are counted, too.
        let mut short = Kept::new(30_000);
        for number in 1..=10_000 {
            short.begin(number);
            short.grow(0);
        }
        assert!(short.segments.len() < 130, "{} segments", short.segments.len());
        let mut all = Kept::new(u64::MAX);
        for number in 1..=100 {
            all.begin(number);
            assert_eq!(all.grow(10_000), 0);
        }
    }
}
