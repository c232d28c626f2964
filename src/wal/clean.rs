//! The cleaner: what is kept of the segment that is written over next is copied to the head.

use std::io;

use crate::cut::span;
use crate::device::Device;
use crate::log::{Keeper, Log};
use crate::read::Reader;
use crate::record::{Lead, Record};
use crate::shape::PAGE;
use crate::state::LogState;
use crate::step::step;

impl<D: Device> Log<D> {
    /// Goes through one page of the segment after the last clean one, its last page first: so the
    /// oldest are given up where there is no room. `most`: bytes that may be copied of this segment.
    pub(crate) fn clean(&self, state: &LogState, keeper: &dyn Keeper, most: u64) -> io::Result<()> {
        let size = self.shape.segment;
        let swept = state.swept.get();
        let number = swept / size + 1;
        let mut reader = Reader::new(&self.device, self.shape, self.secret, 1);
        let held = reader.held(number)?;
        let left = size - swept % size;
        let Some(held) = held else {
            self.swept(state, number * size);
            return Ok(());
        };
        let mut begin = Vec::new();
        let page = held.number * size + left - PAGE;
        reader.fragments(page, |at, found, _| {
            if found.kind.begins() {
                begin.push(at);
            }
        })?;
        let mut bytes = Vec::new();
        for &at in begin.iter().rev().filter(|at| self.superseded.binary_search(at).is_err()) {
            self.keep(state, keeper, &mut reader, at, &mut bytes, most)?;
        }
        self.swept(state, swept + PAGE);
        Ok(())
    }

    fn swept(&self, state: &LogState, upto: u64) {
        let size = self.shape.segment;
        if upto.is_multiple_of(size) {
            // A sync that begins from here on has all that was copied.
            if state.copied.get() != 0 {
                state.swept_at.set(state.head.get());
                step("clean: the segment's last page");
            }
            state.swept.set(upto);
            step("clean: the segment");
            state.copied.set(0);
        } else {
            state.swept.set(upto);
        }
        step("clean: a page");
    }

    /// Copies the record at `at` to the head, if it is kept; gives it up if there is no room.
    fn keep(
        &self,
        state: &LogState,
        keeper: &dyn Keeper,
        reader: &mut Reader<'_, D>,
        at: u64,
        bytes: &mut Vec<u8>,
        most: u64,
    ) -> io::Result<()> {
        let whole = reader.record(at, bytes)?;
        let Some(lead) = Lead::decode(bytes) else { return Ok(()) };
        let Record { channel, seq, .. } = lead.record;
        if !keeper.is_kept(channel, seq) {
            return Ok(());
        }
        if !whole {
            keeper.drop_upto(channel, seq);
            return Ok(());
        }
        let parts = [&bytes[lead.lead as usize..]];
        let record = Record { parts: &parts, ..lead.record };
        let front = record.lead(Some(self.device.now_ns() / 1_000_000));
        let head = state.head.get();
        let end = span(self.shape, head, front.len() as u64, lead.len).end;
        let last = self.shape.number(end - 1);
        if state.copied.get() + (end - head) > most || last > state.clear.get() {
            keeper.drop_upto(channel, seq);
            return Ok(());
        }
        self.pen(state).write(head, &front, record.parts)?;
        step("clean: a copy is written");
        state.copied.add(end - head);
        state.head.publish(end);
        step("clean: a copy");
        Ok(())
    }
}
