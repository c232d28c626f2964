//! Records of an idempotency key: which are there, and whether they are the same.

use crate::attributes::Attributes;
use crate::hint::Hint;
use crate::layout::Place;
use crate::lock::Locked;
use crate::walk::Found;
use crate::zone::Zone;

/// How far the records of a key have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The highest place.
    pub place: u32,
    /// Its record.
    pub seq: u64,
    /// That record's flags.
    pub flags: u32,
}

/// The bits of a key in its block's word.
pub(crate) fn key_bits(key: u64) -> u32 {
    match key {
        0 => 0,
        key => 1 << (key & 31) | 1 << (key >> 5 & 31),
    }
}

impl Zone {
    /// The hash of an idempotency key.
    pub fn key(&self, key: &[u8]) -> u64 {
        self.hash(key).max(1)
    }

    /// How far the records of a key have come, of those that are kept.
    pub fn progress(&self, name: &[u8], key: u64) -> Option<Progress> {
        let locked = self.lock();
        let index = locked.find(name)?;
        let mut progress = None;
        locked.keyed(index, key, &Hint::default(), |(_, record)| {
            let (place, seq) = (record.place.get(), record.seq.get());
            progress = Some(Progress { place, seq, flags: record.flags.get() });
            false
        });
        progress
    }

    /// What stands before the body of a record, if that is kept.
    pub fn head(&self, name: &[u8], seq: u64) -> Option<Vec<u8>> {
        let locked = self.lock();
        let index = locked.find(name)?;
        let found = locked.record_at(locked.locate(index, seq.checked_sub(1)?))?;
        let len = found.1.head.get() as usize;
        let mut head = Vec::with_capacity(len);
        (found.1.seq.get() == seq).then(|| {
            locked.bytes_of(found, |bytes| {
                head.extend_from_slice(&bytes[..bytes.len().min(len - head.len())]);
                head.len() < len
            });
            head
        })
    }
}

impl Locked<'_> {
    /// The first record of that key which is not before that place.
    pub fn find_key(&self, index: u32, attributes: &Attributes) -> Option<Found<'_>> {
        let mut first = None;
        self.keyed(index, attributes.key, &attributes.looked, |found| {
            let place = found.1.place.get();
            let has = place == 0 || place >= attributes.place;
            first = has.then_some(found);
            has
        });
        first
    }

    /// Calls `each` with the records of a key behind a place, in order, until it says that it is enough. Of
    /// the blocks, only those are looked into whose bits say that one may be there.
    fn keyed<'z>(
        &'z self,
        index: u32,
        key: u64,
        behind: &Hint,
        mut each: impl FnMut(Found<'z>) -> bool,
    ) {
        let mut at = match behind.cursor() {
            0 => Place::from_word(self.memory.channel(index).first.get()),
            cursor => self.hinted(index, cursor, behind),
        };
        while !at.is_none() {
            let (block, meta) = (at.block, self.memory.meta(at.block));
            let begins =
                meta.first_seq.get() != 0 && meta.keys.get() & key_bits(key) == key_bits(key);
            while begins
                && at.block == block
                && let Some(found) = self.record_at(at)
                && found.0.block == block
            {
                if found.1.key.get() == key && each(found) {
                    return;
                }
                at = self.after(found);
            }
            // The first block may begin with records that are gone; the others begin with their first.
            let next = meta.next.get();
            let offset = if next == 0 { 0 } else { self.memory.meta(next).first.get() };
            at = Place { block: next, offset };
        }
    }

    /// Whether a record's body is this one.
    pub fn has_body(&self, found: Found<'_>, body: &[&[u8]]) -> bool {
        let head = found.1.head.get() as usize;
        let len = body.iter().map(|part| part.len()).sum::<usize>();
        if head + len != found.1.len.get() as usize {
            return false;
        }
        let (mut skip, mut same) = (head, true);
        let mut parts = body.iter().copied().filter(|part| !part.is_empty());
        let mut part: &[u8] = &[];
        self.bytes_of(found, |bytes| {
            let skipped = skip.min(bytes.len());
            skip -= skipped;
            let mut bytes = &bytes[skipped..];
            while same && !bytes.is_empty() {
                if part.is_empty() {
                    part = parts.next().unwrap_or_default();
                }
                let both = part.len().min(bytes.len());
                same = both > 0 && part[..both] == bytes[..both];
                (part, bytes) = (&part[both..], &bytes[both..]);
            }
            same
        });
        same
    }

    /// Calls `each` with the pieces of a record's bytes, in order, as long as it wants more.
    fn bytes_of(&self, (at, record): Found<'_>, mut each: impl FnMut(&[u8]) -> bool) {
        let mut more = true;
        self.memory.pieces(at, record.len.get() as usize, |block, offset, len| {
            // SAFETY: the record is committed, and the lock is held.
            more = more && each(unsafe { self.memory.bytes(block, offset, len) });
        });
    }
}
