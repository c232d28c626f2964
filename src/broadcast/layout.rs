//! What stands where in a zone.
//!
//! ```text
//! Header │ rows │ counts │ buckets │ graves │ lost │ channels │ journal │ metas │ blocks
//!        │      │        │         │        │      │          │         │       │  └ records, packed, spanning blocks
//!        │      │        │         │        │      │          │         │       └ one for each block: its chain
//!        │      │        │         │        │      │          │         └ a ring: the channel of each of the last seqs
//!        │      │        │         │        │      │          └ name, limits, first and last record, interest of rows
//!        │      │        │         └────────┴──────┴ index by hash of the name; the channels that were forgotten, by
//!        │      │        │                           hash and, in a ring, by name: up to which seq something went
//!        │      │        └ what readers ask for and nobody has published (counts.rs)
//!        └ one for each worker: is it asleep, which blocks does it read
//! ```
//! Everything is offsets and numbers: processes map the zone at different addresses. Index 0 of
//! channels and blocks is nobody.

use shm::{BoundedLock, U32, U64};

use crate::shape::Shape;

/// "RSERVELG", then the version of this layout: another binary's zone is recognised.
pub const MAGIC: [u8; 8] = *b"RSERVELG";
/// The version of the layout: a zone of another version is another binary's.
pub const VERSION: u32 = 5;

/// The longest name of a channel, in bytes.
pub const MAX_NAME: usize = 255;

/// Words with one bit for each length of a name.
pub(crate) const LENGTHS: usize = (MAX_NAME + 1) / 64;

/// Blocks that a worker may read from at the same time.
pub(crate) const PINS: usize = 64;

#[repr(C, align(64))]
pub(crate) struct Header {
    pub magic: U64,
    pub size: U64,
    pub version: U32,
    pub block_size: U32,
    /// Channels that may have been published to, readers' slots, and what is counted exactly.
    pub channels: U32,
    pub readers: U32,
    pub counted: U32,
    pub rows: U32,
    /// Not 0: the process that takes everything over into another zone; nothing may be appended as long as it lives.
    pub sealed: U32,
    /// Not 0: another zone has taken this one's place, and its readers must go there.
    pub retired: U32,
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
    /// Epochs before this one, the newest first.
    pub past: [PastEpoch; PAST],
    /// Where the zone's file is written; all zero if it has none.
    pub wal: wal::LogState,
    pub lock: BoundedLock,
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
    /// Channels that have had a record. All other slots are reserved by readers.
    pub real_channels: U32,
    /// Where the search for a channel to take from, and for aged ones, goes on.
    pub hand: U32,
    pub sweep_hand: U32,
    /// Where the next forgotten channel's name is written.
    pub lost_at: U32,
    /// Counts up with every block that is taken or given back.
    pub stamp: U32,
    /// Rows behind these were never used.
    pub rows_used: U32,
    pub expired_at: U64,
    pub published: U64,
    pub published_bytes: U64,
    pub evicted: U64,
    pub repairs: U64,
    /// Channels that were forgotten with records for want of a slot.
    pub displaced: U64,
    /// The newest seq that went with a channel whose name is not among the lost ones any more.
    pub lost_upto: U64,
}

/// Epochs that are remembered.
pub(crate) const PAST: usize = 64;

/// An epoch that is over: its ids go up to this seq.
#[repr(C)]
pub(crate) struct PastEpoch {
    /// 0: none.
    pub epoch: U64,
    pub upto: U64,
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
    /// Clients, whatever they subscribe to.
    pub clients: U32,
    /// How much is counted of each kind: never less than there is.
    pub counted: [U32; 3],
    /// The lengths of patterns.
    pub pattern_lengths: [U64; LENGTHS],
}

/// What is counted in a row, exactly.
#[repr(C)]
pub(crate) struct Entry {
    /// Of what, and of the row.
    pub hash: U64,
    pub row: U32,
    /// 0: nobody's.
    pub count: U32,
}

/// Forgotten channels of one bucket.
#[repr(C)]
pub(crate) struct Grave {
    pub entries: [GraveEntry; 7],
    /// What was put here and is not any more went up to this seq.
    pub upto: U64,
    pub unused: U64,
}

#[repr(C)]
pub(crate) struct GraveEntry {
    pub hash: U64,
    /// 0: nobody's.
    pub seq: U64,
}

/// The beginning of a forgotten channel's name.
pub(crate) const LOST_NAME: usize = 48;

/// A forgotten channel's name, for the readers of patterns.
#[repr(C)]
pub(crate) struct Lost {
    pub seq: U64,
    pub len: U64,
    /// Eight bytes each.
    pub name: [U64; LOST_NAME / 8],
}

/// The fixed part of a channel's slot; interest bits, counts and the name follow it.
#[repr(C)]
pub(crate) struct Channel {
    /// 0: nobody's.
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
    pub max_age: U64,
    /// Seq of the newest record that is marked, 0: none was. Derived.
    pub marked: U64,
    /// The one writer: its process, and its number there. 0: anybody may append.
    pub owner: U64,
    /// How many records the slowest subscriber is behind, and whose row says so.
    pub behind: U32,
    pub behind_row: U32,
}

/// The state of a slot that is a channel's.
pub(crate) const LIVES: u32 = 1;

impl Channel {
    /// Whether the slot is a channel's.
    pub fn lives(&self) -> bool {
        self.state.get() != 0
    }
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
    /// Its number within its channel.
    pub number: U64,
    /// Hash of the idempotency key, 0: none.
    pub key: U64,
    /// Bytes, the head's included.
    pub len: U32,
    pub head: U32,
    pub flags: U32,
    /// The slot of its channel: a record that lies about is not taken for another's.
    pub channel: U32,
    /// Which of the records of its key it is, from 1; 0: the only one.
    pub place: U32,
    pub unused: U32,
}

pub(crate) const RECORD: usize = size_of::<Record>();

/// Entries of a bucket of what is counted.
pub(crate) const BUCKET: usize = 4;

/// A table of what is counted (counts.rs).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CountTable {
    /// Of all rows.
    pub entries: usize,
    pub entries_at: usize,
    /// Of each row, for what has no entry.
    pub cells: usize,
    pub cells_at: usize,
    end: usize,
}

impl CountTable {
    fn new(at: usize, counted: usize, rows: usize) -> CountTable {
        let entries = counted.next_multiple_of(BUCKET).max(2 * BUCKET);
        let cells = (entries / rows).clamp(32, 4096);
        let cells_at = at + entries * size_of::<Entry>();
        let end = (cells_at + rows * cells * size_of::<U32>()).next_multiple_of(64);
        CountTable { entries, entries_at: at, cells, cells_at, end }
    }
}

/// How large the parts are, and where they begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub size: usize,
    pub block_size: usize,
    pub rows: usize,
    /// Names and patterns.
    pub asked: CountTable,
    /// Clients' addresses.
    pub addresses: CountTable,
    pub buckets: usize,
    /// Slots; the first is nobody's.
    pub channels: usize,
    /// How many of them may be of channels that were published to.
    pub published: usize,
    pub journal: usize,
    pub blocks: usize,
    pub rows_at: usize,
    pub buckets_at: usize,
    pub graves_at: usize,
    pub lost_at: usize,
    pub channels_at: usize,
    pub channel_size: usize,
    pub journal_at: usize,
    pub metas_at: usize,
    pub blocks_at: usize,
}

/// Fewer make no zone: a record may take half of them.
const FEWEST_BLOCKS: usize = 16;

impl Layout {
    /// Divides `size` bytes. `None`: too few, or numbers that make no sense.
    pub fn new(size: usize, shape: Shape) -> Option<Layout> {
        let Shape { block_size, rows, channels, readers, counted } = shape;
        if block_size < 256 || !block_size.is_multiple_of(8) || block_size > 1 << 24 {
            return None;
        }
        let (rows, published) = (rows.max(1), channels.max(1));
        // Readers' slots are apart: none of them takes the place of a history.
        let channels = 1 + published + readers;
        if counted > size / size_of::<Entry>() {
            return None;
        }
        let buckets = channels.next_power_of_two();
        let journal = (size / 1024).next_power_of_two().max(64);
        let interest = rows.div_ceil(64) * 8 + rows * size_of::<U32>();
        let channel_size = (size_of::<Channel>() + interest + MAX_NAME).next_multiple_of(8);
        let rows_at = size_of::<Header>().next_multiple_of(64);
        let asked = CountTable::new(rows_at + rows * size_of::<Row>(), counted, rows);
        let addresses = CountTable::new(asked.end, counted / 2, rows);
        let buckets_at = addresses.end;
        let graves_at = buckets_at + (buckets * 4).next_multiple_of(8);
        let lost_at = graves_at + buckets * size_of::<Grave>();
        let channels_at = lost_at + buckets * size_of::<Lost>();
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
            asked,
            addresses,
            buckets,
            channels,
            published,
            journal,
            blocks,
            rows_at,
            buckets_at,
            graves_at,
            lost_at,
            channels_at,
            channel_size,
            journal_at,
            metas_at,
            blocks_at,
        })
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
