//! Appending a record, and the room for it.

use crate::cut::{Span, span};
use crate::device::Device;
use crate::error::Error;
use crate::log::{Durability, Keeper, Log};
use crate::record::{MAX_CHANNEL, Record};
use crate::shape::PAGE;
use crate::state::LogState;
use crate::step::step;

/// Pages that are cleaned for each page that is written: half of what may be new in a segment is
/// written before the next one is clean.
const PACE: u64 = 16;

impl<D: Device> Log<D> {
    /// Appends a record, whose seq is the next one. It is in the file when this returns, and counts from the next append of a
    /// greater seq on: until the zone has committed it, another may be appended with its seq. The
    /// caller has the zone's lock.
    pub fn append(
        &self,
        state: &LogState,
        record: &Record<'_>,
        keeper: &dyn Keeper,
    ) -> Result<(), Error> {
        if record.channel.len() > MAX_CHANNEL || record.len() > self.largest() {
            return Err(Error::TooLarge);
        }
        self.begin(state)?;
        self.resolve(state, record.seq.saturating_sub(1))?;
        let (lead, len) = (record.lead_len() as u64, record.len() as u64);
        self.make_room(state, lead, len, keeper)?;
        step("append: there is room");
        let head = state.head.get();
        let Span { at, end } = span(self.shape, head, lead, len);
        state.pending_at.set(at);
        state.pending_end.set(end);
        step("append: its place is known");
        // Said before it is done: of what is half-written somebody knows where it begins.
        state.pending.set(record.seq);
        step("append: it is pending");
        let pen = self.pen(state);
        // With the moment of the write the file's date is compared.
        let wall = self.device.now_ns() / 1_000_000;
        let lead = Record { wall, ..*record }.lead(None);
        if let Err(error) = pen.write(head, &lead, record.parts) {
            let _ = pen.void(at);
            state.pending.set(0);
            return Err(error.into());
        }
        step("append: the record is written");
        Ok(())
    }

    /// Sees to it that a record can be written at the head.
    fn make_room(
        &self,
        state: &LogState,
        lead: u64,
        len: u64,
        keeper: &dyn Keeper,
    ) -> Result<(), Error> {
        let size = self.shape.segment;
        // At most 7/8 of a segment may be copies: something new must have room.
        let most = size / 8 * 7;
        let ahead = self.shape.number(state.head.get() - 1) + 1;
        for _ in 0..(lead + len) * PACE / PAGE + 1 {
            if state.swept.get() / size >= ahead {
                break;
            }
            self.clean(state, keeper, most)?;
        }
        loop {
            self.clear(state);
            let end = span(self.shape, state.head.get(), lead, len).end;
            let last = self.shape.number(end - 1);
            let clean = state.swept.get() / size;
            if last <= state.clear.get() {
                return Ok(());
            }
            if clean >= last {
                return Err(Error::Unsynced);
            }
            // For a large record several segments are given: what is copied of them must not eat up
            // what is won.
            let most = if clean < ahead { most } else { size / 4 };
            self.clean(state, keeper, most)?;
        }
    }

    /// Lets the head into the segments that are clean.
    fn clear(&self, state: &LogState) {
        let safe = state.synced_at.published() >= state.swept_at.get();
        if safe || self.durability != Durability::Ack {
            state.clear.set(state.swept.get() / self.shape.segment);
        }
    }
}
