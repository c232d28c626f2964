//! The parts of a zone's memory, by their numbers: the one place that makes references of offsets.

use std::ptr::NonNull;

use shm::{U32, U64};

use crate::layout::{
    Channel, CountTable, Entry, Grave, Header, JournalEntry, Layout, Lost, MAX_NAME, Meta, Place,
    RECORD, Record, Row,
};

/// A zone's memory, with its parts by number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub base: NonNull<u8>,
    pub layout: Layout,
}

impl Memory {
    /// # Safety
    /// `T` is made of words, and stands (or an array of `T` does) at `at`, inside the layout.
    unsafe fn part<T>(&self, at: usize) -> &T {
        debug_assert!(
            at.is_multiple_of(align_of::<T>()) && at + size_of::<T>() <= self.layout.size
        );
        // SAFETY: inside the mapping, which outlives `self`; words may be shared.
        unsafe { self.base.add(at).cast().as_ref() }
    }

    pub fn header(&self) -> &Header {
        // SAFETY: the header stands first.
        unsafe { self.part(0) }
    }

    pub fn row(&self, row: usize) -> &Row {
        assert!(row < self.layout.rows);
        // SAFETY: the layout has room for `rows` of them there, at multiples of 64.
        unsafe { self.part(self.layout.rows_at + row * size_of::<Row>()) }
    }

    /// An entry of a table of counts.
    pub fn entry(&self, counts: &CountTable, at: usize) -> &Entry {
        assert!(at < counts.entries);
        // SAFETY: the layout has room for `entries` of them there, at multiples of 8.
        unsafe { self.part(counts.entries_at + at * size_of::<Entry>()) }
    }

    /// A row's cell of a table of counts.
    pub fn cell(&self, counts: &CountTable, row: usize, place: usize) -> &U32 {
        assert!(row < self.layout.rows && place < counts.cells);
        let at = row * counts.cells + place;
        // SAFETY: the layout has room for `rows` times `cells` of them there, at multiples of 4.
        unsafe { self.part(counts.cells_at + at * size_of::<U32>()) }
    }

    pub fn bucket(&self, hash: u64) -> &U32 {
        let at = hash as usize & (self.layout.buckets - 1);
        // SAFETY: the index is within the table, whose length is a power of two.
        unsafe { self.part(self.layout.buckets_at + at * 4) }
    }

    /// The forgotten channels of this bucket.
    pub fn grave(&self, hash: u64) -> &Grave {
        let at = hash as usize & (self.layout.buckets - 1);
        // SAFETY: as in `bucket`.
        unsafe { self.part(self.layout.graves_at + at * size_of::<Grave>()) }
    }

    /// The ring of forgotten channels' names.
    pub fn lost(&self, at: u32) -> &Lost {
        let at = at as usize & (self.layout.buckets - 1);
        // SAFETY: as in `bucket`.
        unsafe { self.part(self.layout.lost_at + at * size_of::<Lost>()) }
    }

    /// The slots that were ever used.
    pub fn channels(&self) -> std::ops::Range<u32> {
        1..self.header().fresh_channel.get().clamp(1, self.layout.channels as u32)
    }

    fn channel_at(&self, index: u32) -> usize {
        assert!((index as usize) < self.layout.channels);
        self.layout.channels_at + index as usize * self.layout.channel_size
    }

    pub fn channel(&self, index: u32) -> &Channel {
        // SAFETY: a slot begins with it, and slots stand at multiples of 8.
        unsafe { self.part(self.channel_at(index)) }
    }

    /// One word for 64 rows.
    pub fn interest_bits(&self, index: u32, word: usize) -> &U64 {
        assert!(word < self.layout.rows.div_ceil(64));
        // SAFETY: a slot has a bit for each of `rows` behind its channel, in words of 8 bytes.
        unsafe { self.part(self.channel_at(index) + size_of::<Channel>() + word * 8) }
    }

    /// How many subscribers a row has of a channel.
    pub fn interest(&self, index: u32, row: usize) -> &U32 {
        assert!(row < self.layout.rows);
        let bits = self.layout.rows.div_ceil(64) * 8;
        let at = size_of::<Channel>() + bits + row * size_of::<U32>();
        // SAFETY: a slot has a count for each of `rows` behind the bits, and they end at a multiple of 8.
        unsafe { self.part(self.channel_at(index) + at) }
    }

    fn name_at(&self, index: u32) -> NonNull<u8> {
        let interest = self.layout.rows.div_ceil(64) * 8 + self.layout.rows * size_of::<U32>();
        let at = self.channel_at(index) + size_of::<Channel>() + interest;
        // SAFETY: inside the slot, which has room for MAX_NAME bytes there.
        unsafe { self.base.add(at) }
    }

    /// The name in a slot; the caller holds the lock.
    pub fn name(&self, index: u32) -> &[u8] {
        let len = (self.channel(index).name_len.get() as usize).min(MAX_NAME);
        // SAFETY: the bytes are in the slot; they change only under the lock, while it is free.
        unsafe { std::slice::from_raw_parts(self.name_at(index).as_ptr(), len) }
    }

    /// Writes the name of a slot that is free; the caller holds the lock.
    pub fn set_name(&self, index: u32, name: &[u8]) {
        let len = name.len().min(MAX_NAME);
        // SAFETY: the slot has room for `len` bytes, and nobody reads a free slot's name.
        unsafe { self.name_at(index).copy_from_nonoverlapping(NonNull::from(name).cast(), len) };
        self.channel(index).name_len.set(len as u32);
    }

    pub fn journal(&self, seq: u64) -> &JournalEntry {
        let at = seq as usize & (self.layout.journal - 1);
        // SAFETY: the index is within the ring, whose length is a power of two.
        unsafe { self.part(self.layout.journal_at + at * size_of::<JournalEntry>()) }
    }

    /// Blocks are counted from 1.
    pub fn meta(&self, block: u32) -> &Meta {
        assert!(block >= 1 && block as usize <= self.layout.blocks);
        // SAFETY: the layout has one for each of `blocks` there, at multiples of 8.
        unsafe { self.part(self.layout.metas_at + (block as usize - 1) * size_of::<Meta>()) }
    }

    fn block_at(&self, block: u32) -> usize {
        assert!(block >= 1 && block as usize <= self.layout.blocks);
        self.layout.blocks_at + (block as usize - 1) * self.layout.block_size
    }

    /// The record header at a place; the caller has checked that one may begin there.
    pub fn record(&self, at: Place) -> &Record {
        assert!(
            at.offset as usize + RECORD <= self.layout.block_size && at.offset.is_multiple_of(8)
        );
        // SAFETY: inside the block, which begins at a multiple of 8, and at a multiple of 8 in it.
        unsafe { self.part(self.block_at(at.block) + at.offset as usize) }
    }

    /// A part of a block's bytes.
    ///
    /// # Safety
    /// They belong to a committed record, and stay so for `'a`: the caller holds the lock, or the
    /// block is pinned.
    pub unsafe fn bytes<'a>(&self, block: u32, offset: usize, len: usize) -> &'a [u8] {
        assert!(offset + len <= self.layout.block_size);
        // SAFETY: inside the mapping; the rest is the caller's promise.
        unsafe {
            let start = self.base.add(self.block_at(block) + offset);
            std::slice::from_raw_parts(start.as_ptr(), len)
        }
    }

    /// Writes bytes into a block, behind its last committed record.
    ///
    /// # Safety
    /// The caller holds the lock, and no committed record covers the bytes.
    pub unsafe fn write(&self, block: u32, offset: usize, bytes: &[u8]) {
        assert!(offset + bytes.len() <= self.layout.block_size);
        // SAFETY: inside the block; nobody reads bytes that belong to no committed record.
        unsafe {
            let start = self.base.add(self.block_at(block) + offset);
            start.copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len());
        }
    }
}
