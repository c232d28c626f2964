//! Records that come from elsewhere as they were: from a file, or from a zone of another size.

use crate::error::AppendError;
use crate::lock::Locked;
use crate::stored::StoredRecord;

impl Locked<'_> {
    /// Takes away what a channel has before a record, if there was more in between: who had the last of that could not
    /// be told what is missing.
    pub fn drop_before_hole(&self, stored: &StoredRecord<'_>) {
        let Some(index) = self.find(stored.channel) else { return };
        let channel = self.memory.channel(index);
        if stored.number > channel.number.get() + 1 && channel.count.get() > 0 {
            while self.drop_first(channel) {}
            channel.evicted_upto.publish(stored.seq - 1);
        }
    }

    /// Appends a record with the seq that it has had. They come in the order of their seqs.
    pub fn restore(&self, stored: &StoredRecord<'_>) -> Result<(), AppendError> {
        let index = self.find_or_create(stored.channel, u32::MAX)?;
        let channel = self.memory.channel(index);
        if channel.number.get() >= stored.number {
            // Its numbers start over: what it had before was forgotten.
            while self.drop_first(channel) {}
        }
        channel.max_count.set(stored.max_count);
        channel.max_age.set(stored.max_age);
        channel.touched.set(self.now());
        let at = self.reserve(index, stored.bytes.len())?;
        self.fill(at, stored.bytes.len(), [stored.bytes].iter());
        let record = self.memory.record(at);
        record.time.set(stored.time);
        record.number.set(stored.number);
        record.key.set(stored.key);
        record.place.set(stored.place);
        record.len.set(stored.bytes.len() as u32);
        record.head.set(stored.head);
        record.flags.set(stored.flags);
        record.channel.set(index);
        record.seq.publish(stored.seq);
        self.account(index, at, stored.seq);
        Ok(())
    }
}
