//! Fetching an answer: one at a time has the right to, where they wait for each other; what is whole and still wanted is stored.

use std::io::{self, ErrorKind};
use std::rc::Rc;

use proto::cached::Cached;
use sys::clock::monotonic_ms;

use crate::claims::Turn;
use crate::file::{Writing, WrittenBody};
use crate::key::{Digest16, Key};
use crate::life::Life;
use crate::manager;
use crate::state::blocks;
use crate::zone::Zone;

/// The right to fetch an answer. Dropped, it is another's, and who waits is told.
pub struct Claim {
    zone: Rc<Zone>,
    digest: Digest16,
    number: u64,
    begun: u64,
}

impl Zone {
    /// Claims the fetching of an answer. `None`: another one is at it, for less than `alone` milliseconds; with 0 nobody is waited
    /// for.
    pub fn claim(self: &Rc<Zone>, key: &Key, alone: u64) -> Option<Claim> {
        let index = self.index()?;
        let (begun, number, mut gone) = (monotonic_ms(), self.next_number(), Vec::new());
        let turn = index.begin(&key.digest, begun, alone, number, &mut gone);
        self.delete(&gone);
        match turn {
            Turn::Own(number) => {
                Some(Claim { zone: self.clone(), digest: key.digest, number, begun: begun.max(1) })
            }
            Turn::Others => None,
        }
    }
}

impl Claim {
    /// Whether nobody has purged meanwhile what is being fetched.
    fn is_wanted(&self) -> bool {
        let Some(index) = self.zone.index() else { return false };
        index.is_claimed(&self.digest, self.number) && index.purged() < self.begun
    }

    /// The answer is not one to be stored: nobody needs to wait for the next.
    pub fn unkept(self, now: u64) {
        /// Seconds for which that is remembered.
        const SHORT: u64 = 5;
        if let Some(index) = self.zone.index() {
            index.set_unkept(&self.digest, u32::try_from(now + SHORT).unwrap_or(u32::MAX));
        }
    }

    /// An answer of which only the status is kept, until a second since 1970.
    pub fn keep_status(self, status: u16, until: u64) {
        let Some(index) = self.zone.index() else { return };
        let (mut gone, mut is_kept) = (Vec::new(), false);
        index.change(&self.digest, &mut gone, |state| {
            // What is there may still be given out where this one fails.
            if !state.is_there {
                is_kept = true;
                (state.status, state.valid_until) =
                    (status, u32::try_from(until).unwrap_or(u32::MAX));
            }
        });
        self.zone.delete(&gone);
        if !is_kept {
            self.unkept(rt::wall().as_secs());
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(index) = self.zone.index() {
            let waiting = index.end(&self.digest, self.number);
            let own = sys::process::pid();
            let others = waiting.into_iter().filter(|&pid| pid != own);
            self.zone.waiting.tell(&self.digest, others.map(|pid| self.zone.bell(pid)));
        }
    }
}

/// What is said of an answer that is being stored.
pub struct Facts {
    /// Its key.
    pub key: Key,
    /// How long it may be given out.
    pub life: Life,
    /// When it came, in seconds since 1970.
    pub now: u64,
    /// Names of fields that it varies with, and what the request makes of them.
    pub vary: Vec<u8>,
    /// The variant.
    pub variant: Digest16,
    /// Its tags, a space between them.
    pub tags: Vec<u8>,
    /// Its head, as it is given out.
    pub head: Vec<u8>,
}

impl Facts {
    fn cached(&self, body: u64) -> Cached<'_> {
        Cached {
            stored: self.now,
            valid_until: self.life.valid_until,
            body,
            stale_updating: self.life.stale_updating,
            stale_error: self.life.stale_error,
            variant: self.variant,
            key: &self.key.text,
            vary: &self.vary,
            tags: &self.tags,
            head: &self.head,
        }
    }
}

/// An answer that is being stored.
pub struct Fill {
    claim: Claim,
    facts: Facts,
    writing: Writing,
}

impl Fill {
    /// Begins, with a body of this length if that is known. The error: why it cannot be stored.
    pub fn begin(claim: Claim, facts: Facts, length: Option<u64>) -> io::Result<Fill> {
        let size = facts.cached(0).size();
        let is_long = length.is_some_and(|length| claim.zone.settings.max_size < Some(length));
        let begun = match facts.cached(0).fits() {
            true if is_long && claim.zone.settings.max_size.is_some() => Err(too_large()),
            true => Writing::begin(&claim.zone.directory(&facts.key.digest), size),
            false => Err(io::Error::other("its head is too long")),
        };
        match begun {
            Ok(writing) => Ok(Fill { claim, facts, writing }),
            Err(error) => {
                claim.unkept(facts.now);
                Err(error)
            }
        }
    }

    /// A piece of its body, which is in the file from now on. The error: there is no room for it.
    pub fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        let most = self.claim.zone.settings.max_size.unwrap_or(u64::MAX);
        if self.writing.written() + bytes.len() as u64 > most {
            return Err(too_large());
        }
        self.writing.push(bytes)
    }

    /// Where it can be read while it is written.
    pub fn body(&self) -> WrittenBody {
        self.writing.written_body()
    }

    /// Its body is not wanted: only its status is kept, for as long as it is valid.
    pub fn keep_status(self, status: u16) {
        let Fill { claim, facts, .. } = self;
        claim.keep_status(status, facts.life.valid_until);
    }

    /// It is not one to be stored after all.
    pub fn unkept(self) {
        let now = self.facts.now;
        self.claim.unkept(now);
    }

    /// Its body is whole.
    pub fn finish(self) -> io::Result<()> {
        let Fill { claim, facts, writing } = self;
        // Of an answer whose place varies with the request, the claim is that of what was looked for.
        if !claim.is_wanted() {
            return Ok(());
        }
        let (zone, key) = (claim.zone.clone(), &facts.key);
        let cached = facts.cached(writing.written());
        let size = writing.finish(&zone.file(&key.digest), &cached)?;
        let Some(index) = zone.index() else { return Ok(()) };
        let (mut gone, until) = (Vec::new(), facts.life.valid_until);
        if key.digest != Key::of(key.text.clone()).digest {
            index.set_varied();
        }
        let own = (&claim.digest, claim.number, claim.begun);
        let all = index.store(own, &key.digest, &mut gone, |state| {
            (state.is_there, state.status, state.blocks) = (true, 0, blocks(size));
            state.valid_until = u32::try_from(until).unwrap_or(u32::MAX);
            state.used = u32::try_from(facts.now).unwrap_or(u32::MAX);
        });
        zone.delete(&gone);
        match all {
            Some(all) => manager::make_room(&zone, all),
            // It was purged just now; or there is no room for it, and nobody would ever take it away.
            None => zone.delete(&[key.digest]),
        }
        Ok(())
    }
}

impl Claim {
    /// What is stored is valid again: it was asked whether it is. The error: that cannot be written down.
    pub fn renew(self, key: &Key, life: Life, now: u64) -> io::Result<()> {
        if !self.is_wanted() {
            return Ok(());
        }
        crate::file::renew(&self.zone.file(&key.digest), life, now)?;
        let Some(index) = self.zone.index() else { return Ok(()) };
        let mut gone = Vec::new();
        let own = (&self.digest, self.number, self.begun);
        index.store(own, &key.digest, &mut gone, |state| {
            state.valid_until = u32::try_from(life.valid_until).unwrap_or(u32::MAX);
        });
        self.zone.delete(&gone);
        Ok(())
    }
}

fn too_large() -> io::Error {
    io::Error::new(ErrorKind::FileTooLarge, "it is larger than the cache")
}
