//! Several channels read as one: in one order, however many they are.
//!
//! The place of each channel's next record is looked up once and kept in a heap; a channel that is read to its
//! end leaves it, until there is something new in it. n channels cost O(n log n) in all, in turns between which the lock
//! is free.

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BinaryHeap, HashMap};

use crate::batch::{Builder, ReadLimits, Reading};
use crate::index::ChannelId;
use crate::layout::Place;
use crate::lock::Locked;
use crate::row::Attachment;

/// Places that are looked up in one turn.
const PLACED: usize = 256;
/// Slots of the channel table that are looked at in one turn.
const SCANNED: u32 = 4096;

/// Where reading a channel begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// Behind the reader's cursor.
    Cursor,
    /// With what a newcomer gets of it, at most so many of its newest records.
    History(u32),
}

/// A channel's next record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Next {
    seq: u64,
    id: ChannelId,
    place: u64,
    stamp: u32,
}

/// What a reader of several channels keeps between its batches.
#[derive(Debug, Default)]
pub struct Merge {
    /// The channels that may have records for the reader, by number, with the seq of the next one; 0: it is to be
    /// looked up.
    pending: HashMap<u32, u64>,
    unplaced: Vec<(ChannelId, From)>,
    /// Entries that are not as `pending` says are of the past.
    next: BinaryHeap<Reverse<Next>>,
    /// The records of the last batch: what the reader did not take comes again.
    given: Vec<Next>,
    /// Records of these channels are gone up to this seq.
    gone: u64,
    search: Option<Search>,
}

/// A search for channels in the table.
#[derive(Debug)]
struct Search {
    /// The slot at which it goes on.
    slot: u32,
    /// The beginnings of their names.
    prefixes: Box<[Vec<u8>]>,
    /// From where they are read.
    from: From,
}

impl Merge {
    /// There may be more in a channel.
    pub fn add(&mut self, id: ChannelId, from: From) {
        if let Entry::Vacant(vacant) = self.pending.entry(id.index) {
            vacant.insert(0);
            self.unplaced.push((id, from));
        }
    }

    /// There may be something in any channel whose name begins with one of these.
    pub fn search(&mut self, prefixes: &[Vec<u8>], from: From) {
        let search = || Search { slot: 1, prefixes: prefixes.into(), from };
        self.search = (!prefixes.is_empty()).then(search);
    }

    /// Whether there is nothing to be looked for, for a reader that has got everything up to `cursor`: what was in the last
    /// batch and was not taken is in none of the channels any more.
    pub fn is_done(&self, cursor: u64) -> bool {
        let taken = self.given.last().is_none_or(|last| last.seq <= cursor);
        taken && self.pending.is_empty() && self.search.is_none()
    }

    /// The channel of a record of the last batch.
    pub fn channel_of(&self, seq: u64) -> Option<ChannelId> {
        self.given.iter().find(|next| next.seq == seq).map(|next| next.id)
    }

    /// Only the newest channels, at most so many, and of each at most `each` records, are read: for newcomers.
    fn bound(&mut self, most: usize) {
        if self.next.len() > most {
            let mut all = std::mem::take(&mut self.next).into_vec();
            all.sort_unstable();
            all.truncate(most);
            self.pending = all.iter().map(|Reverse(next)| (next.id.index, next.seq)).collect();
            self.next = all.into();
        }
    }

    /// What was in the last batch and was not taken is next again.
    fn take_back(&mut self, cursor: u64) {
        let given = std::mem::take(&mut self.given);
        for next in given.into_iter().rev().filter(|next| next.seq > cursor) {
            self.put(next);
        }
    }

    fn put(&mut self, next: Next) {
        self.pending.insert(next.id.index, next.seq);
        self.next.push(Reverse(next));
    }

    fn pop(&mut self, upto: u64) -> Option<Next> {
        while let Some(Reverse(next)) = self.next.peek().copied() {
            if self.pending.get(&next.id.index) != Some(&next.seq) {
                self.next.pop();
                continue;
            }
            if next.seq > upto {
                return None;
            }
            self.next.pop();
            return Some(next);
        }
        None
    }
}

impl Attachment {
    /// Reads what the channels of `merge` have for a reader who has got everything up to `cursor`, in one order.
    /// `newcomers`: how many records a newcomer gets of all of them, at most. `None`: they are still being looked
    /// for; the reader comes again, after the others.
    ///
    /// # Panics
    /// If another batch of this thread is still held.
    pub fn read_merged(
        &self,
        merge: &mut Merge,
        cursor: u64,
        limits: ReadLimits,
        newcomers: u32,
    ) -> Option<Reading<'_>> {
        assert!(self.zone.memory.row(self.row).pinned.get() == 0, "one batch at a time");
        let locked = self.zone.lock();
        merge.take_back(cursor);
        if locked.search(merge, cursor) || locked.place(merge, cursor, newcomers) {
            return None;
        }
        let gone = std::mem::take(&mut merge.gone);
        if gone > cursor.max(limits.told) {
            return Some(Reading::Lagged { upto: gone });
        }
        let mut builder = Builder::new(self);
        while let Some(next) = merge.pop(limits.upto) {
            let place = Place::from_word(next.place);
            let lives = self.zone.memory.meta(place.block).stamp.get() == next.stamp;
            let found =
                locked.record_at(place).filter(|(_, record)| lives && record.seq.get() == next.seq);
            let Some(found) = found else {
                // It is gone meanwhile: the channel goes on behind, and the next look tells of the gap.
                locked.find_next(
                    merge,
                    next.id,
                    cursor.max(builder.last_seq().unwrap_or(0)),
                    From::Cursor,
                );
                if merge.gone > cursor.max(limits.told) {
                    break;
                }
                continue;
            };
            let count = builder.len();
            let goes_on = builder.add(place, 0, limits);
            if builder.len() == count {
                merge.put(next);
                break;
            }
            merge.given.push(next);
            locked.put_next(merge, next.id, locked.after(found));
            if !goes_on {
                break;
            }
        }
        Some(match builder.finish() {
            Reading::Nothing if merge.gone > cursor.max(limits.told) => {
                Reading::Lagged { upto: std::mem::take(&mut merge.gone) }
            }
            reading => reading,
        })
    }
}

impl Attachment {
    /// The channels with such beginnings that were published to last, at most so many.
    pub fn newest_of(&self, prefixes: &[Vec<u8>], most: usize) -> Vec<ChannelId> {
        let mut newest = BinaryHeap::new();
        let mut from = 1u32;
        loop {
            let locked = self.zone.lock();
            let end = self.zone.memory.channels().end;
            let to = from.saturating_add(SCANNED).min(end);
            for index in (from..to).filter(|&index| locked.matches(index, prefixes)) {
                let last = self.zone.memory.channel(index).last_seq.get();
                newest.push(Reverse((last, locked.id(index))));
                if newest.len() > most {
                    newest.pop();
                }
            }
            if to >= end {
                return newest.into_iter().map(|Reverse((_, id))| id).collect();
            }
            from = to;
        }
    }
}

impl Locked<'_> {
    /// Whether a slot is a channel's that has had records, and whose name begins so.
    fn matches(&self, index: u32, prefixes: &[Vec<u8>]) -> bool {
        let channel = self.memory.channel(index);
        channel.lives()
            && channel.last_seq.get() > 0
            && prefixes.iter().any(|prefix| self.memory.name(index).starts_with(prefix))
    }

    /// Goes on with the search for channels. `true`: it is not at its end.
    fn search(&self, merge: &mut Merge, cursor: u64) -> bool {
        let Some(search) = merge.search.take() else { return false };
        let end = self.memory.channels().end;
        let to = search.slot.saturating_add(SCANNED).min(end);
        for index in search.slot..to {
            let is_new = self.memory.channel(index).last_seq.get() > cursor;
            if is_new && self.matches(index, &search.prefixes) {
                merge.add(self.id(index), search.from);
            }
        }
        if to < end {
            merge.search = Some(Search { slot: to, ..search });
        }
        to < end
    }

    /// Goes on looking up the next records of channels that were added. `true`: it is not at its end.
    fn place(&self, merge: &mut Merge, cursor: u64, newcomers: u32) -> bool {
        let was_placing = !merge.unplaced.is_empty();
        let channels = (merge.pending.len() as u32).max(1);
        for _ in 0..PLACED {
            let Some((id, from)) = merge.unplaced.pop() else { break };
            let from = match from {
                From::History(count) => From::History(count.min((newcomers / channels).max(1))),
                cursor => cursor,
            };
            self.find_next(merge, id, cursor, from);
        }
        if !merge.unplaced.is_empty() {
            return true;
        }
        if was_placing && cursor == 0 {
            merge.bound(newcomers as usize);
        }
        false
    }

    /// Looks up a channel's next record.
    fn find_next(&self, merge: &mut Merge, id: ChannelId, cursor: u64, from: From) {
        merge.pending.remove(&id.index);
        let Some(channel) = self.channel(id) else { return };
        let place = match from {
            From::Cursor => {
                if channel.evicted_upto.get() > cursor {
                    merge.gone = merge.gone.max(channel.evicted_upto.get());
                }
                self.locate(id.index, cursor)
            }
            From::History(count) => self.newest_place(id.index, count.min(channel.max_count.get())),
        };
        self.put_next(merge, id, place);
    }

    fn put_next(&self, merge: &mut Merge, id: ChannelId, place: Place) {
        match self.record_at(place) {
            Some((place, record)) => {
                let stamp = self.memory.meta(place.block).stamp.get();
                merge.put(Next { seq: record.seq.get(), id, place: place.word(), stamp });
            }
            None => {
                merge.pending.remove(&id.index);
            }
        }
    }
}
