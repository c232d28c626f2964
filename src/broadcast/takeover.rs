//! A zone of another size takes the place of one that is in use. What that one has is copied while it goes on, in
//! turns; then it is sealed, and what has come meanwhile follows. Nothing is published in between.

use std::io;
use std::time::Duration;

use crate::error::AppendError;
use crate::lock::Locked;
use crate::stored::StoredRecord;
use crate::zone::Zone;

/// Bytes that are copied in one turn, and how long the others have then.
const TURN: usize = 1 << 20;
const PAUSE: Duration = Duration::from_micros(200);

impl Zone {
    /// Copies to this new zone, which nobody uses yet, what another one has, and all that its ids mean. That one goes
    /// on. `false`: a process keeps its lock.
    pub fn copy(&self, from: &Zone) -> bool {
        let (header, old) = (self.header(), from.header());
        for (word, known) in header.secret.iter().zip(&old.secret) {
            word.set(known.get());
        }
        header.epoch.set(old.epoch.get());
        for (past, known) in header.past.iter().zip(&old.past) {
            past.epoch.set(known.epoch.get());
            past.upto.set(known.upto.get());
        }
        header.clock.set(old.clock.get());
        let own = self.lock();
        let Some(theirs) = from.lock_soon() else { return false };
        let upto = from.newest();
        let mut heads = theirs.heads(0);
        drop(theirs);
        loop {
            let Some(theirs) = from.lock_soon() else { return false };
            // One that this zone is too small for is gone: readers are told, as of any.
            let more = theirs.go_along(&mut heads, upto, TURN, |stored| {
                let _ = own.restore(stored);
            });
            drop(theirs);
            if !more {
                break;
            }
            std::thread::sleep(PAUSE);
        }
        header.seq.publish(upto);
        true
    }

    /// Takes over what has come to another zone since it was [copied](Self::copy), and what it remembers of what is
    /// gone. Nothing is appended there from now on, until [`reopen`](Self::reopen).
    pub fn take_over(&self, from: &Zone) -> io::Result<()> {
        let Some(theirs) = from.lock_soon() else { return Err(locked()) };
        from.header().sealed.set(sys::process::pid() as u32);
        let (own, header, old) = (self.lock(), self.header(), from.header());
        let mut written = Ok(());
        theirs.records(self.newest(), |stored| {
            // Other errors are as in a copy: there is no room.
            if let Err(AppendError::File(errno)) = own.receive(stored) {
                written = Err(io::Error::from_raw_os_error(errno));
            }
        });
        written?;
        own.evict_as(&theirs);
        own.inherit_evictions(&theirs);
        header.seq.publish(from.newest());
        header.published.set(old.published.get());
        header.published_bytes.set(old.published_bytes.get());
        own.settle_file()
    }

    /// The zone that has taken everything over does not come to serve: what it has got since comes back.
    pub fn reopen(&self, other: &Zone) -> io::Result<()> {
        let (Some(own), Some(theirs)) = (self.lock_soon(), other.lock_soon()) else {
            return Err(locked());
        };
        let before = self.newest();
        theirs.records(before, |stored| {
            if let Err(error) = own.receive(stored) {
                sys::log!(Alert, "an event is lost: {error}");
            }
        });
        let settled = if self.newest() == before { Ok(()) } else { own.settle_file() };
        self.header().sealed.set(0);
        drop(own);
        self.wake_all();
        settled
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

fn locked() -> io::Error {
    io::Error::other("a process keeps its lock")
}

impl Locked<'_> {
    /// Takes a record of another zone, with its seq.
    fn receive(&self, stored: &StoredRecord<'_>) -> Result<(), AppendError> {
        if self.is_durable() {
            self.write_and_wait(stored)?;
        }
        self.restore(stored)
    }

    /// What went there while it was copied goes here, too: a channel has its newest records, and none is missing among
    /// them.
    fn evict_as(&self, theirs: &Locked<'_>) {
        for index in self.memory.channels() {
            let channel = self.memory.channel(index);
            if !channel.lives() {
                continue;
            }
            let known = theirs.find(self.memory.name(index));
            let first = known.and_then(|known| theirs.first(theirs.memory.channel(known)));
            let first = first.map_or(u64::MAX, |(_, record)| record.seq.get());
            while self.first(channel).is_some_and(|(_, record)| record.seq.get() < first) {
                self.drop_first(channel);
            }
            if known.is_none() {
                self.remove(index);
            }
        }
    }

    /// What another zone knows of records that are gone.
    fn inherit_evictions(&self, theirs: &Locked<'_>) {
        for index in theirs.memory.channels() {
            let channel = theirs.memory.channel(index);
            if !channel.lives() || channel.number.get() == 0 {
                continue;
            }
            let name = theirs.memory.name(index);
            match self.find(name) {
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
