//! A zone's file: every record is written there, too, and comes back from there.
//!
//! Memory is where readers read, and what is in it is the zone; the file (see `wal`) is how it outlives the server.
//! A record is in the file before it is committed in memory; where in the file they are stands in the header, under
//! the zone's lock.

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;

use wal::{Durability, File, Found, Identity, Keeper, Log, Past, Record};

use crate::error::AppendError;
use crate::file::Hold;
use crate::layout::PAST;
use crate::lock::Locked;
use crate::stored::StoredRecord;
use crate::zone::Zone;

/// The file that a zone has had: nobody else gets it as long as the value is there.
#[derive(Default)]
pub struct Former {
    _log: Option<Arc<Log<File>>>,
}

/// How much came back from a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Records.
    pub records: usize,
    /// Some of them had to go at once: the zone is smaller than the file.
    pub dropped: usize,
}

impl Zone {
    /// Makes this new zone what was found in a file, and writes to the file from now on. `epoch`: a new one, for the
    /// case that something may have been lost.
    pub fn restore(&self, found: Found<File>, epoch: u32) -> io::Result<Restored> {
        let locked = self.lock();
        let header = self.header();
        for (word, known) in header.secret.iter().zip(found.secret) {
            word.set(known);
        }
        header.epoch.set(if found.certain { found.epoch } else { epoch });
        for (word, past) in header.past.iter().zip(found.past.iter().rev()) {
            word.epoch.set(u64::from(past.epoch));
            word.upto.set(past.upto);
        }
        // Zone time goes on, and what has passed meanwhile has passed.
        let wall = sys::clock::wall().as_millis() as u64;
        let time = found.time.max(1).saturating_add(wall.saturating_sub(found.wall)).min(1 << 62);
        header.clock.set(time.wrapping_sub(sys::clock::monotonic_ms()));
        let (mut dropped, mut complete) = (0, Complete::default());
        let mut bytes = Vec::new();
        let records = found.replay(|record| {
            complete.add(record.seq);
            bytes.clear();
            record.parts.iter().for_each(|part| bytes.extend_from_slice(part));
            // Else all ids are of an epoch of the past, and their readers hear of a gap anyway.
            if found.certain {
                locked.drop_before_hole(&StoredRecord::of(record, &bytes));
            }
            dropped += usize::from(locked.restore(&StoredRecord::of(record, &bytes)).is_err());
        })?;
        let newest = found.newest.max(1);
        locked.remember_what_is_gone(complete.since(newest));
        header.seq.publish(newest);
        let epoch = header.epoch.get();
        self.set_log(found.go_on(&header.wal, epoch));
        Ok(Restored { records, dropped })
    }

    /// Writes all that this zone has to a new file, and everything that comes from now on. Gives the file that it has
    /// had.
    pub fn keep_in(&self, file: File, durability: Durability) -> Result<Former, AppendError> {
        let locked = self.lock();
        let header = self.header();
        let identity = Identity {
            epoch: header.epoch.get(),
            secret: [header.secret[0].get(), header.secret[1].get()],
            newest: self.newest(),
            past: self.past_epochs(),
        };
        let log = Log::create(file, identity, durability, &header.wal)?;
        log.begin(&header.wal)?;
        let former = self.set_log(log);
        let mut result = Ok(());
        locked.records(0, |stored| {
            if result.is_ok() {
                result = locked.write_and_wait(stored);
            }
        });
        result?;
        self.sync()?;
        Ok(former)
    }

    /// Writes to the file that another process of this server has opened for this zone.
    pub fn share_file(&self, file: File, durability: Durability) -> Result<(), wal::OpenError> {
        self.set_log(Log::share(file, durability)?);
        Ok(())
    }

    fn set_log(&self, log: Log<File>) -> Former {
        Former { _log: self.file.get_or_init(Hold::default).replace(Some(log)) }
    }

    /// The descriptor of its file.
    pub fn file_fd(&self) -> Option<RawFd> {
        Some(self.file.get()?.log()?.device().as_raw_fd())
    }

    /// Gives the file up: another server may have it. This process appends nothing more.
    pub fn let_go(&self) {
        if let Some(file) = self.file.get() {
            file.replace(None);
        }
    }

    /// Says in the file that somebody writes to it, in the epoch of this zone. The first append does it, if nobody has.
    pub fn begin_file(&self) -> io::Result<()> {
        let log = self.file.get().and_then(Hold::log);
        match (log, self.lock_soon()) {
            (Some(log), Some(_locked)) => log.begin(&self.header().wal),
            _ => Ok(()),
        }
    }

    /// Closes the file in order. Nobody else uses the zone.
    pub fn close_file(&self) -> io::Result<()> {
        let log = self.file.get().and_then(Hold::log);
        match (log, self.try_lock()) {
            (Some(log), Some(_locked)) => log.close(&self.header().wal, self.newest()),
            _ => Ok(()),
        }
    }

    /// Whether it has a file.
    pub fn is_durable(&self) -> bool {
        self.file.get().is_some()
    }

    /// The newest seq that is on the disk.
    pub fn synced(&self) -> u64 {
        self.header().wal.synced()
    }

    /// Whether a sync now spares an append to wait for it later.
    pub fn wants_sync(&self) -> bool {
        let log = self.file.get().and_then(Hold::log);
        log.is_some_and(|log| log.wants_sync(&self.header().wal))
    }

    /// Brings all that was appended to the disk; gives the newest seq that is there. Takes no lock, and may be called
    /// by any thread: it waits for the disk.
    pub fn sync(&self) -> io::Result<u64> {
        let log = self.file.get().and_then(Hold::log);
        let log = log.ok_or_else(|| io::Error::other("the file was given up"))?;
        log.sync(&self.header().wal, self.newest())
    }

    /// The epochs before, the oldest first.
    fn past_epochs(&self) -> Vec<Past> {
        let past = self.header().past.iter().rev();
        let past = past.map(|past| Past { epoch: past.epoch.get() as u32, upto: past.upto.get() });
        past.filter(|past| past.epoch != 0).collect()
    }

    /// Up to which seq the ids of an epoch before this one go; `None`: nobody knows of it.
    pub fn past_epoch(&self, epoch: u32) -> Option<u64> {
        let past = self.header().past.iter();
        let known = past.take(PAST).find(|past| past.epoch.get() == u64::from(epoch) && epoch != 0);
        known.map(|past| past.upto.get())
    }
}

impl StoredRecord<'_> {
    fn of<'a>(record: &Record<'a>, bytes: &'a [u8]) -> StoredRecord<'a> {
        StoredRecord {
            channel: record.channel,
            seq: record.seq,
            number: record.number,
            time: record.time,
            key: record.key,
            place: record.place,
            flags: record.flags,
            head: record.head,
            max_count: record.max_count,
            max_age: record.max_age,
            bytes,
        }
    }
}

impl<'a> StoredRecord<'a> {
    fn record(&self) -> Record<'a> {
        Record {
            seq: self.seq,
            number: self.number,
            key: self.key,
            place: self.place,
            time: self.time,
            flags: self.flags,
            head: self.head,
            max_count: self.max_count,
            max_age: self.max_age,
            channel: self.channel,
            ..Record::default()
        }
    }
}

/// From which seq on all records are there, gone through from the oldest.
#[derive(Default)]
struct Complete {
    first: u64,
    last: u64,
}

impl Complete {
    fn add(&mut self, seq: u64) {
        if seq != self.last + 1 {
            self.first = seq;
        }
        self.last = seq;
    }

    /// The greatest seq of which it is not certain that its record is there, if the newest of all was `newest`.
    fn since(&self, newest: u64) -> u64 {
        match self.last == newest {
            // Seqs begin at 2.
            true if self.first <= 2 => 0,
            true => self.first - 1,
            false => newest,
        }
    }
}

impl Locked<'_> {
    /// Writes a record to the file before it is committed; its bytes are in parts.
    pub fn write_to_file(
        &self,
        stored: &StoredRecord<'_>,
        parts: &[&[u8]],
    ) -> Result<(), AppendError> {
        let log = self.file.get().and_then(Hold::log).ok_or(AppendError::Moved)?;
        write(&log, self, &Record { parts, ..stored.record() })
    }

    /// Writes a record to the file; what the disk must have before, it is waited for. Nobody else is: the zone is not
    /// used yet, or not any more.
    pub fn write_and_wait(&self, stored: &StoredRecord<'_>) -> Result<(), AppendError> {
        loop {
            match self.write_to_file(stored, &[stored.bytes]) {
                Err(AppendError::Unsynced) => drop(self.sync()?),
                written => return written,
            }
        }
    }

    /// Brings records of another zone to the disk. Numbers that are missing between them are not missing: they were
    /// gone before.
    pub fn settle_file(&self) -> io::Result<()> {
        let Some(log) = self.file.get().and_then(Hold::log) else { return Ok(()) };
        let state = &self.header().wal;
        log.close(state, self.newest())?;
        log.begin(state)
    }

    /// Of records up to `upto` nobody knows whether they are all there.
    fn remember_what_is_gone(&self, upto: u64) {
        self.forget_upto(upto);
        for index in self.memory.channels() {
            let channel = self.memory.channel(index);
            if !channel.lives() {
                continue;
            }
            if let Some((_, first)) = self.first(channel)
                && first.number.get() > 1
            {
                let gone = upto.min(first.seq.get() - 1);
                channel.evicted_upto.set(channel.evicted_upto.get().max(gone));
            }
        }
    }
}

fn write(log: &Log<File>, locked: &Locked<'_>, record: &Record<'_>) -> Result<(), AppendError> {
    log.append(&locked.header().wal, record, &Keeping(locked))?;
    Ok(())
}

/// What the file asks of the zone.
struct Keeping<'l, 'z>(&'l Locked<'z>);

impl Keeper for Keeping<'_, '_> {
    fn is_kept(&self, channel: &[u8], seq: u64) -> bool {
        let Some(index) = self.0.find(channel) else { return false };
        let found = self.0.record_at(self.0.locate(index, seq - 1));
        found.is_some_and(|(_, record)| record.seq.get() == seq)
    }

    fn drop_upto(&self, channel: &[u8], seq: u64) {
        let Some(index) = self.0.find(channel) else { return };
        let channel = self.0.memory.channel(index);
        while self.0.first(channel).is_some_and(|(_, record)| record.seq.get() <= seq) {
            self.0.drop_first(channel);
        }
    }
}
