//! Records that are longer than a batch.

use broadcast::{Attachment, Batch, ChannelId, Reading};

/// The bytes of a batch's first record, which may have only begun in it. The batch is given up: a reader has one at a time.
/// `None`: the record has gone meanwhile; the next look tells so.
pub fn whole(attachment: &Attachment, channel: ChannelId, batch: Batch<'_>) -> Option<Vec<u8>> {
    let record = batch.records().first()?.clone();
    let mut bytes = Vec::with_capacity(record.len);
    batch.copy(&record, &mut bytes);
    drop(batch);
    while bytes.len() < record.len {
        let Reading::Batch(rest) = attachment.read_rest(&[channel], record.seq, bytes.len()) else {
            return None;
        };
        rest.copy(rest.records().first()?, &mut bytes);
    }
    Some(bytes)
}
