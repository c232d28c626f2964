//! What stands where in a zone.
//!
//! ```text
//! Header │ rows │ buckets │ tombs │ channels │ journal │ metas │ blocks
//!        │      │         │       │          │         │       │  └ records, packed, spanning blocks
//!        │      │         │       │          │         │       └ one for each block: its chain
//!        │      │         │       │          │         └ a ring: the channel of each of the last seqs
//!        │      │         │       │          └ name, limits, first and last record, interest of each row
//!        │      │         └───────┴ index by hash of the name; the last seq that is gone with a channel
//!        └ one for each worker: is it asleep, which blocks does it read
//! ```
//! Everything is offsets and numbers: processes map the zone at different addresses. Index 0 of
//! channels and blocks is nobody.

use std::ptr::NonNull;

use shm::{RobustLock, U32, U64};

/// "RSERVELG", then the version of this layout: another binary's zone is recognised.
pub const MAGIC: [u8; 8] = *b"RSERVELG";
/// The version of the layout: a zone of another version is another binary's.
pub const VERSION: u32 = 1;

/// The longest name of a channel, in bytes.
pub const MAX_NAME: usize = 255;

/// Blocks that a worker may read from at the same time.
pub(crate) const PINS: usize = 64;

#[repr(C, align(64))]
pub(crate) struct Header {
    pub magic: U64,
    pub size: U64,
    pub version: U32,
    pub block_size: U32,
    pub blocks: U32,
    pub channels: U32,
    pub rows: U32,
    pub buckets: U32,
    pub journal: U32,
    /// Names this zone's life: ids of another are not of this one.
    pub epoch: U32,
    /// For the hashes of names: nobody outside can foresee them.
    pub secret: [U64; 2],
    /// In the names of bells, so that no two zones have the same. It is no secret: the kernel lists
    /// names. All that a stranger's ring does is to wake.
    pub bells: U64,
    /// Zone time minus the monotonic clock, in milliseconds (wrapping): a file outlives its machine's
    /// clock.
    pub clock: U64,
    /// The zone's time and the wall clock when somebody last looked, in milliseconds.
    pub last_time: U64,
    pub last_wall: U64,
    pub lock: RobustLock,
    /// The newest committed record's number; published.
    pub seq: U64,
    /// The first of the blocks that were given back, and the first that was never taken.
    pub free_block: U32,
    pub fresh_block: U32,
    pub free_blocks: U32,
    /// Blocks that are nobody's, but that somebody still reads.
    pub limbo: U32,
    /// The same of channels.
    pub free_channel: U32,
    pub fresh_channel: U32,
    pub used_channels: U32,
    /// Channels of [`State::Channel`] alone.
    pub real_channels: U32,
    /// Where the search for a channel to take from, and for aged ones, goes on.
    pub hand: U32,
    pub sweep_hand: U32,
    /// The first of the patterns.
    pub patterns: U32,
    /// Counts up with every block that is taken or given back.
    pub stamp: U32,
    /// Rows behind these were never used.
    pub rows_used: U32,
    pub expired_at: U64,
    pub published: U64,
    pub published_bytes: U64,
    pub evicted: U64,
    pub repairs: U64,
    /// The newest seq that went with a channel's slot: readers of patterns cannot know which slots
    /// there were.
    pub removed_upto: U64,
}

/// One worker's.
#[repr(C, align(64))]
pub(crate) struct Row {
    /// 0: nobody's.
    pub pid: U32,
    /// 1: it sleeps, and must be rung when something comes.
    pub sleeping: U32,
    /// How many of `pins` count. Set under the lock, cleared without it.
    pub pinned: U32,
    pub pins: [U32; PINS],
    pub subscribers: U32,
    /// Subscribers that have not got all there is.
    pub behind: U32,
    pub delivered: U64,
    pub delivered_bytes: U64,
    pub lapped: U64,
}

/// What a slot of the channel table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum State {
    Free = 0,
    /// A channel.
    Channel = 1,
    /// A prefix that somebody subscribes to; it has no records.
    Pattern = 2,
    /// Something that is counted like subscribers (a client's address); it has no records.
    Counter = 3,
}

impl State {
    pub fn of(word: u32) -> State {
        match word {
            1 => State::Channel,
            2 => State::Pattern,
            3 => State::Counter,
            _ => State::Free,
        }
    }
}

/// The fixed part of a channel's slot; interest bits, counts and the name follow it.
#[repr(C)]
pub(crate) struct Channel {
    pub state: U32,
    /// Counts the lives of the slot.
    pub generation: U32,
    pub hash: U64,
    pub name_len: U32,
    /// Not 0: the channel has ended; the seq of the end is `last_seq`.
    pub ended: U32,
    /// The first record: block and offset in one word, so that it changes at once. 0: no records.
    pub first: U64,
    /// Where the next record begins: block and offset. Derived.
    pub last: U64,
    /// Derived, as all that follows up to `evicted_upto`.
    pub last_seq: U64,
    pub count: U32,
    pub blocks: U32,
    pub bytes: U64,
    /// Every record up to this seq is gone.
    pub evicted_upto: U64,
    /// Records ever.
    pub number: U64,
    /// Zone time of the last append or subscription.
    pub touched: U64,
    pub max_count: U32,
    /// The next slot of the same bucket, of the free list.
    pub next: U32,
    /// The next pattern.
    pub next_pattern: U32,
    pub unused: U32,
    pub max_age: U64,
}

/// One row's part of a channel.
#[repr(C)]
pub(crate) struct Interest {
    pub subscribers: U32,
    /// How many records its slowest subscriber is behind.
    pub behind: U32,
}

/// One of the last seqs. Written under the lock; read without it, `seq` before and after.
#[repr(C)]
pub(crate) struct JournalEntry {
    pub seq: U64,
    pub channel: U32,
    pub block: U32,
    pub offset: U32,
    pub stamp: U32,
}

/// A block's part in its chain. All derived, but `next` of blocks in chains.
#[repr(C)]
pub(crate) struct Meta {
    pub next: U32,
    /// Changes when the block is taken and when it is given back.
    pub stamp: U32,
    /// The first record that begins in it, 0: none does.
    pub first_seq: U64,
    /// Where that record begins.
    pub first: U32,
    /// Two bits for the key of each record that begins in it: most blocks need not be looked into.
    pub keys: U32,
}

/// What stands before a record's bytes, at a multiple of 8, in one block.
#[repr(C)]
pub(crate) struct Record {
    /// Published last: 0 until the record is committed, and behind the last record of a chain.
    pub seq: U64,
    /// Zone time in milliseconds.
    pub time: U64,
    /// The how manieth of its channel.
    pub number: U64,
    /// Hash of the idempotency key, 0: none.
    pub key: U64,
    /// Bytes, the head's included.
    pub len: U32,
    pub head: U32,
    pub flags: U32,
    /// The slot of its channel: a record that lies about is not taken for another's.
    pub channel: U32,
}

pub(crate) const RECORD: usize = size_of::<Record>();

/// How large the parts are, and where they begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub size: usize,
    pub block_size: usize,
    pub rows: usize,
    pub buckets: usize,
    pub channels: usize,
    pub journal: usize,
    pub blocks: usize,
    rows_at: usize,
    buckets_at: usize,
    tombs_at: usize,
    channels_at: usize,
    channel_size: usize,
    journal_at: usize,
    metas_at: usize,
    blocks_at: usize,
}

/// Fewer make no zone: a record may take half of them.
const FEWEST_BLOCKS: usize = 16;

impl Layout {
    /// Divides `size` bytes. `None`: too few, or numbers that make no sense.
    pub fn new(size: usize, block_size: usize, rows: usize, channels: usize) -> Option<Layout> {
        if block_size < 256 || !block_size.is_multiple_of(8) || block_size > 1 << 24 {
            return None;
        }
        let (rows, channels) = (rows.max(1), channels.max(1) + 1);
        let buckets = channels.next_power_of_two();
        let journal = (size / 1024).next_power_of_two().max(64);
        let interest = rows.div_ceil(64) * 8 + rows * size_of::<Interest>();
        let channel_size = (size_of::<Channel>() + interest + MAX_NAME).next_multiple_of(8);
        let rows_at = size_of::<Header>().next_multiple_of(64);
        let buckets_at = rows_at + rows * size_of::<Row>();
        let tombs_at = buckets_at + (buckets * 4).next_multiple_of(8);
        let channels_at = tombs_at + buckets * 8;
        let journal_at = channels_at.checked_add(channels.checked_mul(channel_size)?)?;
        let metas_at = journal_at + journal * size_of::<JournalEntry>();
        let room = size.checked_sub(metas_at)?.checked_sub(4096)?;
        let blocks = room / (block_size + size_of::<Meta>());
        let blocks_at = (metas_at + blocks * size_of::<Meta>()).next_multiple_of(4096);
        let fits = blocks >= FEWEST_BLOCKS && blocks < u32::MAX as usize / 2;
        fits.then_some(Layout {
            size,
            block_size,
            rows,
            buckets,
            channels,
            journal,
            blocks,
            rows_at,
            buckets_at,
            tombs_at,
            channels_at,
            channel_size,
            journal_at,
            metas_at,
            blocks_at,
        })
    }
}

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
        // SAFETY: the index is checked.
        unsafe { self.part(self.layout.rows_at + row * size_of::<Row>()) }
    }

    pub fn bucket(&self, hash: u64) -> &U32 {
        let at = hash as usize & (self.layout.buckets - 1);
        // SAFETY: the index is within the table, whose length is a power of two.
        unsafe { self.part(self.layout.buckets_at + at * 4) }
    }

    /// The newest seq that went with a channel of this bucket.
    pub fn tomb(&self, hash: u64) -> &U64 {
        let at = hash as usize & (self.layout.buckets - 1);
        // SAFETY: as in `bucket`.
        unsafe { self.part(self.layout.tombs_at + at * 8) }
    }

    /// The slots that were ever used.
    pub fn channels(&self) -> std::ops::Range<u32> {
        1..self.header().fresh_channel.get().clamp(1, self.layout.channels as u32)
    }

    /// Zeroes everything but the blocks.
    ///
    /// # Safety
    /// Nobody uses the zone.
    pub unsafe fn zero(&self) {
        // SAFETY: inside the mapping; the rest is the caller's promise.
        unsafe { self.base.write_bytes(0, self.layout.blocks_at) };
    }

    fn channel_at(&self, index: u32) -> usize {
        assert!((index as usize) < self.layout.channels);
        self.layout.channels_at + index as usize * self.layout.channel_size
    }

    pub fn channel(&self, index: u32) -> &Channel {
        // SAFETY: the index is checked.
        unsafe { self.part(self.channel_at(index)) }
    }

    /// One word for 64 rows.
    pub fn interest_bits(&self, index: u32, word: usize) -> &U64 {
        assert!(word < self.layout.rows.div_ceil(64));
        // SAFETY: the indexes are checked.
        unsafe { self.part(self.channel_at(index) + size_of::<Channel>() + word * 8) }
    }

    pub fn interest(&self, index: u32, row: usize) -> &Interest {
        assert!(row < self.layout.rows);
        let bits = self.layout.rows.div_ceil(64) * 8;
        let at = size_of::<Channel>() + bits + row * size_of::<Interest>();
        // SAFETY: the indexes are checked.
        unsafe { self.part(self.channel_at(index) + at) }
    }

    fn name_at(&self, index: u32) -> NonNull<u8> {
        let interest = self.layout.rows.div_ceil(64) * 8 + self.layout.rows * size_of::<Interest>();
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
        // SAFETY: the index is checked.
        unsafe { self.part(self.layout.metas_at + (block as usize - 1) * size_of::<Meta>()) }
    }

    fn block_at(&self, block: u32) -> usize {
        assert!(block >= 1 && block as usize <= self.layout.blocks);
        self.layout.blocks_at + (block as usize - 1) * self.layout.block_size
    }

    /// The record header at a place; the caller has checked that one may begin there.
    pub fn record(&self, at: Place) -> &Record {
        assert!(at.offset as usize + RECORD <= self.layout.block_size);
        // SAFETY: inside the block, at a multiple of 8 (places come from `Place::after`).
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

/// A place in a chain: a block and an offset in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub block: u32,
    pub offset: u32,
}

impl Place {
    /// Nowhere.
    pub const NONE: Place = Place { block: 0, offset: 0 };

    pub fn from_word(word: u64) -> Place {
        Place { block: (word >> 32) as u32, offset: word as u32 }
    }

    pub fn word(self) -> u64 {
        u64::from(self.block) << 32 | u64::from(self.offset)
    }

    pub fn is_none(self) -> bool {
        self.block == 0
    }
}
