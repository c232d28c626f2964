//! A batch of the log, seen as messages: looked at once, written to many players.

use std::ops::Range;

use broadcast::{Batch, RecordRef};
use proto::rtmp::chunk::Uncut;

use crate::record::{HEAD, Head};

/// A message of the batch.
pub struct Item {
    /// Its number in the log.
    pub seq: u64,
    /// Its number in its stream.
    pub number: u64,
    /// When it was appended, in the zone's milliseconds.
    pub time: u64,
    /// The log's flags.
    pub flags: u32,
    /// What it is.
    pub head: Head,
    /// Which slices are its payload, as it goes out by RTMP.
    pub cut: Range<usize>,
    /// Which slices are its payload, whole.
    pub whole: Range<usize>,
}

/// Messages, and where their bytes are.
#[derive(Default)]
pub struct View<'b> {
    /// The messages.
    pub items: Vec<Item>,
    /// Payloads, cut into chunks.
    pub cut: Vec<&'b [u8]>,
    /// Payloads, whole.
    pub whole: Vec<&'b [u8]>,
}

impl<'b> View<'b> {
    /// Sees a batch. A record that it does not have whole is left out: see [`View::of_long`].
    pub fn of(batch: &'b Batch<'_>) -> View<'b> {
        let (records, slices) = (batch.records().len(), batch.slices().len());
        let mut view = View {
            items: Vec::with_capacity(records),
            cut: Vec::with_capacity(slices),
            whole: Vec::with_capacity(slices),
        };
        batch.records().iter().for_each(|record| view.add_of(batch, record));
        view
    }

    /// Sees one record of a batch, or none, and nothing of what it saw before.
    pub fn turn_to(&mut self, batch: &'b Batch<'_>, record: &RecordRef) {
        self.items.clear();
        self.cut.clear();
        self.whole.clear();
        self.add_of(batch, record);
    }

    fn add_of(&mut self, batch: &'b Batch<'_>, record: &RecordRef) {
        if record.is_whole() {
            let slices = &batch.slices()[record.slices.clone()];
            self.add(record, slices.iter().map(|slice| &**slice));
        }
    }

    /// Sees one record that was too long for a batch.
    pub fn of_long(record: &RecordRef, bytes: &'b [u8]) -> View<'b> {
        let mut view = View::default();
        view.add(record, std::iter::once(bytes));
        view
    }

    fn add(&mut self, record: &RecordRef, slices: impl Iterator<Item = &'b [u8]>) {
        let (mut head, mut have) = ([0; HEAD], 0);
        let (cut, whole) = (self.cut.len(), self.whole.len());
        for slice in slices {
            let take = slice.len().min(HEAD - have);
            head[have..have + take].copy_from_slice(&slice[..take]);
            have += take;
            if slice.len() > take {
                self.cut.push(&slice[take..]);
            }
        }
        let head = Head::of(head);
        let mut uncut = Uncut::new(head.chunk as usize);
        for bytes in &self.cut[cut..] {
            uncut.feed(bytes, |piece| self.whole.push(piece));
        }
        self.items.push(Item {
            seq: record.seq,
            number: record.number,
            time: record.time,
            flags: record.flags,
            head,
            cut: cut..self.cut.len(),
            whole: whole..self.whole.len(),
        });
    }
}
