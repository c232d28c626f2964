//! What the hub must know of a protocol.

use broadcast::{Attachment, Batch, ChannelId, ReadLimits, RecordRef};

use crate::outlet::{Link, Outlet};
use crate::reader::Reader;

/// A protocol in which clients are given what is published. Everything is known when the server is compiled: a delivery
/// calls nothing through a table, and allocates nothing that the protocol does not.
pub trait Protocol: Sized + 'static {
    /// A connection's own state.
    type Link: Link;
    /// A reader's own state.
    type Reader: 'static;
    /// What a worker knows of a channel with readers.
    type Channel: Default + 'static;
    /// What a worker has once: compressors, memory for what is being written.
    type Worker: 'static;
    /// A batch, looked at once for all of its readers.
    type View<'b>;

    /// Milliseconds between two looks at what ages.
    const TICK_MS: u64;
    /// The readers of a zone that another one has replaced are sent away within so many milliseconds.
    const RETIRED_MS: u64;
    /// The readers of a worker that drains are sent away one after the other; else all near the end of its time.
    const DRAINS_GRADUALLY: bool;
    /// A reader that has got a part of a batch is given the rest of it with the others, not by itself.
    const BEGINS_INSIDE: bool;
    /// How much one reader that is behind gets at once.
    const BEHIND: ReadLimits;

    /// Of a new worker.
    fn worker(attachment: &'static Attachment) -> Self::Worker;

    /// What a batch shows the readers of a channel. The error: it is not time yet, in so many milliseconds. `at`: the zone's
    /// time.
    fn view<'b>(
        batch: &'b Batch<'_>,
        channel: &Self::Channel,
        at: impl FnOnce() -> u64,
    ) -> Result<Self::View<'b>, u64>;

    /// The same of one record that is longer than a batch.
    fn view_long<'b>(record: &'b RecordRef, bytes: &'b [u8]) -> Self::View<'b>;

    /// The seq of the last record in a view.
    fn last(view: &Self::View<'_>) -> u64;

    /// Whether a connection takes a part of a record as it lies.
    fn takes_parts(link: &Self::Link) -> bool {
        let _ = link;
        false
    }

    /// Writes to one reader what of a view is for it, as far as its connection takes it, and moves its cursor. The error:
    /// it is to be served again in so many milliseconds.
    fn give(to: &mut To<'_, Self>, view: &mut Self::View<'_>) -> Result<(), u64>;

    /// Some of what a reader has not got is gone, up to `upto`.
    fn lagged(to: &mut To<'_, Self>, upto: u64);

    /// A reader has got all that there is.
    fn caught_up(to: &mut To<'_, Self>) {
        let _ = to;
    }

    /// The most records that a newcomer gets of several channels.
    fn history(link: &Self::Link) -> u32 {
        let _ = link;
        u32::MAX
    }

    /// A reader joins those of a channel. `true`: if it is the first, what is new in the channel begins at its cursor.
    fn join(channel: &mut Self::Channel, reader: &Self::Reader) -> bool {
        let _ = (channel, reader);
        false
    }

    /// A channel's readers are given this.
    fn seen(channel: &mut Self::Channel, view: &Self::View<'_>) {
        let _ = (channel, view);
    }

    /// Milliseconds for which a channel's records are collected before they are given out.
    fn collects(channel: &Self::Channel) -> u64 {
        let _ = channel;
        0
    }

    /// The worker drains: a connection is sent away. `number` differs from connection to connection.
    fn send_away(outlet: &mut Outlet<Self::Link>, worker: &mut Self::Worker, number: u32);

    /// Called every [`TICK_MS`](Self::TICK_MS), with all channels.
    fn tick<'c>(
        attachment: &'static Attachment,
        worker: &mut Self::Worker,
        channels: impl Iterator<Item = (ChannelId, &'c mut Self::Channel)>,
        is_idle: bool,
    ) where
        Self::Channel: 'c;
}

/// A reader, and what belongs to it.
pub struct To<'a, P: Protocol> {
    /// The zone, and this process's place in it.
    pub attachment: &'static Attachment,
    /// The reader's number.
    pub number: u32,
    /// The reader.
    pub reader: &'a mut Reader<P::Reader>,
    /// Its connection.
    pub outlet: &'a mut Outlet<P::Link>,
    /// The worker's.
    pub worker: &'a mut P::Worker,
    /// What was delivered.
    pub counts: &'a mut Delivered,
    /// Its channel, if it has one alone.
    pub channel: &'a P::Channel,
    /// Which reader a panic would be about.
    pub(crate) serving: &'a mut Option<u32>,
}

/// What was delivered and is not yet counted in the zone.
#[derive(Clone, Copy, Debug, Default)]
pub struct Delivered {
    /// Records.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How often a reader was too slow.
    pub lagged: u64,
}
