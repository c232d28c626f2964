//! How much is kept: a segment can be fetched until its own length, and that of the longest playlist that had it, have
//! passed since it has left that (RFC 8216 §6.2.2).

use std::collections::VecDeque;

/// Segments that are kept: by which record each begins, and how long it is in milliseconds.
pub struct Kept {
    playlist: u64,
    segments: VecDeque<(u64, u64)>,
    /// Milliseconds of all of them.
    total: u64,
}

impl Kept {
    /// With playlists that are so long, in milliseconds. `u64::MAX`: nothing goes.
    pub fn new(playlist: u64) -> Kept {
        Kept { playlist, segments: VecDeque::new(), total: 0 }
    }

    /// A segment begins with a record.
    pub fn begin(&mut self, seq: u64) {
        self.segments.push_back((seq, 0));
    }

    /// The newest segment has grown. Gives how many of the oldest may go.
    pub fn grow(&mut self, ms: u64) -> usize {
        self.total += ms;
        if let Some((_, length)) = self.segments.back_mut() {
            *length += ms;
        }
        let mut gone = 0;
        while let Some(&(_, length)) = self.segments.front()
            && self.segments.len() > 8
            && self.total - length >= self.playlist.saturating_mul(2).saturating_add(length)
        {
            self.total -= length;
            self.segments.pop_front();
            gone += 1;
        }
        gone
    }

    /// Records up to this seq are gone, and with them the segments that begin there. Gives how many of the oldest.
    pub fn lost(&mut self, upto: u64) -> usize {
        let mut gone = 0;
        while let Some(&(_, length)) = self.segments.front().filter(|(seq, _)| *seq <= upto) {
            self.segments.pop_front();
            self.total -= length;
            gone += 1;
        }
        gone
    }

    /// Records up to this seq may go.
    pub fn unneeded(&self) -> u64 {
        self.segments.front().map_or(0, |(seq, _)| seq - 1)
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
        let mut all = Kept::new(u64::MAX);
        for number in 1..=100 {
            all.begin(number);
            assert_eq!(all.grow(10_000), 0);
        }
    }
}
