//! Event streams as a protocol of the hub: how a batch goes out to subscribers, and what becomes of one that was cut.

use std::io::IoSlice;
use std::slice;

use broadcast::{Attachment, Batch, ChannelId, END, ReadLimits, RecordRef, Start};
use live::{Protocol, To};
use proto::sse::{self, EventId};
use proto::websocket::Close;

use crate::record;
use crate::settings::values::Lag;
use crate::subscribe::cursor::Lost;
use crate::subscribe::framing::{FRAMED, Framed, StreamFormat};
use crate::subscribe::gzip::Gzip;
use crate::subscribe::link::{self, Link, Outlet};

/// A worker's part of an `sse_zone`.
pub type Hub = live::Hub<EventStreams>;

/// Streams of events by HTTP and WebSocket.
pub struct EventStreams;

/// A subscriber's own state.
pub struct Subscriber {
    /// The cursor at the last keep-alive: the client keeps an id that is not older.
    pub shown: u64,
}

const _: () = assert!(
    size_of::<live::Reader<Subscriber>>() <= 88,
    "there are as many as there are subscribers"
);

/// What a worker has once.
pub struct Worker {
    /// What was compressed.
    pub gzip: Gzip,
    /// Answers of a WebSocket wait for the disk.
    pub holds_answers: bool,
    /// Channels that were displaced, as far as it is told, and when.
    displaced: (u64, u64),
}

/// Clients come back within this time when they are sent away.
const RETURN_MS: u64 = 1000;

/// Events for all subscribers of a channel.
pub struct View<'b> {
    events: Events<'b>,
    /// Framed for each kind of client, by whoever is the first of its kind.
    framed: [Option<Framed>; FRAMED],
}

enum Events<'b> {
    Batch(&'b Batch<'b>),
    /// One that is longer than a batch.
    Long(&'b RecordRef, &'b [u8]),
}

impl Protocol for EventStreams {
    type Link = Link;
    type Reader = Subscriber;
    type Channel = ();
    type Worker = Worker;
    type View<'b> = View<'b>;

    const TICK_MS: u64 = 1000;
    const RETIRED_MS: u64 = 1000;
    const DRAINS_GRADUALLY: bool = true;
    const BEGINS_INSIDE: bool = false;
    const BEHIND: ReadLimits = ReadLimits::DEFAULT;

    fn worker(attachment: &'static Attachment) -> Worker {
        let displaced = (attachment.zone().displaced(), 0);
        Worker { gzip: Gzip::new(1), holds_answers: false, displaced }
    }

    fn view<'b>(batch: &'b Batch<'_>, (): &(), _: impl FnOnce() -> u64) -> Result<View<'b>, u64> {
        Ok(View { events: Events::Batch(batch), framed: Default::default() })
    }

    fn view_long<'b>(record: &'b RecordRef, bytes: &'b [u8]) -> View<'b> {
        View { events: Events::Long(record, bytes), framed: Default::default() }
    }

    fn last(view: &View<'_>) -> u64 {
        view.newest().map_or(0, |record| record.seq)
    }

    fn takes_parts(link: &Link) -> bool {
        link.framing.kind.is_raw()
    }

    fn give(to: &mut To<'_, Self>, view: &mut View<'_>) -> Result<(), u64> {
        let kind = to.outlet.link.framing.kind;
        match view.events {
            Events::Batch(batch) if kind.is_raw() => give_raw(to, batch),
            _ => {
                let gzip = &mut to.worker.gzip;
                let framed =
                    view.framed[kind.index()].get_or_insert_with(|| view.events.framed(kind, gzip));
                give_framed(to, framed, &view.events);
            }
        }
        let end = view.newest().filter(|record| record.flags & END != 0);
        if end.is_some_and(|end| to.reader.cursor >= end.seq) {
            end_if_over(to);
        }
        Ok(())
    }

    /// Of several channels, what is there still of the others comes all the same: only the reader of one is at `upto` now.
    fn lagged(to: &mut To<'_, Self>, upto: u64) {
        let epoch = to.attachment.zone().epoch();
        let id = |seq| {
            let mut id = Vec::new();
            EventId { epoch, seq }.write(&mut id, None);
            id
        };
        let Outlet { link: Link { settings, framing, .. }, unsent, .. } = &mut *to.outlet;
        let requested = id(to.reader.cursor);
        to.reader.told = upto;
        let membership = &to.reader.membership;
        match (settings.lag, membership.single()) {
            _ if membership.is_waiting() && settings.lag != Lag::Close => {}
            (Lag::Close, _) | (Lag::Gap, Some(_)) => to.reader.cursor = upto,
            (Lag::Gap, None) => {}
            (Lag::Latest, _) => {
                let channels = membership.newest(1);
                to.reader.cursor = to.attachment.start(&channels, Start::Last(1)).0.max(upto);
            }
        }
        let now = id(to.reader.cursor);
        let alone = framing.events_alone;
        let gap = record::gap(&settings.gap_event, alone, &requested, &now, Lost::Evicted);
        framing.block(&mut to.worker.gzip, &gap, unsent);
        if settings.lag == Lag::Close {
            link::end(to.outlet, Close::TryAgain);
        }
    }

    fn caught_up(to: &mut To<'_, Self>) {
        end_if_over(to);
    }

    fn history(link: &Link) -> u32 {
        link.settings.max_history
    }

    /// A browser keeps what it is told last. One that is told nothing at its return keeps its own time: those who leave one
    /// after the other come back one after the other.
    fn send_away(outlet: &mut Outlet, worker: &mut Worker, _number: u32) {
        let Outlet { link: Link { settings, framing, .. }, unsent, .. } = &mut *outlet;
        if settings.retry > 0 && !framing.events_alone {
            let mut block = Vec::new();
            sse::retry(&mut block, fastrand::u64(1..=RETURN_MS));
            block.push(b'\n');
            framing.block(&mut worker.gzip, &block, unsent);
        }
        // What it cannot take now, its task sends.
        link::end(outlet, Close::GoingAway);
    }

    fn tick<'c>(
        attachment: &'static Attachment,
        worker: &mut Worker,
        _: impl Iterator<Item = (ChannelId, &'c mut ())>,
        is_idle: bool,
    ) {
        worker.tell_of_the_displaced(attachment);
        if rt::draining() && is_idle {
            // Other connections may keep this worker for long: its place is another's.
            attachment.leave();
        }
    }
}

impl View<'_> {
    fn newest(&self) -> Option<&RecordRef> {
        self.events.records().last()
    }
}

impl Events<'_> {
    fn records(&self) -> &[RecordRef] {
        match self {
            Events::Batch(batch) => batch.records(),
            Events::Long(record, _) => slice::from_ref(record),
        }
    }

    fn framed(&self, kind: StreamFormat, gzip: &mut Gzip) -> Framed {
        match self {
            Events::Batch(batch) => Framed::of(kind, gzip, batch),
            Events::Long(record, bytes) => {
                let mut framed = Framed::default();
                framed.add(kind, gzip, record, bytes);
                framed
            }
        }
    }
}

impl Worker {
    /// Says that kept events go for want of room for channels: once a minute at most.
    fn tell_of_the_displaced(&mut self, attachment: &Attachment) {
        let (zone, now) = (attachment.zone(), rt::now());
        let (known, told) = self.displaced;
        let displaced = zone.displaced();
        if displaced != known && (told == 0 || now >= told + 60_000) {
            self.displaced = (displaced, now.max(1));
            let (gone, most) = (displaced - known, zone.most_channels());
            sys::log!(
                Warn,
                "an sse_zone has room for {most} channels (channels=, or its size): {gone} quiet ones were \
                 forgotten with their events"
            );
        }
    }
}

/// Writes a batch as it lies, and notes how far that came.
fn give_raw(to: &mut To<'_, EventStreams>, batch: &Batch<'_>) {
    let mut sent = to.outlet.write(batch.slices());
    let records = batch.records();
    to.counts.records += records.iter().filter(|record| record.part.start == 0).count() as u64;
    to.counts.bytes += sent as u64;
    to.outlet.link.partial = 0;
    for record in records {
        let rest = record.part.len();
        if sent >= rest && record.is_whole() {
            to.reader.cursor = record.seq;
            sent -= rest;
            continue;
        }
        if record.part.start + sent > 0 {
            to.outlet.link.partial = record.seq;
            to.outlet.link.partial_sent = (record.part.start + sent) as u32;
        }
        return;
    }
}

/// Writes events that were framed. What the socket does not take is kept: they are not framed again.
fn give_framed(to: &mut To<'_, EventStreams>, framed: &Framed, events: &Events<'_>) {
    let records = events.records();
    to.outlet.link.framing.sent(framed);
    let is_framed = |record: &&RecordRef| match events {
        Events::Batch(_) => record.is_whole(),
        Events::Long(..) => true,
    };
    if let Some(last) = records.iter().rfind(is_framed) {
        to.reader.cursor = last.seq;
    }
    let sent = to.outlet.write(&[IoSlice::new(&framed.bytes)]);
    if !to.outlet.is_broken() {
        to.outlet.unsent.extend_from_slice(&framed.bytes[sent..]);
    }
    to.counts.records += records.len() as u64;
    to.counts.bytes += sent as u64;
}

fn end_if_over(to: &mut To<'_, EventStreams>) {
    let membership = &to.reader.membership;
    let over =
        !membership.may_grow() && to.attachment.is_over(membership.channels(), to.reader.cursor);
    if over {
        link::end(to.outlet, Close::Normal);
    }
}
