//! Records that come from elsewhere as they were: from a file, or from a zone of another size.

use crate::error::AppendError;
use crate::kept::Kept;
use crate::lock::Locked;

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
            // Its numbers start over: what it had before was forgotten.
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
