//! Values by key, each for a time, of which one process finds out what all want to know.
//!
//! ```text
//! words  0     │ 1       │ 2          │ 3           │ 4, 5   │ 8 …  │ 16 … slots, in sets of eight
//!        magic │ version │ key's words│ value's words│ secret │ lock │
//!
//! slot   0             │ 1           │ 2         │ 3     │ 4           │ 5         │ 6           │ 8 …
//!        hash; 0: free │ valid until │ last used │ asker │ asks until  │ key bytes │ value words │ key, value
//! ```
//! Who asks for a key is given its value, or told to find it out, or that another is at it: that one has a *lease*, which ends
//! with its time or its process. A key is in the set that its hash says; in there the one that was not used for longest makes
//! room, but for those that somebody is finding out.
//!
//! All is read and written under one lock, which outlives its owner ([`BoundedLock`]). A slot is free until its key is there, and
//! has no value until that is whole: nothing has to be mended after a death.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::cell::words;
use crate::hash::{self, Secret};
use crate::{Acquired, BoundedLock, Holder, Origin, Region, U64};

/// "RSERVECA": another region is recognised.
const MAGIC: u64 = u64::from_le_bytes(*b"RSERVECA");
/// The version of the layout, for the shape of a region: a cache of another version is another binary's.
pub const CACHE_VERSION: u32 = 1;

/// Words before the first slot, and where in them the lock is.
const HEAD: usize = 16;
const LOCK: usize = 8;
/// Words of a slot before its key.
const SLOT: usize = 8;
/// Slots of a set.
const SET: usize = 8;

/// A cache in a region, as this process sees it.
#[derive(Debug)]
pub struct Cache {
    region: Arc<Region>,
    /// Words of a key and of a value.
    key: usize,
    value: usize,
}

/// What becomes of a question.
#[derive(Debug)]
pub enum Asked<'c> {
    /// This is the value.
    Known {
        /// It.
        value: Vec<u64>,
        /// How long it is one, by the clock of who told it.
        until: u64,
    },
    /// Nobody knows: who has asked finds it out, and tells.
    Unknown(Lease<'c>),
    /// Another is finding it out.
    BeingFound,
    /// There is no place for this key: who has asked finds it out for itself.
    NoPlace,
}

/// The right to find a value out. Given back without one, it is the next one's who asks.
#[derive(Debug)]
pub struct Lease<'c> {
    cache: &'c Cache,
    slot: Slot<'c>,
    asker: u64,
}

impl Cache {
    /// Bytes of a region for so many values, of so many words, by keys of so many bytes.
    pub const fn size(count: usize, key: usize, value: usize) -> usize {
        (HEAD + count.next_multiple_of(SET) * (SLOT + key.div_ceil(8) + value)) * 8
    }

    /// The cache of a region, for keys of at most `key` bytes and values of at most `value` words: initialised if the region is
    /// new, shared if another process has it. The first call for a region is over before there is a second.
    pub fn of(region: Arc<Region>, key: usize, value: usize) -> io::Result<Cache> {
        if region.len() < Cache::size(1, key, value) {
            return Err(io::Error::other("it is too small"));
        }
        let claimed = region.claim();
        let cache = Cache { region, key: key.div_ceil(8), value };
        let [magic, shape @ ..] = cache.head();
        let own = [CACHE_VERSION as usize, cache.key, cache.value].map(|word| word as u64);
        match claimed {
            Origin::Fresh => {
                hash::make_secret(cache.secret())?;
                shape.iter().zip(own).for_each(|(word, own)| word.set(own));
                // SAFETY: the region is fresh: nobody else knows it.
                unsafe { cache.lock().init() };
                magic.publish(MAGIC);
                Ok(cache)
            }
            Origin::Shared => {
                let known = magic.published() == MAGIC;
                match known && shape.iter().map(U64::get).eq(own) {
                    true => Ok(cache),
                    false => Err(io::Error::other("the memory is that of something else")),
                }
            }
        }
    }

    /// Asks for a key, at a time in milliseconds of [`sys::clock::monotonic_ms`]. Who is to find the value out has `lease`
    /// milliseconds before another is told the same.
    pub fn ask(&self, key: &[u8], now: u64, lease: u64) -> Asked<'_> {
        if key.len() > self.key * 8 {
            return Asked::NoPlace;
        }
        let hash = hash::hash(self.secret(), key).max(1);
        let locked = self.locked();
        let set = || locked.0.set(hash);
        let slot = match set().find(|slot| slot.has(hash, key)) {
            Some(slot) if now < slot.until().get() => {
                slot.used().set(now);
                return Asked::Known { value: slot.read(self.key), until: slot.until().get() };
            }
            Some(slot) if slot.is_leased(now) => return Asked::BeingFound,
            Some(slot) => slot,
            None => {
                let may_go = set().filter(|slot| !slot.is_leased(now));
                let Some(slot) = may_go.min_by_key(Slot::rank) else { return Asked::NoPlace };
                slot.begin(hash, key);
                slot
            }
        };
        let asker = own_number();
        slot.used().set(now);
        slot.asks_until().publish(now.saturating_add(lease));
        slot.asker().publish(asker);
        Asked::Unknown(Lease { cache: self, slot, asker })
    }

    /// Looks who has the lock, at a time in milliseconds ([`Holder::look`]).
    pub fn look(&self, holder: &mut Holder, now: u64, patience: u64) -> Option<i32> {
        holder.look(self.lock(), now, patience)
    }

    /// The magic word and the shape.
    fn head(&self) -> &[U64; 4] {
        self.region.words().first_chunk().expect("it is large enough: `of` has looked")
    }

    fn secret(&self) -> &Secret {
        self.region.words()[4..].first_chunk().expect("it is large enough: `of` has looked")
    }

    fn lock(&self) -> &BoundedLock {
        const { assert!(size_of::<BoundedLock>() <= (HEAD - LOCK) * 8) };
        const { assert!(align_of::<BoundedLock>() <= 8) };
        let place = &self.region.words()[LOCK..HEAD];
        // SAFETY: the words lie in a mapping that lives as long as the region, are aligned and enough, and nobody uses them as
        // words.
        unsafe { &*place.as_ptr().cast::<BoundedLock>() }
    }

    fn locked(&self) -> Locked<'_> {
        if self.lock().lock() == Acquired::OwnerDied {
            self.lock().mended();
        }
        Locked(self)
    }

    /// The slots in which a key of that hash may be.
    fn set(&self, hash: u64) -> impl Iterator<Item = Slot<'_>> {
        let slots = self.region.words()[HEAD..].chunks_exact(SLOT + self.key + self.value);
        let sets = slots.len().div_ceil(SET);
        let first = ((u128::from(hash) * sets as u128) >> 64) as usize * SET;
        slots.skip(first).take(SET).map(Slot)
    }
}

/// The cache, with its lock.
struct Locked<'c>(&'c Cache);

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        self.0.lock().unlock();
    }
}

impl Lease<'_> {
    /// Tells the value, which is one until that time. One that is too long is not kept.
    pub fn tell(self, value: &[u64], until: u64) {
        let _locked = self.cache.locked();
        if self.slot.asker().get() == self.asker && value.len() <= self.cache.value {
            self.slot.write(self.cache.key, value, until);
        }
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let _locked = self.cache.locked();
        if self.slot.asker().get() == self.asker {
            self.slot.asker().publish(0);
        }
    }
}

/// A number that no other asker has: the process's, and one in it.
fn own_number() -> u64 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    (sys::process::pid() as u64) << 32 | u64::from(NEXT.fetch_add(1, Ordering::Relaxed))
}

/// One key's place.
#[derive(Clone, Copy, Debug)]
struct Slot<'c>(&'c [U64]);

impl<'c> Slot<'c> {
    fn hash(&self) -> &'c U64 {
        &self.0[0]
    }

    fn until(&self) -> &'c U64 {
        &self.0[1]
    }

    fn used(&self) -> &'c U64 {
        &self.0[2]
    }

    fn asker(&self) -> &'c U64 {
        &self.0[3]
    }

    fn asks_until(&self) -> &'c U64 {
        &self.0[4]
    }

    fn has(&self, hash: u64, key: &[u8]) -> bool {
        let is_long = self.0[5].get() == key.len() as u64;
        self.hash().get() == hash && is_long && words(key).eq(self.key(key).map(U64::get))
    }

    /// The words of a key of that length.
    fn key(&self, key: &[u8]) -> impl Iterator<Item = &'c U64> {
        self.0[SLOT..].iter().take(key.len().div_ceil(8))
    }

    fn is_leased(&self, now: u64) -> bool {
        let asker = self.asker().get();
        asker != 0 && now < self.asks_until().get() && sys::process::lives((asker >> 32) as i32)
    }

    /// The least goes first.
    fn rank(&self) -> u64 {
        if self.hash().get() == 0 { 0 } else { self.used().get() }
    }

    /// Is this key's from now on, without a value.
    fn begin(&self, hash: u64, key: &[u8]) {
        self.hash().publish(0);
        self.until().publish(0);
        self.asker().publish(0);
        self.0[5].publish(key.len() as u64);
        self.key(key).zip(words(key)).for_each(|(to, word)| to.publish(word));
        self.hash().publish(hash);
    }

    /// Its value, which is behind a key of so many words.
    fn read(&self, key: usize) -> Vec<u64> {
        let count = self.0[6].get() as usize;
        self.0[SLOT + key..].iter().take(count).map(U64::get).collect()
    }

    fn write(&self, key: usize, value: &[u64], until: u64) {
        self.until().publish(0);
        self.0[6].publish(value.len() as u64);
        self.0[SLOT + key..].iter().zip(value).for_each(|(to, &word)| to.publish(word));
        self.until().publish(until);
    }
}

#[cfg(test)]
mod tests;
