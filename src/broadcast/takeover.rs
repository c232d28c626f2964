//! A zone of another size takes the place of one that is in use: everything goes over, and nothing is published in
//! between.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::layout::{Place, State};
use crate::lock::Locked;
use crate::restore::Kept;
use crate::zone::Zone;

impl Locked<'_> {
    /// Whether nothing may be appended: as long as whoever has said so lives.
    pub fn is_sealed(&self) -> bool {
        let by = self.header().sealed.get();
        by != 0 && (self.header().retired.get() != 0 || sys::process::exists(by as i32))
    }

    /// Calls `each` with every record behind `cursor`, in the order of seqs.
    pub fn records(&self, cursor: u64, mut each: impl FnMut(&Kept<'_>)) {
        let mut next = BinaryHeap::new();
        let is_channel =
            |index: &u32| self.memory.channel(*index).state.get() == State::Channel as u32;
        for index in self.memory.channels().filter(is_channel) {
            if let Some((at, record)) = self.record_at(self.locate(index, cursor)) {
                next.push(Reverse((record.seq.get(), index, at.word())));
            }
        }
        let mut bytes = Vec::new();
        while let Some(Reverse((seq, index, word))) = next.pop() {
            let at = Place::from_word(word);
            let (channel, record) = (self.memory.channel(index), self.memory.record(at));
            bytes.clear();
            self.memory.pieces(at, record.len.get() as usize, |block, offset, len| {
                // SAFETY: a committed record's bytes; the lock is held.
                bytes.extend_from_slice(unsafe { self.memory.bytes(block, offset, len) });
            });
            each(&Kept {
                channel: self.memory.name(index),
                seq,
                number: record.number.get(),
                time: record.time.get(),
                key: record.key.get(),
                place: record.place.get(),
                flags: record.flags.get(),
                head: record.head.get(),
                max_count: channel.max_count.get(),
                max_age: channel.max_age.get(),
                bytes: &bytes,
            });
            if let Some((at, record)) = self.record_at(self.after((at, record))) {
                next.push(Reverse((record.seq.get(), index, at.word())));
            }
        }
    }
}

impl Zone {
    /// Takes over everything that another zone has, and what it remembers of what is gone. Nothing is appended there
    /// from now on, until [`reopen`](Self::reopen). `false`: a process keeps its lock.
    pub fn take_over(&self, from: &Zone) -> bool {
        let Some(theirs) = from.lock_soon() else { return false };
        from.header().sealed.set(sys::process::pid() as u32);
        let (own, header, old) = (self.lock(), self.header(), from.header());
        for (word, known) in header.secret.iter().zip(&old.secret) {
            word.set(known.get());
        }
        header.epoch.set(old.epoch.get());
        for (past, known) in header.past.iter().zip(&old.past) {
            past.epoch.set(known.epoch.get());
            past.upto.set(known.upto.get());
        }
        header.clock.set(old.clock.get());
        theirs.records(0, |kept| {
            // One that this zone is too small for is gone: readers are told, as of any.
            let _ = own.restore(kept);
        });
        own.inherit_evictions(&theirs);
        header.seq.publish(from.newest());
        header.published.set(old.published.get());
        header.published_bytes.set(old.published_bytes.get());
        true
    }

    /// The zone that has taken everything over does not come to serve: what it has got since comes back. `false`:
    /// a process keeps this one's lock.
    pub fn reopen(&self, other: &Zone) -> bool {
        let (Some(own), Some(theirs)) = (self.lock_soon(), other.lock_soon()) else { return false };
        theirs.records(self.newest(), |kept| {
            let written = match self.is_durable() {
                true => own.write_to_file(kept, &[kept.bytes]),
                false => Ok(()),
            };
            if let Err(error) = written.and_then(|()| own.restore(kept)) {
                sys::log!(Alert, "an event is lost: {error}");
            }
        });
        self.header().sealed.set(0);
        drop(own);
        self.wake_all();
        true
    }

    /// Another zone has taken this one's place for good: its readers are to go there.
    pub fn retire(&self) {
        let header = self.header();
        header.sealed.set(header.sealed.get().max(1));
        header.retired.publish(1);
        self.wake_all();
    }

    /// Whether nothing comes here any more.
    pub fn is_retired(&self) -> bool {
        self.header().retired.published() != 0
    }
}

impl Locked<'_> {
    /// What another zone knows of records that are gone.
    fn inherit_evictions(&self, theirs: &Locked<'_>) {
        for index in theirs.memory.channels() {
            let channel = theirs.memory.channel(index);
            if channel.state.get() != State::Channel as u32 || channel.number.get() == 0 {
                continue;
            }
            let name = theirs.memory.name(index);
            match self.find(name, State::Channel) {
                Some(own) => {
                    let gone = &self.memory.channel(own).evicted_upto;
                    gone.set(gone.get().max(channel.evicted_upto.get()));
                }
                None => {
                    let gone = channel.last_seq.get().max(channel.evicted_upto.get());
                    self.bury(channel.hash.get(), name, gone);
                }
            }
        }
        self.inherit_forgotten(theirs);
    }
}
