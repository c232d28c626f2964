//! What went with channels that are forgotten: their readers may come back, and must hear of it; and others,
//! whose channels had nothing to lose, must not.
//!
//! By name, for who comes back to the channel: the hash of the name, in a table of sets. For the readers of
//! patterns: a ring of the last names. What had to give way in either is remembered as a seq for all.

use crate::layout::{Grave, LOST_NAME};
use crate::lock::Locked;
use crate::step::step;
use crate::zone::Zone;

/// Names that are looked at in one turn.
const TURN: u32 = 4096;

/// Beginnings of names, in their order, without those that another one is the beginning of.
struct Prefixes<'p>(Vec<&'p [u8]>);

impl<'p> Prefixes<'p> {
    fn new(prefixes: &'p [Vec<u8>]) -> Prefixes<'p> {
        let mut all: Vec<&[u8]> = prefixes.iter().map(Vec::as_slice).collect();
        all.sort_unstable();
        all.dedup_by(|later, kept| later.starts_with(kept));
        Prefixes(all)
    }

    /// Whether a name may begin with one of them; of one that is cut the rest is not known.
    fn may_begin(&self, name: &[u8], is_cut: bool) -> bool {
        // If one is its beginning, nothing stands between the two.
        let behind = self.0.partition_point(|prefix| *prefix <= name);
        let begins = behind > 0 && name.starts_with(self.0[behind - 1]);
        begins || is_cut && self.0.get(behind).is_some_and(|prefix| prefix.starts_with(name))
    }
}

impl Zone {
    /// Up to which seq something behind `cursor` may have gone with channels whose names begin so, which are
    /// forgotten; 0: nothing. In turns, between which the lock is free.
    pub(crate) fn forgotten_of(&self, prefixes: &[Vec<u8>], cursor: u64) -> u64 {
        if prefixes.is_empty() {
            return 0;
        }
        let prefixes = Prefixes::new(prefixes);
        let header = self.header();
        let mut upto = 0;
        if header.lost_at.get() != 0 {
            let end = self.memory.layout.buckets as u32;
            for from in (0..end).step_by(TURN as usize) {
                let to = from.saturating_add(TURN).min(end);
                upto = self.lock().forgotten_among(&prefixes, from, to, cursor).max(upto);
            }
        }
        // What has left the names meanwhile is in here.
        let _locked = self.lock();
        upto.max(Some(header.lost_upto.get()).filter(|&seq| seq > cursor).unwrap_or(0))
    }
}

impl Locked<'_> {
    /// Remembers that a channel is forgotten, which had records up to `seq`.
    pub fn bury(&self, hash: u64, name: &[u8], seq: u64) {
        let grave = self.memory.grave(hash);
        match grave.entries.iter().find(|entry| entry.seq.get() != 0 && entry.hash.get() == hash) {
            Some(known) => known.seq.set(known.seq.get().max(seq)),
            None => self.bury_in(grave, hash, seq),
        }
        step("bury: by name");
        let header = self.header();
        let lost = self.memory.lost(header.lost_at.get());
        header.lost_upto.set(header.lost_upto.get().max(lost.seq.get()));
        lost.seq.set(0);
        step("bury: one is lost for good");
        let mut bytes = [0; LOST_NAME];
        let len = name.len().min(LOST_NAME);
        bytes[..len].copy_from_slice(&name[..len]);
        for (word, chunk) in lost.name.iter().zip(bytes.as_chunks().0) {
            word.set(u64::from_le_bytes(*chunk));
        }
        lost.len.set(name.len() as u64);
        lost.seq.set(seq);
        step("bury: for the patterns");
        header.lost_at.add(1);
    }

    /// The place is a free one, or the oldest's.
    fn bury_in(&self, grave: &Grave, hash: u64, seq: u64) {
        let Some(entry) = grave.entries.iter().min_by_key(|entry| entry.seq.get()) else { return };
        grave.upto.set(grave.upto.get().max(entry.seq.get()));
        step("bury: said");
        entry.seq.set(0);
        entry.hash.set(hash);
        entry.seq.set(seq);
    }

    /// Up to which seq something may have gone with a channel of that hash.
    pub fn forgotten(&self, hash: u64) -> u64 {
        // As long as none is forgotten, the table is memory that was never touched.
        if self.header().lost_at.get() == 0 && self.header().lost_upto.get() == 0 {
            return 0;
        }
        let grave = self.memory.grave(hash);
        let known =
            grave.entries.iter().find(|entry| entry.seq.get() != 0 && entry.hash.get() == hash);
        known.map_or(grave.upto.get(), |entry| entry.seq.get())
    }

    /// Looks at some of the last names, from `from` on: up to which seq something behind `cursor` may have gone with
    /// channels whose names begin so; 0: nothing.
    fn forgotten_among(&self, prefixes: &Prefixes<'_>, from: u32, to: u32, cursor: u64) -> u64 {
        let mut upto = 0;
        for at in from..to {
            let lost = self.memory.lost(at);
            if lost.seq.get() > cursor.max(upto) {
                let mut name = [0; LOST_NAME];
                for (bytes, word) in name.as_chunks_mut().0.iter_mut().zip(&lost.name) {
                    *bytes = word.get().to_le_bytes();
                }
                let len = lost.len.get() as usize;
                if prefixes.may_begin(&name[..len.min(LOST_NAME)], len > LOST_NAME) {
                    upto = lost.seq.get();
                }
            }
        }
        upto
    }

    /// Remembers what another zone with the same secret remembers.
    pub fn inherit_forgotten(&self, theirs: &Locked<'_>) {
        let buckets = theirs.memory.layout.buckets as u64;
        let upto = (0..buckets).map(|bucket| theirs.memory.grave(bucket).upto.get()).max();
        self.forget_upto(upto.unwrap_or(0).max(theirs.header().lost_upto.get()));
        for bucket in 0..buckets {
            for entry in theirs.memory.grave(bucket).entries.iter().filter(|e| e.seq.get() != 0) {
                let (hash, seq) = (entry.hash.get(), entry.seq.get());
                if self.forgotten(hash) < seq {
                    self.bury_in(self.memory.grave(hash), hash, seq);
                }
            }
        }
        // The names follow in their order.
        for at in 0..buckets as u32 {
            let lost = theirs.memory.lost(theirs.header().lost_at.get().wrapping_add(at));
            if lost.seq.get() != 0 {
                let own = self.memory.lost(self.header().lost_at.get());
                let known = &self.header().lost_upto;
                known.set(known.get().max(own.seq.get()));
                own.seq.set(lost.seq.get());
                own.len.set(lost.len.get());
                own.name.iter().zip(&lost.name).for_each(|(word, other)| word.set(other.get()));
                self.header().lost_at.add(1);
            }
        }
    }

    /// All that is not remembered may have had records up to `seq`.
    pub fn forget_upto(&self, seq: u64) {
        if seq == 0 {
            return;
        }
        let lost = &self.header().lost_upto;
        lost.set(lost.get().max(seq));
        for bucket in 0..self.memory.layout.buckets as u64 {
            let upto = &self.memory.grave(bucket).upto;
            upto.set(upto.get().max(seq));
        }
    }

    /// Nothing is gone that has not been.
    pub fn bound_forgotten(&self, newest: u64) {
        let bound = |seq: &shm::U64| seq.set(seq.get().min(newest));
        bound(&self.header().lost_upto);
        for bucket in 0..self.memory.layout.buckets as u64 {
            let grave = self.memory.grave(bucket);
            bound(&grave.upto);
            grave.entries.iter().for_each(|entry| bound(&entry.seq));
            bound(&self.memory.lost(bucket as u32).seq);
        }
    }
}
