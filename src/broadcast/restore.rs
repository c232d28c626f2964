//! Records that come from elsewhere as they were: from a file, or from a zone of another size.

use crate::error::AppendError;
use crate::lock::Locked;

/// A record with all that is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept<'a> {
    /// The channel's name.
    pub channel: &'a [u8],
    /// Its number in the zone.
    pub seq: u64,
    /// Its number in its channel.
    pub number: u64,
    /// The zone's milliseconds when it was appended.
    pub time: u64,
    /// Hash of its idempotency key; 0: none.
    pub key: u64,
    /// Its place in what the key is for.
    pub place: u32,
    /// Its flags.
    pub flags: u32,
    /// Bytes of its head.
    pub head: u32,
    /// What its channel keeps.
    pub max_count: u32,
    /// Milliseconds after which it goes; 0: never.
    pub max_age: u64,
    /// All its bytes, the head's included.
    pub bytes: &'a [u8],
}

impl Locked<'_> {
    /// Takes away what a channel has before a record, if there was more in between: who had the last of that could not
    /// be told what is missing.
    pub fn drop_before_hole(&self, kept: &Kept<'_>) {
        let Some(index) = self.find(kept.channel) else { return };
        let channel = self.memory.channel(index);
        if kept.number > channel.number.get() + 1 && channel.count.get() > 0 {
            while self.drop_first(channel) {}
            channel.evicted_upto.publish(kept.seq - 1);
        }
    }

    /// Appends a record with the seq that it has had. They come in the order of their seqs.
    pub fn restore(&self, kept: &Kept<'_>) -> Result<(), AppendError> {
        let index = self.find_or_create(kept.channel, u32::MAX)?;
        let channel = self.memory.channel(index);
        if channel.number.get() >= kept.number {
            // Its numbers begin anew: what it had before was forgotten.
            while self.drop_first(channel) {}
        }
        channel.max_count.set(kept.max_count);
        channel.max_age.set(kept.max_age);
        channel.touched.set(self.now());
        let at = self.reserve(index, kept.bytes.len())?;
        self.fill(at, kept.bytes.len(), [kept.bytes].iter());
        let record = self.memory.record(at);
        record.time.set(kept.time);
        record.number.set(kept.number);
        record.key.set(kept.key);
        record.place.set(kept.place);
        record.len.set(kept.bytes.len() as u32);
        record.head.set(kept.head);
        record.flags.set(kept.flags);
        record.channel.set(index);
        record.seq.publish(kept.seq);
        self.account(index, at, kept.seq);
        Ok(())
    }
}
