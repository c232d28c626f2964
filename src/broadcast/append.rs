//! Appending a record.

use crate::attributes::Attributes;
use crate::error::AppendError;
use crate::flags::END;
use crate::hint::Hint;
use crate::index::ChannelId;
use crate::layout::Place;
use crate::lock::Locked;
use crate::owner::Owner;
use crate::row::Wakes;
use crate::step::step;
use crate::stored::StoredRecord;
use crate::zone::Zone;

/// What came of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The record's number in the zone.
    pub seq: u64,
    /// Subscribers of the channel, and of patterns that it matches, in all workers.
    pub subscribers: u32,
    /// A record of the same key and place was there already: this is its seq, or that of the next place if
    /// it is gone.
    pub duplicate: bool,
    /// Up to here nobody need look for the next place of the key.
    pub looked: Hint,
}

/// Records that an append takes away at most for age and number: more than it adds.
const TRIMMED: usize = 16;

impl Zone {
    /// Appends a record to the channel called `name`, which is made if need be. `head` is given the
    /// record's seq and writes what stands before `body`. When this returns, the record is visible to
    /// every reader, and those that sleep are being woken.
    pub fn append(
        &self,
        name: &[u8],
        attributes: &Attributes,
        head: impl FnOnce(u64, &mut Vec<u8>),
        body: &[&[u8]],
    ) -> Result<Appended, AppendError> {
        let locked = self.lock();
        locked.check(body)?;
        let index = locked.find_or_create(name, attributes.max_channels)?;
        locked.append_and_wake(index, attributes, head, body)
    }

    /// The same, for those whom nobody may keep waiting. `None`: somebody has the lock.
    pub fn try_append(
        &self,
        name: &[u8],
        attributes: &Attributes,
        head: impl FnOnce(u64, &mut Vec<u8>),
        body: &[&[u8]],
    ) -> Option<Result<Appended, AppendError>> {
        let locked = self.try_lock()?;
        if let Err(error) = locked.check(body) {
            return Some(Err(error));
        }
        Some(match locked.find_or_create(name, attributes.max_channels) {
            Ok(index) => locked.append_and_wake(index, attributes, head, body),
            Err(full) => Err(full.into()),
        })
    }

    /// As [`append`](Self::append), to a channel that is there: nobody looks for its name. One that is
    /// gone meanwhile is another writer's.
    pub fn append_to(
        &self,
        channel: ChannelId,
        attributes: &Attributes,
        head: impl FnOnce(u64, &mut Vec<u8>),
        body: &[&[u8]],
    ) -> Result<Appended, AppendError> {
        let locked = self.lock();
        locked.channel(channel).ok_or(AppendError::NotOwner)?;
        locked.append_and_wake(channel.index, attributes, head, body)
    }

    /// Ends a channel with a record. `None`: there is no such channel.
    pub fn end(
        &self,
        name: &[u8],
        attributes: &Attributes,
        head: impl FnOnce(u64, &mut Vec<u8>),
        body: &[&[u8]],
    ) -> Option<Result<Appended, AppendError>> {
        let locked = self.lock();
        let index = locked.find(name)?;
        let attributes = Attributes { flags: attributes.flags | END, ..*attributes };
        Some(locked.append_and_wake(index, &attributes, head, body))
    }

    /// The channel of that name.
    pub fn find(&self, name: &[u8]) -> Option<ChannelId> {
        let locked = self.lock();
        let index = locked.find(name)?;
        Some(locked.id(index))
    }
}

impl<'z> Locked<'z> {
    /// Whether this can be appended at all: no channel is made for it, or goes for it, if not.
    fn check(&self, body: &[&[u8]]) -> Result<(), AppendError> {
        match self.is_sealed() {
            true => Err(AppendError::Moved),
            false => self.check_size(body.iter().map(|part| part.len()).sum()).map(drop),
        }
    }

    /// Appends, gives the lock back, and wakes who waits for it.
    fn append_and_wake(
        self,
        index: u32,
        attributes: &Attributes,
        head: impl FnOnce(u64, &mut Vec<u8>),
        body: &[&[u8]],
    ) -> Result<Appended, AppendError> {
        let mut wakes = Wakes::default();
        let appended = self.append(index, attributes, head, body, &mut wakes);
        let zone: &'z Zone = self.unlock();
        step("append: before the wake");
        zone.wake(&wakes);
        appended
    }
}

impl Locked<'_> {
    fn append(
        &self,
        index: u32,
        attributes: &Attributes,
        head: impl FnOnce(u64, &mut Vec<u8>),
        body: &[&[u8]],
        wakes: &mut Wakes,
    ) -> Result<Appended, AppendError> {
        if self.is_sealed() {
            return Err(AppendError::Moved);
        }
        let now = self.now();
        let channel = self.memory.channel(index);
        // Who has lost it may not write either while it is nobody's: somebody else has written meanwhile.
        let (owner, writer) = (channel.owner.get(), attributes.owner.map_or(0, Owner::word));
        if owner != writer {
            return Err(AppendError::NotOwner);
        }
        channel.max_count.set(attributes.max_count);
        channel.max_age.set(attributes.max_age);
        channel.touched.set(now);
        if let Some(known) = self.known_by_key(index, attributes, body, wakes)? {
            return Ok(known);
        }
        let seq = self.header().seq.get() + 1;
        let mut front = Vec::with_capacity(64);
        head(seq, &mut front);
        let len = front.len() + body.iter().map(|part| part.len()).sum::<usize>();
        self.trim(index, now, attributes.unneeded, TRIMMED);
        self.check_size(len)?;
        if self.is_durable() {
            self.keep(index, seq, now, attributes, &front, body)?;
        }
        let at = self.reserve(index, len)?;
        let parts = [&front[..]];
        self.fill(at, len, parts.iter().chain(body));
        let record = self.memory.record(at);
        record.time.set(now);
        record.number.set(channel.number.get() + 1);
        record.key.set(attributes.key);
        record.place.set(attributes.place);
        record.len.set(len as u32);
        record.head.set(front.len() as u32);
        record.flags.set(attributes.flags);
        record.channel.set(index);
        step("append: before the commit");
        record.seq.publish(seq);
        step("append: after the commit");
        self.account(index, at, seq);
        step("append: accounted");
        let looked = self.hint(seq, Place::from_word(channel.last.get()));
        Ok(Appended { seq, subscribers: self.interested(index, wakes), duplicate: false, looked })
    }

    /// Counts the subscribers of a channel and of the patterns that it matches, and notes their rows.
    fn interested(&self, index: u32, wakes: &mut Wakes) -> u32 {
        let mut count = self.wake_waiting(index, wakes);
        for row in self.interested_rows(index) {
            count += self.memory.interest(index, row).get();
            wakes.add(row as u32);
        }
        count + self.wake_patterns(self.memory.name(index), wakes)
    }

    /// The record of the same key and place, if it is there.
    fn known_by_key(
        &self,
        index: u32,
        attributes: &Attributes,
        body: &[&[u8]],
        wakes: &mut Wakes,
    ) -> Result<Option<Appended>, AppendError> {
        if attributes.key == 0 {
            return Ok(None);
        }
        let Some(found) = self.find_key(index, attributes) else { return Ok(None) };
        let (seq, place) = (found.1.seq.get(), found.1.place.get());
        // The only one of a key, and one of several, are not the same.
        let same = match place == attributes.place {
            true => self.has_body(found, body),
            false => place != 0 && attributes.place != 0,
        };
        if !same {
            return Err(AppendError::OtherBody);
        }
        let subscribers = self.interested(index, wakes);
        // It may stand for places that are gone: the next look finds it again.
        let looked = self.hint(seq - 1, found.0);
        Ok(Some(Appended { seq, subscribers, duplicate: true, looked }))
    }

    /// Writes what is to be the next record to the zone's file.
    fn keep(
        &self,
        index: u32,
        seq: u64,
        now: u64,
        attributes: &Attributes,
        front: &[u8],
        body: &[&[u8]],
    ) -> Result<(), AppendError> {
        let mut parts = Vec::with_capacity(1 + body.len());
        parts.push(front);
        parts.extend_from_slice(body);
        let stored = StoredRecord {
            channel: self.memory.name(index),
            seq,
            number: self.memory.channel(index).number.get() + 1,
            time: now,
            key: attributes.key,
            place: attributes.place,
            flags: attributes.flags,
            head: front.len() as u32,
            max_count: attributes.max_count,
            max_age: attributes.max_age,
            bytes: &[],
        };
        self.write_to_file(&stored, &parts)
    }
}
