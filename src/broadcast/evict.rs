//! Taking records away: for age, for number, and to make room. The oldest goes first.

use crate::layout::{Channel, Place, RECORD};
use crate::lock::Locked;
use crate::step::step;
use crate::zone::Zone;

/// A limit of number takes no record that is younger: whoever is just behind gets it still.
const YOUNG_MS: u64 = 5000;
/// Channels looked at in one turn of [`Zone::expire`].
const SWEPT: u32 = 4096;
/// How often the whole table is gone through, at most.
const SWEEP_PAUSE_MS: u64 = 500;
/// An empty channel that nobody subscribes to is kept this long.
const IDLE_MS: u64 = 5000;

impl Zone {
    /// Takes away what has become too old, and channels that nobody uses. Cheap when another process
    /// has just done it; call it about once a second.
    pub fn expire(&self) {
        let now = self.now();
        let header = self.header();
        let before = header.expired_at.get();
        if now < before.saturating_add(SWEEP_PAUSE_MS) || !header.expired_at.replace(before, now) {
            return;
        }
        let locked = self.lock();
        if locked.is_sealed() {
            return;
        }
        let channels = locked.memory.channels().end;
        for _ in 0..SWEPT.min(channels) {
            let index = header.sweep_hand.get() % channels;
            header.sweep_hand.set(index + 1);
            if index != 0 {
                locked.expire_channel(index, now);
            }
        }
        locked.reclaim_limbo();
    }
}

impl Locked<'_> {
    fn expire_channel(&self, index: u32, now: u64) {
        let channel = self.memory.channel(index);
        if !channel.lives() {
            return;
        }
        self.trim(index, now, 0, SWEPT as usize);
        let quiet = now.saturating_sub(channel.touched.get()) >= IDLE_MS;
        let unused = channel.first.get() == 0 && self.is_unused(index);
        if unused && quiet {
            self.remove(index);
        }
    }

    /// Takes away what a channel's own limits do not keep, and what nobody needs up to the seq
    /// `unneeded`, at most so many records.
    pub fn trim(&self, index: u32, now: u64, unneeded: u64, most: usize) {
        let channel = self.memory.channel(index);
        for _ in 0..most {
            let Some((_, record)) = self.first(channel) else { return };
            let age = now.saturating_sub(record.time.get());
            let max_age = channel.max_age.get();
            let aged = max_age != 0 && age >= max_age;
            let surplus = channel.count.get() > channel.max_count.get() && age >= YOUNG_MS;
            if !aged && !surplus && record.seq.get() > unneeded {
                return;
            }
            self.drop_first(channel);
        }
    }

    /// Takes the first record away. `false`: there is none.
    pub fn drop_first(&self, channel: &Channel) -> bool {
        let Some(found) = self.first(channel) else { return false };
        let (seq, len) = (found.1.seq.get(), u64::from(found.1.len.get()));
        let old = Place::from_word(channel.first.get());
        let after = self.after(found);
        // Said before it is done: who reads meanwhile rather hears of a gap than runs into one.
        channel.evicted_upto.publish(seq);
        step("evict: said");
        // Not looked at: it is in no near cache, and only its place is needed.
        let next = (seq < channel.last_seq.get()).then(|| self.memory.settle(after));
        channel.first.publish(next.unwrap_or(Place::NONE).word());
        if let Some(next) = next {
            sys::prefetch::prefetch(self.memory.record(next), RECORD);
        }
        step("evict: done");
        channel.count.sub(1);
        channel.bytes.sub(len);
        self.header().evicted.add(1);
        if next.is_none() {
            channel.last.set(Place::NONE.word());
        }
        let mut block = old.block;
        let keep = next.map_or(0, |place| place.block);
        while block != 0 && block != keep {
            let next = self.memory.meta(block).next.get();
            channel.blocks.sub(1);
            step("evict: a block is nobody's");
            self.give_block(block);
            block = next;
        }
        true
    }

    /// Sees to `need` free blocks. `false`: all that could be taken is being read.
    pub fn make_room(&self, appending: u32, need: u32) -> bool {
        let header = self.header();
        while header.free_blocks.get() < need {
            if header.limbo.get() != 0 && self.reclaim_limbo() {
                continue;
            }
            let Some(victim) = self.victim(appending) else { return false };
            let channel = self.memory.channel(victim);
            let blocks = channel.blocks.get();
            while channel.blocks.get() == blocks && self.drop_first(channel) {}
        }
        true
    }

    /// Whose records make room: the appender's own if it has more than it asked for or more than its
    /// share, else those of the next channel that has at least an average one. So one busy channel
    /// does not take the history of the quiet ones.
    fn victim(&self, appending: u32) -> Option<u32> {
        let header = self.header();
        let channels = self.memory.channels().end;
        let own = self.memory.channel(appending);
        let used = self.memory.layout.blocks as u32 - header.free_blocks.get();
        let average = used / header.real_channels.get().max(1);
        let surplus = own.count.get() > own.max_count.get();
        if own.count.get() > 0 && (surplus || own.blocks.get() >= average) {
            return Some(appending);
        }
        // The average counts blocks that are no channel's, too: half of it is somebody's for certain,
        // or there are none.
        for wanted in [average, average / 2, 1] {
            for _ in 0..channels {
                let index = header.hand.get() % channels;
                let channel = self.memory.channel(index);
                let has = index != 0
                    && channel.lives()
                    && channel.count.get() > 0
                    && channel.blocks.get() >= wanted.max(1);
                if has {
                    return Some(index);
                }
                header.hand.set(index + 1);
            }
        }
        None
    }
}
