//! What the next append to a channel will touch, so that it can be fetched before.

use sys::prefetch::Touched;

use crate::index::ChannelId;
use crate::layout::{Place, RECORD};
use crate::zone::Zone;

/// What is written at a channel's end at once: a record's header, and the beginning of its bytes.
const END: usize = RECORD + 4 * 64;

impl Zone {
    /// Notes what the next append to a channel will touch, if nobody else appends before: the channel, its end, and its
    /// first record, which will go.
    pub fn note_touched<const N: usize>(&self, channel: ChannelId, touched: &mut Touched<N>) {
        if channel.index as usize >= self.memory.layout.channels {
            return;
        }
        let slot = self.memory.channel(channel.index);
        touched.add(slot, size_of_val(slot));
        touched.add(self.memory.interest_bits(channel.index, 0), 64);
        let (last, first) = (slot.last.get(), slot.first.get());
        for (at, bytes) in [(Place::from_word(last), END), (Place::from_word(first), RECORD)] {
            if !at.is_none() && at.offset as usize + RECORD <= self.memory.layout.block_size {
                touched.add_from(self.memory.record(at), bytes);
            }
        }
        if last != 0 {
            touched.add(self.memory.meta(Place::from_word(last).block), 64);
        }
    }
}
