//! Live streams as a protocol of the hub: how a batch goes out to players, and what becomes of one that was cut.

use broadcast::{Attachment, Batch, ChannelId, ReadLimits, RecordRef, Start};
use live::{Protocol, To};

use crate::play::link::{Link, Outlet};
use crate::play::mux::End;
use crate::play::muxed;
use crate::play::player::{After, Player};
use crate::play::view::View;
use crate::play::write_batch::WriteBatch;
use crate::publish::resume;
use crate::record::{CHANGE, CONTENTS, Change};
use crate::settings::app::App;

/// A worker's part of the `rtmp_zone`.
pub type Hub = live::Hub<LiveStreams>;

/// A player in the hub.
pub type Reader = live::Reader<Player>;

const _: () = assert!(size_of::<Reader>() <= 192, "there are as many as there are players");

/// Audio and video, live.
pub struct LiveStreams;

/// A player that waits for what its stream consists of looks again after so many milliseconds.
const LOOK_MS: u64 = 100;

/// A stream with players.
#[derive(Default)]
pub struct LiveStream {
    app: Option<&'static App>,
    /// What its newest record tells of its tracks.
    contents: u32,
    /// Its publisher's connection broke at this time of the zone.
    broke: Option<u64>,
}

/// What a worker has once.
#[derive(Default)]
pub struct Worker {
    batch: WriteBatch<After>,
    /// What goes to a player whose file is no FLV.
    piece: Vec<u8>,
    /// Publishers that this process has had.
    publishers: u32,
}

impl Worker {
    /// A number for a publisher of this process.
    pub fn next_publisher(&mut self) -> u32 {
        self.publishers = self.publishers.wrapping_add(1).max(1);
        self.publishers
    }
}

impl LiveStream {
    fn delay(&self) -> u64 {
        self.app.map_or(0, |app| app.delay)
    }
}

impl Protocol for LiveStreams {
    type Link = Link;
    type Reader = Player;
    type Channel = LiveStream;
    type Worker = Worker;
    type View<'b> = View<'b>;

    const TICK_MS: u64 = 500;
    // Publishers and players come back to a worker that goes on; the streams wait for them (`publish_grace`).
    const RETIRED_MS: u64 = 0;
    const DRAINS_GRADUALLY: bool = false;
    const BEGINS_INSIDE: bool = true;
    /// What is begun and not taken is kept for the player.
    const BEHIND: ReadLimits =
        ReadLimits { records: 32, bytes: 128 << 10, upto: u64::MAX, told: 0 };

    fn worker(_: &'static Attachment) -> Worker {
        Worker::default()
    }

    fn view<'b>(
        batch: &'b Batch<'_>,
        stream: &LiveStream,
        now: impl FnOnce() -> u64,
    ) -> Result<View<'b>, u64> {
        let mut view = View::of(batch);
        match stream.delay() {
            0 => Ok(view),
            delay => hold_back(&mut view, delay, now()).map_or(Ok(view), Err),
        }
    }

    fn view_long<'b>(record: &'b RecordRef, bytes: &'b [u8]) -> View<'b> {
        View::of_long(record, bytes)
    }

    fn last(view: &View<'_>) -> u64 {
        view.items.last().map_or(0, |item| item.seq)
    }

    fn give(to: &mut To<'_, Self>, view: &mut View<'_>) -> Result<(), u64> {
        if to.reader.own.mux.is_some() {
            return give_file(to, view);
        }
        let (player, outlet) = (&mut to.reader.own, &mut *to.outlet);
        let batch = &mut to.worker.batch;
        batch.clear();
        let now = || to.attachment.zone().now();
        let (place, chunk_streams) =
            ((to.number, to.reader.cursor), &mut { outlet.link.chunk_streams });
        if !player.compose(view, place, batch, chunk_streams, to.channel.contents, now) {
            return Err(LOOK_MS);
        }
        let slices = batch.slices(view);
        let sent = match slices.is_empty() {
            true => 0,
            false => outlet.write(&slices),
        };
        let (after, messages, rest) = batch.taken(sent, &slices);
        if let Some(After { cursor, state, chunk_streams }) = after {
            let passed = state.number.saturating_sub(player.state.number);
            if player.state.number > 0 {
                player.counts.passed(passed, messages as u64);
            }
            to.reader.cursor = cursor;
            player.state = state;
            outlet.link.chunk_streams = chunk_streams;
        }
        outlet.unsent = rest;
        player.counts.sent += messages as u64;
        to.counts.records += messages as u64;
        to.counts.bytes += sent as u64;
        let cursor = to.reader.cursor;
        let ended = |item: &crate::play::view::Item| {
            item.seq <= cursor && item.head.event() == Some(Change::Ended)
        };
        if !player.app.idle_streams && view.items.iter().any(ended) {
            outlet.end();
        }
        Ok(())
    }

    /// What it has missed is made up for in its clock, not in its queue.
    fn lagged(to: &mut To<'_, Self>, upto: u64) {
        let player = &mut to.reader.own;
        let start = match player.app.delay {
            0 => Start::Marked,
            delay => Start::MarkedBefore(to.attachment.zone().now().saturating_sub(delay)),
        };
        let channels = to.reader.membership.channels();
        to.reader.told = upto;
        to.reader.cursor = to.attachment.start(channels, start).0.max(upto);
        player.state.skip();
        if let Some(mux) = &mut player.mux {
            mux.skip();
        }
        player.counts.skips += 1;
    }

    fn join(stream: &mut LiveStream, player: &Player) -> bool {
        stream.app = Some(player.app);
        player.app.delay > 0
    }

    fn seen(stream: &mut LiveStream, view: &View<'_>) {
        stream.contents = view.items.last().map_or(0, |item| item.flags & CONTENTS);
        for item in view.items.iter().filter(|item| item.flags & CHANGE != 0) {
            let broke = item.head.event() == Some(Change::Broke);
            stream.broke = broke.then_some(item.time);
        }
    }

    fn collects(stream: &LiveStream) -> u64 {
        stream.app.map_or(0, |app| app.merge_write)
    }

    fn send_away(outlet: &mut Outlet, _: &mut Worker, _: u32) {
        match outlet.link.session {
            Some(_) => outlet.end(),
            None => outlet.io().hang_up(),
        }
    }

    /// Ends streams whose publishers have not come back.
    fn tick<'c>(
        attachment: &'static Attachment,
        _: &mut Worker,
        streams: impl Iterator<Item = (ChannelId, &'c mut LiveStream)>,
        _: bool,
    ) {
        let now = attachment.zone().now();
        for (id, stream) in streams {
            let Some((app, broke)) = stream.app.zip(stream.broke) else { continue };
            if now >= broke + app.publish_grace {
                stream.broke = None;
                resume::end_if_broken(attachment, id, app);
            }
        }
    }
}

/// [`Protocol::give`] for a player whose file is no FLV.
fn give_file(to: &mut To<'_, LiveStreams>, view: &View<'_>) -> Result<(), u64> {
    let (player, piece) = (&mut to.reader.own, &mut to.worker.piece);
    piece.clear();
    let (before, zone) = (player.state.number, to.attachment.zone());
    let made = player.make_file(view, to.reader.cursor, to.channel.contents, || zone.now(), piece);
    let Some(made) = made else { return Err(LOOK_MS) };
    to.reader.cursor = made.cursor;
    if before > 0 {
        let passed = player.state.number.saturating_sub(before);
        player.counts.passed(passed, made.records);
    }
    player.counts.sent += made.records;
    to.counts.records += made.records;
    to.counts.bytes += muxed::send(to.outlet, piece) as u64;
    if let Some(End::NoPlace(why)) = &made.end {
        let app = &player.app.name;
        sys::log!(Error, "a player is sent away: {why}, application: {app}");
    }
    if made.ended || made.end.is_some() {
        to.outlet.end();
    }
    Ok(())
}

/// Takes away what players may not see yet. Gives the milliseconds to wait if that is all.
fn hold_back(view: &mut View<'_>, delay: u64, now: u64) -> Option<u64> {
    let due = view.items.partition_point(|item| item.time + delay <= now);
    let first = view.items.get(due).map(|item| item.time + delay - now);
    view.items.truncate(due);
    first.filter(|_| due == 0)
}
