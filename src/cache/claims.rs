//! Who fetches an answer, and who waits for it: in entries of their processes, with which they go.

use shm::{Entry, Locked};

use crate::index::{Index, PURGED, insert, is_process};
use crate::key::Digest16;

/// Whose business it is to fetch an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Whoever has asked, under this number.
    Own(u64),
    /// Another one is at it.
    Others,
}

/// What becomes of one that would wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waits {
    /// Nobody fetches it.
    ForNobody,
    /// It is woken.
    Counted,
    /// There is no room for that: it looks again when its time is over.
    Unknown,
}

impl Index<'_> {
    /// Claims the fetching of an answer, at a time of the system's monotonic clock, in milliseconds. Whoever has been at it for
    /// `alone` is not waited for any more; 0: nobody is waited for.
    pub fn begin(
        &self,
        digest: &Digest16,
        now: u64,
        alone: u64,
        number: u64,
        gone: &mut Vec<Digest16>,
    ) -> Turn {
        let locked = self.table.lock();
        if is_fetched(&locked, digest, now, alone) {
            return Turn::Others;
        }
        let key = self.table.key(digest);
        let Some(entry) = locked.find(key, self.own) else {
            // Where there is no room for that, it is fetched, and not stored.
            let _ = insert(&locked, key, self.own, [now, number], gone);
            return Turn::Own(number);
        };
        let [since, of] = locked.value(entry);
        if of.get() == PURGED {
            of.set(number);
        }
        // Of several who do not wait for each other, or no longer, whoever has all of it first stores it.
        if alone > 0 || of.get() == number {
            since.set(now);
        }
        Turn::Own(of.get())
    }

    /// Whether what was claimed under this number still is.
    pub fn is_claimed(&self, digest: &Digest16, number: u64) -> bool {
        let locked = self.table.lock();
        self.claim(&locked, digest, number).is_some()
    }

    /// The entry of what was claimed under this number, if it still is.
    pub(crate) fn claim(
        &self,
        locked: &Locked<'_>,
        digest: &Digest16,
        number: u64,
    ) -> Option<Entry> {
        let own = locked.find(self.table.key(digest), self.own);
        own.filter(|&entry| locked.value(entry)[1].get() == number)
    }

    /// What was claimed under this number has come to its end. Gives the processes in which somebody waits for that.
    pub fn end(&self, digest: &Digest16, number: u64) -> Vec<i32> {
        let locked = self.table.lock();
        // That it was purged meanwhile says a number that is none.
        let purged = || self.claim(&locked, digest, PURGED);
        if let Some(entry) = self.claim(&locked, digest, number).or_else(purged) {
            locked.remove(entry);
        }
        let waiting = waiting(digest);
        let all = locked.all(self.table.key(&waiting));
        all.map(|entry| locked.value(entry)[1].get() as i32).collect()
    }

    /// Whether somebody fetches it, who has not been at it for `alone` milliseconds. Then one of this process is counted that
    /// waits for it.
    pub fn wait(&self, digest: &Digest16, now: u64, alone: u64, gone: &mut Vec<Digest16>) -> Waits {
        let locked = self.table.lock();
        if !is_fetched(&locked, digest, now, alone) {
            return Waits::ForNobody;
        }
        let waiting = waiting(digest);
        let key = self.table.key(&waiting);
        match locked.find(key, self.own) {
            Some(entry) => locked.value(entry)[0].add(1),
            None => {
                let own = sys::process::pid() as u64;
                if insert(&locked, key, self.own, [1, own], gone).is_none() {
                    return Waits::Unknown;
                }
            }
        }
        Waits::Counted
    }

    /// One that was counted waits no more.
    pub fn unwait(&self, digest: &Digest16) {
        let locked = self.table.lock();
        let waiting = waiting(digest);
        if let Some(entry) = locked.find(self.table.key(&waiting), self.own) {
            let [count, _] = locked.value(entry);
            count.sub(1);
            if count.get() == 0 {
                locked.remove(entry);
            }
        }
    }
}

fn is_fetched(locked: &Locked<'_>, digest: &Digest16, now: u64, alone: u64) -> bool {
    let is_young = |entry| now.saturating_sub(locked.value(entry)[0].get()) < alone;
    let mut claims =
        locked.all(locked.table().key(digest)).filter(|&entry| is_process(locked, entry));
    claims.any(is_young)
}

/// The key of those who wait for an answer.
fn waiting(digest: &Digest16) -> [u8; 17] {
    let mut key = [b'w'; 17];
    key[..16].copy_from_slice(digest);
    key
}
