//! Delivery: a stream's news to all players that are up to date, and to the others one by one.

use broadcast::{Limits, Reading, Start};

use crate::hub::{Hub, Inner};
use crate::record::{CONTENTS, NEWS, News};
use crate::view::View;
use crate::wire::Wire;

/// Batches that a stream, or a player, gets in a row.
const ROUNDS: usize = 8;
/// Bytes of a batch for one player: what is begun and not taken is kept for it.
const BEHIND: Limits = Limits { records: 32, bytes: 128 << 10, upto: u64::MAX, told: 0 };

/// A player that waits for what its stream consists of looks again after so many milliseconds.
const LOOK_MS: u64 = 100;

/// What came of reading.
enum Read {
    /// Everything was delivered.
    Done,
    /// There may be more.
    More,
    /// It is not time yet: in so many milliseconds.
    Later(u64),
}

impl Inner {
    /// Delivers what is due.
    pub fn deliver(&mut self, hub: &'static Hub) {
        for _ in 0..self.dirty.len() {
            let Some(index) = self.dirty.pop_front() else { break };
            if let Some(stream) = self.streams.get_mut(&index) {
                stream.dirty = false;
            }
            self.deliver_stream(hub, index);
        }
        for _ in 0..self.waiting.len() {
            let Some(number) = self.waiting.pop_front() else { break };
            if let Some(player) = self.players.get_mut(number) {
                player.waiting = false;
                self.serve(hub, number);
            }
        }
    }

    fn deliver_stream(&mut self, hub: &'static Hub, index: u32) {
        for _ in 0..ROUNDS {
            match self.deliver_batch(hub, index) {
                Read::Done => return,
                Read::More => {}
                Read::Later(ms) => return self.make_due(hub, index, ms),
            }
        }
        self.make_dirty(index);
    }

    /// Gives a stream's next batch to all who are up to date.
    fn deliver_batch(&mut self, hub: &'static Hub, index: u32) -> Read {
        let attachment = &hub.attachment;
        let Some(stream) = self.streams.get_mut(&index) else { return Read::Done };
        let (before, delay) = (stream.cursor, stream.app.delay);
        let hint = Some(&mut stream.hint);
        match attachment.read(&[stream.id], before, hint, Limits::default()) {
            Reading::Batch(batch) if batch.records()[0].is_whole() => {
                let mut view = View::of(&batch);
                if let Some(ms) = hold_back(&mut view, delay, attachment.zone().now()) {
                    return Read::Later(ms);
                }
                let Some(last) = view.items.last().map(|item| item.seq) else { return Read::Done };
                stream.cursor = last;
                stream.contents = view.items.last().map_or(0, |item| item.flags & CONTENTS);
                for item in view.items.iter().filter(|item| item.flags & NEWS != 0) {
                    let broke = item.head.event() == Some(News::Broke);
                    stream.broke = broke.then_some(item.time);
                }
                let players = std::mem::take(&mut stream.players);
                for &number in &players {
                    match self.players.get(number).map(|player| player.state.cursor) {
                        Some(cursor) if cursor < before => self.wait(number),
                        Some(cursor) if cursor < last => {
                            self.give(hub, number, &view);
                        }
                        _ => {}
                    }
                }
                if let Some(stream) = self.streams.get_mut(&index) {
                    stream.players = players;
                }
                Read::More
            }
            // Too long for a batch, or gone: each for itself.
            Reading::Batch(batch) => {
                let seq = batch.records()[0].seq;
                drop(batch);
                self.each_for_itself(index, seq);
                Read::More
            }
            Reading::Lagged { upto } => {
                self.each_for_itself(index, upto);
                Read::More
            }
            Reading::Nothing | Reading::Torn => Read::Done,
        }
    }

    fn each_for_itself(&mut self, index: u32, cursor: u64) {
        let Some(stream) = self.streams.get_mut(&index) else { return };
        stream.cursor = cursor;
        let players = std::mem::take(&mut stream.players);
        players.iter().for_each(|&number| self.wait(number));
        if let Some(stream) = self.streams.get_mut(&index) {
            stream.players = players;
        }
    }

    /// Serves one player: what it has not got, as far as its socket takes it.
    fn serve(&mut self, hub: &'static Hub, number: u32) {
        for _ in 0..ROUNDS {
            let clear = self.players.get(number).is_some_and(|player| {
                self.outlets.get(player.outlet).is_some_and(|outlet| outlet.is_clear())
            });
            if !clear {
                return;
            }
            match self.serve_batch(hub, number) {
                Read::Done => return,
                Read::More => {}
                Read::Later(ms) => {
                    let stream = self.players.get(number).map(|player| player.stream.index());
                    return stream.into_iter().for_each(|index| self.make_due(hub, index, ms));
                }
            }
        }
        self.wait(number);
    }

    fn serve_batch(&mut self, hub: &'static Hub, number: u32) -> Read {
        let attachment = &hub.attachment;
        let Some(player) = self.players.get_mut(number) else { return Read::Done };
        let (id, cursor, delay) = (player.stream, player.state.cursor, player.app.delay);
        let limits = Limits { told: player.told, ..BEHIND };
        match attachment.read(&[id], cursor, None, limits) {
            Reading::Batch(batch) if batch.records()[0].is_whole() => {
                let mut view = View::of(&batch);
                if let Some(ms) = hold_back(&mut view, delay, attachment.zone().now()) {
                    return Read::Later(ms);
                }
                self.give_behind(hub, number, &view)
            }
            Reading::Batch(batch) => {
                let record = batch.records()[0].clone();
                let Some(bytes) = live::whole(attachment, id, batch) else { return Read::More };
                self.give_behind(hub, number, &View::of_long(&record, &bytes))
            }
            // It was too slow. What it has missed is made up for in its clock, not in its queue.
            Reading::Lagged { upto } => {
                let start = match delay {
                    0 => Start::Marked,
                    delay => Start::MarkedBefore(attachment.zone().now().saturating_sub(delay)),
                };
                player.told = upto;
                player.state.skip_to(attachment.start(&[id], start).0.max(upto));
                player.counts.skips += 1;
                self.counts.2 += 1;
                Read::More
            }
            Reading::Nothing | Reading::Torn => Read::Done,
        }
    }

    /// Gives a player that is behind what a view has.
    fn give_behind(&mut self, hub: &'static Hub, number: u32, view: &View<'_>) -> Read {
        match self.give(hub, number, view) {
            true => Read::More,
            false => Read::Done,
        }
    }

    /// Writes to a player what of a view is for it and what its socket takes.
    /// `false`: it waits for what the stream consists of, and looks again.
    fn give(&mut self, hub: &'static Hub, number: u32, view: &View<'_>) -> bool {
        let Some(player) = self.players.get_mut(number) else { return true };
        let Some(outlet) = self.outlets.get_mut(player.outlet) else { return true };
        if player.waiting || !outlet.is_clear() {
            return true;
        }
        let contents = match player.state.opened || outlet.lane.wire == Wire::Rtmp {
            true => 0,
            false => self.streams.get(&player.stream.index()).map_or(0, |stream| stream.contents),
        };
        self.draft.clear();
        let now = || hub.attachment.zone().now();
        if !player.compose(view, &mut self.draft, &mut { outlet.lane }, contents, now) {
            if !std::mem::replace(&mut player.opening.waits, true) {
                rt::after(LOOK_MS, move || hub.look_again(number));
            }
            return false;
        }
        let slices = self.draft.slices(view);
        let sent = match slices.is_empty() {
            true => 0,
            false => outlet.write(&slices),
        };
        let (after, messages, rest) = self.draft.taken(sent, &slices);
        if let Some((state, lane)) = after {
            let passed = state.number.saturating_sub(player.state.number);
            if player.state.number > 0 {
                player.counts.dropped += passed.saturating_sub(messages as u64);
            }
            player.state = state;
            outlet.lane = lane;
        }
        outlet.unsent = rest;
        player.counts.sent += messages as u64;
        self.counts.0 += messages as u64;
        self.counts.1 += sent as u64;
        let ended = |item: &crate::view::Item| {
            item.seq <= player.state.cursor && item.head.event() == Some(News::Ended)
        };
        if !player.app.idle_streams && view.items.iter().any(ended) {
            outlet.end();
        }
        if sent < self.draft.len() && outlet.blocked.is_none() && !outlet.broken {
            // A write that took less than everything has filled the socket, or was cut at the most that
            // one call takes: the next one finds out.
            self.wait_for_flush(number);
        }
        true
    }

    fn wait_for_flush(&mut self, number: u32) {
        let Some(player) = self.players.get(number) else { return };
        if let Some(outlet) = self.outlets.get_mut(player.outlet)
            && outlet.flush()
        {
            self.wait(number);
        }
    }
}

/// Takes away what players may not see yet. Gives the milliseconds to wait if that is all.
fn hold_back(view: &mut View<'_>, delay: u64, now: u64) -> Option<u64> {
    if delay == 0 {
        return None;
    }
    let due = view.items.partition_point(|item| item.time + delay <= now);
    let first = view.items.get(due).map(|item| item.time + delay - now);
    view.items.truncate(due);
    first.filter(|_| due == 0)
}
