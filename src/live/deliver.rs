//! Delivery: what is new in a channel to all who are up to date, and to the others one by one.

use broadcast::{Attachment, ReadLimits, Reading};

use crate::channels::Channel;
use crate::clients::Clients;
use crate::inner::{Alarm, Inner};
use crate::long;
use crate::membership::{Membership, Route};
use crate::outlet::Link;
use crate::protocol::{Protocol, To};

/// Writes to those who are up to date, and readers that are served one by one, in one turn: other connections get
/// theirs.
const WRITES: usize = 2048;
/// Microseconds of a turn for those who are served one by one: batches of many channels take their time.
const TURN_US: u64 = 4000;
/// Batches that one reader gets in a row, and how long they may take.
const ROUNDS: usize = 8;
const ROUNDS_US: u64 = 1000;

/// The outcome of serving one reader.
enum Served {
    /// There is nothing more, or it cannot be written now.
    All,
    /// There may be more.
    More,
    /// It is not time yet: in so many milliseconds.
    Later(u64),
}

/// The outcome of delivering a channel's next batch.
enum Delivered {
    All,
    More,
    /// The turn's budget is used up.
    Enough,
    Later(u64),
}

impl<P: Protocol> Inner<P> {
    /// Delivers what is due, within a turn's budget.
    pub fn deliver(&mut self, attachment: &'static Attachment) {
        self.go_on_after_panic(attachment);
        // Each gets its share of a turn: a busy channel must not keep those waiting who are served one by one.
        let mut budget = WRITES;
        while budget > 0
            && let Some(index) = self.channels.queue.pop_front()
        {
            self.delivering = Some(index);
            self.deliver_channel(attachment, index, &mut budget);
            self.delivering = None;
        }
        let until = sys::clock::monotonic_us() + TURN_US;
        for _ in 0..self.clients.queue.len().min(WRITES) {
            let Some(number) = self.clients.queue.pop_front() else { return };
            if let Some(reader) = self.clients.readers.get_mut(number as usize) {
                reader.waiting = false;
                self.serve(attachment, number);
            }
            if sys::clock::monotonic_us() >= until {
                return;
            }
        }
    }

    /// Whether there is something to do.
    pub fn is_busy(&self) -> bool {
        !self.channels.queue.is_empty()
            || !self.clients.queue.is_empty()
            || !self.alarms.is_empty()
            || self.clients.serving.is_some()
    }

    /// The turn before this one panicked: the reader that it was about is given up, and the others go on.
    fn go_on_after_panic(&mut self, attachment: &'static Attachment) {
        let known = self.clients.give_up_after_panic();
        let Some(index) = self.delivering.take() else { return };
        if let Some(channel) = self.channels.all.get_mut(&index) {
            channel.dirty = false;
        }
        if known {
            return self.channels.make_dirty(index);
        }
        // All together it would panic again for ever: one by one, those whom it is about are given up.
        let newest = attachment.zone().newest();
        if let Some(channel) = self.channels.all.get_mut(&index) {
            channel.cursor = newest;
            channel.singles.iter().for_each(|&number| self.clients.wait(number));
        }
    }

    /// Gives a channel's next batches to all who are up to date.
    fn deliver_channel(&mut self, attachment: &'static Attachment, index: u32, budget: &mut usize) {
        loop {
            let Some(channel) = self.channels.all.get_mut(&index) else { return };
            let delivered = deliver_batch(channel, &mut self.clients, attachment, budget);
            while let Some((number, ms)) = self.clients.later.pop() {
                self.defer(Alarm::Reader(number), ms);
            }
            let Some(channel) = self.channels.all.get_mut(&index) else { return };
            match delivered {
                Delivered::More => {}
                Delivered::Enough => return self.channels.queue.push_back(index),
                Delivered::All => return channel.dirty = false,
                Delivered::Later(ms) => {
                    channel.dirty = false;
                    return self.defer(Alarm::Channel(index), ms);
                }
            }
        }
    }

    /// Serves one reader: what it has not got, as far as its connection takes it.
    pub fn serve(&mut self, attachment: &'static Attachment, number: u32) {
        self.clients.serving = Some(number);
        let until = sys::clock::monotonic_us() + ROUNDS_US;
        for round in 0..ROUNDS {
            if round > 0 && sys::clock::monotonic_us() >= until {
                break;
            }
            match self.serve_batch(attachment, number) {
                Served::More => {}
                Served::All => return self.clients.serving = None,
                Served::Later(ms) => {
                    self.clients.serving = None;
                    return self.serve_later(number, ms);
                }
            }
        }
        self.clients.serving = None;
        self.clients.wait(number);
    }

    /// A reader that is up to date is served with its channel: thousands need one alarm.
    fn serve_later(&mut self, number: u32, ms: u64) {
        let Some(reader) = self.clients.readers.get(number as usize) else { return };
        let single = reader.membership.single().map(|id| id.index());
        let up_to_date = |index: &u32| {
            self.channels.all.get(index).is_some_and(|channel| reader.cursor >= channel.cursor)
        };
        match single.filter(up_to_date) {
            Some(index) => self.defer(Alarm::Channel(index), ms),
            None => self.defer(Alarm::Reader(number), ms),
        }
    }

    fn serve_batch(&mut self, attachment: &'static Attachment, number: u32) -> Served {
        let (seen, none) = (self.seen, P::Channel::default());
        let Some(reader) = self.clients.readers.get(number as usize) else { return Served::All };
        let single = reader.membership.single();
        let channel = single.and_then(|id| self.channels.all.get(&id.index()));
        let channel = channel.map_or(&none, |channel| &channel.own);
        let Some(mut to) = self.clients.to(attachment, number, channel) else {
            return Served::All;
        };
        // One that lingers has got everything. Woken, it would be served, and woken again.
        if to.outlet.is_lingering() {
            return Served::All;
        }
        let served = advance(&mut to, seen);
        if to.outlet.is_over() {
            to.outlet.io().wake();
            return Served::All;
        }
        match served {
            Served::More if to.outlet.blocked_since().is_some() => Served::All,
            served => served,
        }
    }
}

/// Does the next thing that is due for a reader: the rest of a record, what waits on its connection, then what it has
/// not got. Changes up to `seen` are known.
fn advance<P: Protocol>(to: &mut To<'_, P>, seen: u64) -> Served {
    if to.outlet.blocked_since().is_some() || to.outlet.is_lingering() || to.outlet.is_broken() {
        return Served::All;
    }
    if let Some((seq, sent)) = to.outlet.link.unfinished() {
        return finish(to, seq, sent);
    }
    if !to.outlet.flush() || to.outlet.is_closing() {
        return Served::All;
    }
    let zone = to.attachment.zone();
    // Of several channels only those that changed were looked at: they are all that there are up to the last change that is known.
    let complete = match &to.reader.membership.route {
        Route::Channel { .. } => zone.newest(),
        Route::Waiting(_) => seen,
        Route::Several(several) => several.complete.max(seen),
    };
    let Some(reading) = read(to, complete) else { return Served::More };
    match reading {
        Reading::Batch(batch) => {
            let given = match batch.records().first() {
                Some(first) if first.is_whole() || P::takes_parts(&to.outlet.link) => {
                    match P::view(&batch, to.channel, || zone.now()) {
                        Ok(mut view) => P::give(to, &mut view),
                        Err(ms) => return Served::Later(ms),
                    }
                }
                Some(first) => {
                    let record = first.clone();
                    let channel = to.reader.membership.channel_of(record.seq);
                    let bytes = channel.and_then(|id| long::whole(to.attachment, id, batch));
                    // Else it is gone meanwhile; the next look tells of the gap.
                    let Some(bytes) = bytes else { return Served::More };
                    P::give(to, &mut P::view_long(&record, &bytes))
                }
                None => return Served::All,
            };
            given.map_or_else(Served::Later, |()| Served::More)
        }
        Reading::Lagged { upto } => {
            to.counts.lagged += 1;
            P::lagged(to, upto);
            Served::More
        }
        Reading::Nothing => {
            to.reader.cursor = to.reader.cursor.max(complete);
            P::caught_up(to);
            if to.outlet.unsent.is_empty() { Served::All } else { Served::More }
        }
        Reading::Torn => {
            to.outlet.give_up();
            Served::All
        }
    }
}

/// Goes on in the middle of a record.
fn finish<P: Protocol>(to: &mut To<'_, P>, seq: u64, sent: usize) -> Served {
    let attachment = to.attachment;
    let channel = to.reader.membership.channel_of(seq);
    match channel.map(|id| attachment.read_rest(&[id], seq, sent)) {
        Some(Reading::Batch(batch)) => {
            match P::view(&batch, to.channel, || attachment.zone().now()) {
                Ok(mut view) => {
                    P::give(to, &mut view).map_or_else(Served::Later, |()| Served::More)
                }
                Err(ms) => Served::Later(ms),
            }
        }
        // Half a record has gone out, and the other half is no more: the client will come back for the one that it has not
        // got.
        _ => {
            to.outlet.give_up();
            Served::All
        }
    }
}

/// What a reader has not got, up to `complete` if it has several channels.
fn read<P: Protocol>(to: &mut To<'_, P>, complete: u64) -> Option<Reading<'static>> {
    let (attachment, reader) = (to.attachment, &mut *to.reader);
    let limits = ReadLimits { told: reader.told, ..P::BEHIND };
    let Membership { route, .. } = &mut reader.membership;
    match route {
        Route::Channel { id, .. } => Some(attachment.read(&[*id], reader.cursor, None, limits)),
        Route::Waiting(_) => Some(Reading::Nothing),
        Route::Several(several) if several.pending.is_done(reader.cursor) => Some(Reading::Nothing),
        Route::Several(several) => {
            let limits = ReadLimits { upto: complete, ..limits };
            let most = P::history(&to.outlet.link);
            attachment.read_merged(&mut several.pending, reader.cursor, limits, most)
        }
    }
}

/// Gives a channel's next batch to all who are up to date.
fn deliver_batch<P: Protocol>(
    channel: &mut Channel<P::Channel>,
    clients: &mut Clients<P>,
    attachment: &'static Attachment,
    budget: &mut usize,
) -> Delivered {
    if *budget == 0 {
        return Delivered::Enough;
    }
    *budget -= 1;
    let before = channel.cursor;
    let (from, upto) = channel.walk.take().unwrap_or((0, u64::MAX));
    let limits = ReadLimits { upto, ..ReadLimits::default() };
    match attachment.read(&[channel.id], before, Some(&mut channel.hint), limits) {
        Reading::Batch(batch) if batch.records().first().is_some_and(|first| first.is_whole()) => {
            let zone = attachment.zone();
            let mut view = match P::view(&batch, &channel.own, || zone.now()) {
                Ok(view) => view,
                Err(ms) => return Delivered::Later(ms),
            };
            P::seen(&mut channel.own, &view);
            let first = batch.records().first().map_or(0, |record| record.seq);
            let last = P::last(&view);
            let span = (before, first, last);
            let Some(next) =
                give_to_all(channel, clients, attachment, &mut view, from, span, budget)
            else {
                channel.cursor = last;
                return Delivered::More;
            };
            // The others' turn; then on, with the same batch.
            channel.hint = broadcast::Hint::default();
            channel.walk = Some((next, last));
            Delivered::Enough
        }
        // A long record, or a place that is gone: each for itself.
        Reading::Batch(batch) => {
            channel.hint = broadcast::Hint::default();
            channel.cursor = batch.records().first().map_or(before, |record| record.seq);
            channel.singles.iter().for_each(|&number| clients.wait(number));
            Delivered::More
        }
        Reading::Lagged { upto } => {
            channel.cursor = upto;
            channel.singles.iter().for_each(|&number| clients.wait(number));
            Delivered::More
        }
        Reading::Nothing | Reading::Torn => Delivered::All,
    }
}

/// Walks over a channel's readers. Gives where to go on, if the budget is used up.
fn give_to_all<P: Protocol>(
    channel: &Channel<P::Channel>,
    clients: &mut Clients<P>,
    attachment: &'static Attachment,
    view: &mut P::View<'_>,
    from: usize,
    (before, first, last): (u64, u64, u64),
    budget: &mut usize,
) -> Option<usize> {
    for (at, &number) in channel.singles.iter().enumerate().skip(from) {
        if *budget == 0 {
            return Some(at);
        }
        let Some(mut to) = clients.to(attachment, number, &channel.own) else { continue };
        let (cursor, waits) = (to.reader.cursor, to.reader.waiting);
        // Who is blocked or behind is served by itself.
        if waits || cursor >= last || to.outlet.is_closing() || to.outlet.blocked_since().is_some()
        {
            continue;
        }
        let is_inside = cursor >= first && !P::BEGINS_INSIDE;
        if cursor < before || is_inside || to.outlet.has_rest() {
            clients.wait(number);
            continue;
        }
        *budget -= 1;
        *to.serving = Some(number);
        let given = P::give(&mut to, view);
        *to.serving = None;
        let got_all = to.reader.cursor >= last && !to.outlet.has_rest();
        if to.outlet.is_over() {
            to.outlet.io().wake();
        } else if let Err(ms) = given {
            clients.later.push((number, ms));
        } else if !got_all {
            // The rest is looked at by itself.
            clients.wait(number);
        }
    }
    None
}
