//! Delivery: the news of a channel to all who are up to date, and to the others one by one.

use broadcast::{Attachment, Batch, END, Limits, Reading};

use crate::framing::{FRAMED, Framed};
use crate::hub::Inner;

/// Writes in one turn, before other connections get theirs.
const WRITES: usize = 4096;
/// Microseconds of a turn for those who are served one by one: batches of many channels take their time.
const TURN_US: u64 = 4000;
/// Batches that one subscriber gets in a row, and how long they may take.
const ROUNDS: usize = 8;
const ROUNDS_US: u64 = 1000;

impl Inner {
    /// Delivers what is due, within a turn's budget.
    pub fn deliver(&mut self, attachment: &Attachment) {
        // Each gets its share of a turn: a busy channel must not keep those waiting who are served one
        // by one.
        let mut budget = WRITES / 2;
        while budget > 0
            && let Some(index) = self.dirty.pop_front()
        {
            self.deliver_channel(attachment, index, &mut budget);
        }
        let until = sys::clock::monotonic_us() + TURN_US;
        for _ in 0..self.waiting.len().min(WRITES / 2) {
            let Some(number) = self.waiting.pop_front() else { return };
            if let Some(subscriber) = self.subscriber(number) {
                subscriber.waiting = false;
                self.serve(attachment, number);
            }
            if sys::clock::monotonic_us() >= until {
                return;
            }
        }
    }

    /// Gives the channel's next batches to all who are up to date.
    fn deliver_channel(&mut self, attachment: &Attachment, index: u32, budget: &mut usize) {
        loop {
            let Some(channel) = self.channels.get_mut(&index) else { return };
            let before = channel.cursor;
            let (from, records) = channel.walk.take().unwrap_or((0, usize::MAX));
            let default = Limits::default();
            let limits = Limits { records: records.min(default.records), ..default };
            match attachment.read(&[channel.id], before, Some(&mut channel.hint), limits) {
                Reading::Batch(batch) if batch.records()[0].is_whole() => {
                    let (Some(first), Some(last)) =
                        (batch.records().first(), batch.records().last())
                    else {
                        return;
                    };
                    let span = (before, first.seq, last.seq);
                    let next = self.give_to_all(&batch, index, from, span, budget);
                    let (last, records) = (last.seq, batch.records().len());
                    drop(batch);
                    let Some(channel) = self.channels.get_mut(&index) else { return };
                    match next {
                        None => channel.cursor = last,
                        Some(next) => {
                            // The others' turn; then on, with the same batch.
                            channel.hint = broadcast::Hint::default();
                            channel.walk = Some((next, records));
                            self.dirty.push_back(index);
                            return;
                        }
                    }
                }
                // A long event, or a place that is gone: each for itself.
                Reading::Batch(batch) => {
                    let seq = batch.records()[0].seq;
                    channel.hint = broadcast::Hint::default();
                    drop(batch);
                    self.each_for_itself(index, seq);
                }
                Reading::Lagged { upto } => self.each_for_itself(index, upto),
                Reading::Nothing | Reading::Torn => {
                    channel.dirty = false;
                    return;
                }
            }
        }
    }

    fn each_for_itself(&mut self, index: u32, cursor: u64) {
        let Some(channel) = self.channels.get_mut(&index) else { return };
        channel.cursor = cursor;
        let singles = std::mem::take(&mut channel.singles);
        singles.iter().for_each(|&number| self.wait(number));
        if let Some(channel) = self.channels.get_mut(&index) {
            channel.singles = singles;
        }
    }

    /// Walks over the channel's subscribers. Gives where to go on, if the budget is used up.
    fn give_to_all(
        &mut self,
        batch: &Batch<'_>,
        index: u32,
        from: usize,
        (before, first, last): (u64, u64, u64),
        budget: &mut usize,
    ) -> Option<usize> {
        let channel = self.channels.get_mut(&index)?;
        let singles = std::mem::take(&mut channel.singles);
        let mut framed: [Option<Framed>; FRAMED] = Default::default();
        let mut next = None;
        for (at, &number) in singles.iter().enumerate().skip(from) {
            if *budget == 0 {
                next = Some(at);
                break;
            }
            let Some(subscriber) = self.subscribers[number as usize].as_mut() else { continue };
            // Who is blocked or behind is served by itself.
            if subscriber.blocked || subscriber.waiting || subscriber.closing {
                continue;
            }
            if subscriber.cursor >= last || subscriber.cursor < before {
                continue;
            }
            if subscriber.cursor >= first || !subscriber.unsent.is_empty() {
                self.wait(number);
                continue;
            }
            *budget -= 1;
            let slot = &mut framed[subscriber.framing.kind.index()];
            let sent = subscriber.give(batch, slot, &mut self.gzip);
            self.counts.0 += batch.records().len() as u64;
            self.counts.1 += sent as u64;
            self.behind += u32::from(subscriber.blocked);
            let got_all = subscriber.cursor == last && subscriber.unsent.is_empty();
            let ended = batch.records().last().is_some_and(|record| record.flags & END != 0);
            if subscriber.broken {
                subscriber.session.conn.wake();
            } else if !got_all || ended {
                // The rest, and what follows an end, is looked at by itself.
                self.wait(number);
            }
        }
        if let Some(channel) = self.channels.get_mut(&index) {
            channel.singles = singles;
        }
        next
    }

    /// Serves one subscriber: what it has not got, as far as its socket takes it.
    pub fn serve(&mut self, attachment: &Attachment, number: u32) {
        let until = sys::clock::monotonic_us() + ROUNDS_US;
        for round in 0..ROUNDS {
            if round > 0 && sys::clock::monotonic_us() >= until {
                break;
            }
            let Some(subscriber) = self.subscribers[number as usize].as_mut() else { return };
            // One that lingers has got everything, and waits for the client's end alone.
            if subscriber.blocked || subscriber.broken || subscriber.lingering {
                return;
            }
            let more = subscriber.advance(attachment, &mut self.gzip, &mut self.counts, self.seen);
            self.behind += u32::from(subscriber.blocked);
            if subscriber.is_over() {
                subscriber.session.conn.wake();
            }
            if !more {
                return;
            }
        }
        self.wait(number);
    }
}
