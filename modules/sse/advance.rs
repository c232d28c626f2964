//! One subscriber's way: the rest of an event, what waits for it, then what it has not got.

use std::io::{self, ErrorKind};

use broadcast::{Attachment, Batch, ChannelId, END, Limits, Reading, RecordRef, Start};
use proto::sse::EventId;
use proto::websocket::Close;
use rt::Conn;

use crate::cursor::Lost;
use crate::framing::Framed;
use crate::gzip::Gzip;
use crate::record;
use crate::settings::Lag;
use crate::subscriber::{Route, Subscriber};

impl Subscriber {
    /// Does the next thing that is due. `false`: nothing is, or the socket takes nothing.
    pub fn advance(
        &mut self,
        attachment: &Attachment,
        gzip: &mut Gzip,
        counts: &mut (u64, u64, u64),
        seen: u64,
    ) -> bool {
        if self.partial.0 != 0 {
            return self.finish_event(attachment, counts);
        }
        if !self.unsent.is_empty() {
            let bytes = std::mem::take(&mut self.unsent);
            self.write(bytes);
            return !self.blocked && !self.broken;
        }
        if self.closing {
            return false;
        }
        // Of several channels only those with news were looked at: they are all that there are up to
        // the news that were heard.
        let complete = match &self.route {
            Route::Single { .. } => attachment.zone().newest(),
            Route::Waiting => seen,
            Route::Many(many) => many.complete.max(seen),
        };
        let Some(reading) = self.read(attachment, complete) else { return true };
        match reading {
            Reading::Batch(batch) => {
                let whole = batch.records()[0].is_whole();
                let ended = batch.records().last().is_some_and(|record| record.flags & END != 0);
                if whole || self.framing.kind.is_raw() {
                    counts.0 += batch.records().len() as u64;
                    counts.1 += self.give(&batch, &mut None, gzip) as u64;
                } else {
                    let record = batch.records()[0].clone();
                    let channel = self.channel_of(record.seq);
                    let bytes = channel.and_then(|id| live::whole(attachment, id, batch));
                    // Else it is gone meanwhile; the next look tells of the gap.
                    if let Some(bytes) = bytes {
                        self.give_long(&record, &bytes, gzip, counts);
                    }
                }
                if ended && self.partial.0 == 0 {
                    self.end_if_over(attachment);
                }
                !self.blocked && !self.broken
            }
            Reading::Lagged { upto } => {
                counts.2 += 1;
                self.lag(attachment, upto, gzip);
                true
            }
            Reading::Nothing => {
                self.cursor = self.cursor.max(complete);
                self.end_if_over(attachment);
                !self.unsent.is_empty()
            }
            Reading::Torn => {
                self.broken = true;
                false
            }
        }
    }

    fn read<'a>(&mut self, attachment: &'a Attachment, complete: u64) -> Option<Reading<'a>> {
        match &mut self.route {
            Route::Single { id, .. } => {
                let limits = Limits { told: self.told, ..Limits::default() };
                Some(attachment.read(&[*id], self.cursor, None, limits))
            }
            Route::Waiting => Some(Reading::Nothing),
            Route::Many(many) if many.pending.is_empty() => Some(Reading::Nothing),
            Route::Many(many) => {
                let limits = Limits { upto: complete, told: self.told, ..Limits::default() };
                let most = self.settings.max_history;
                attachment.read_merged(&mut many.pending, self.cursor, limits, most)
            }
        }
    }

    fn end_if_over(&mut self, attachment: &Attachment) {
        let over = match &self.route {
            Route::Single { id, .. } => attachment.is_over(&[*id], self.cursor),
            Route::Waiting => false,
            Route::Many(many) => {
                let all = many.prefixes.is_empty() && many.waiting == 0;
                all && attachment.is_over(&many.channels, self.cursor)
            }
        };
        if over {
            self.end(Close::Normal);
        }
    }

    /// Writes a batch: as it lies, or framed (by whoever was first in this batch). Gives the bytes
    /// that were sent.
    pub fn give(
        &mut self,
        batch: &Batch<'_>,
        framed: &mut Option<Framed>,
        gzip: &mut Gzip,
    ) -> usize {
        let kind = self.framing.kind;
        if kind.is_raw() {
            let sent = self.attempt(|conn| conn.write(batch.slices(), false));
            self.take_in(batch.records(), sent);
            return sent;
        }
        let framed = framed.get_or_insert_with(|| {
            let mut framed = Framed::default();
            let mut record = Vec::new();
            for found in batch.records().iter().filter(|record| record.is_whole()) {
                record.clear();
                batch.copy(found, &mut record);
                framed.add(kind, gzip, found, &record);
            }
            framed
        });
        self.framing.sent(framed);
        if let Some(last) = batch.records().iter().rfind(|record| record.is_whole()) {
            self.cursor = last.seq;
        }
        let sent = self.attempt(|conn| conn.write(&[io::IoSlice::new(&framed.bytes)], false));
        self.keep_unsent(&framed.bytes[sent..]);
        sent
    }

    /// A long event, for a client that cannot take it as it lies.
    fn give_long(
        &mut self,
        record: &RecordRef,
        bytes: &[u8],
        gzip: &mut Gzip,
        counts: &mut (u64, u64, u64),
    ) {
        let mut framed = Framed::default();
        framed.add(self.framing.kind, gzip, record, bytes);
        self.framing.sent(&framed);
        self.cursor = record.seq;
        counts.0 += 1;
        counts.1 += framed.bytes.len() as u64;
        self.write(framed.bytes);
    }

    fn read_rest<'a>(&self, attachment: &'a Attachment, seq: u64, skip: usize) -> Reading<'a> {
        match self.channel_of(seq) {
            Some(id) => attachment.read_rest(&[id], seq, skip),
            None => Reading::Torn,
        }
    }

    /// The channel of the event that it reads next.
    fn channel_of(&self, seq: u64) -> Option<ChannelId> {
        match &self.route {
            Route::Single { id, .. } => Some(*id),
            Route::Waiting => None,
            Route::Many(many) => many.pending.channel_of(seq),
        }
    }

    /// Goes on in the middle of an event.
    fn finish_event(&mut self, attachment: &Attachment, counts: &mut (u64, u64, u64)) -> bool {
        let (seq, offset) = self.partial;
        match self.read_rest(attachment, seq, offset as usize) {
            Reading::Batch(batch) => {
                let sent = self.attempt(|conn| conn.write(batch.slices(), false));
                self.take_in(batch.records(), sent);
                counts.1 += sent as u64;
            }
            // Half an event has gone out, and the other half is no more: the client will come back
            // with the id of the one before.
            _ => self.broken = true,
        }
        !self.blocked && !self.broken
    }

    /// Notes how far a write of these records came.
    fn take_in(&mut self, records: &[RecordRef], mut sent: usize) {
        self.partial = (0, 0);
        for record in records {
            let rest = record.part.len();
            if sent >= rest && record.is_whole() {
                self.cursor = record.seq;
                sent -= rest;
                continue;
            }
            if record.part.start + sent > 0 {
                self.partial = (record.seq, (record.part.start + sent) as u32);
            }
            return;
        }
    }

    /// Writes bytes; what the socket does not take is kept.
    fn write(&mut self, bytes: Vec<u8>) {
        let sent = self.attempt(|conn| conn.write(&[io::IoSlice::new(&bytes)], false));
        self.keep_unsent(&bytes[sent..]);
    }

    fn keep_unsent(&mut self, rest: &[u8]) {
        if !rest.is_empty() && !self.broken {
            self.unsent.splice(0..0, rest.iter().copied());
        }
    }

    /// One write, with what follows from its result. A socket that takes less than all is full.
    fn attempt(&mut self, write: impl FnOnce(Conn) -> io::Result<usize>) -> usize {
        let result = write(self.session.conn);
        let sent = match result {
            Ok(sent) => sent,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.blocked = true;
                0
            }
            Err(_) => {
                self.broken = true;
                0
            }
        };
        self.session.count_sent(sent);
        self.set_timeout();
        sent
    }

    /// Some of what the reader has not got is gone, up to `upto`. Of several channels, what is there
    /// still of the others comes all the same: only the reader of one is at `upto` now.
    pub fn lag(&mut self, attachment: &Attachment, upto: u64, gzip: &mut Gzip) {
        let epoch = attachment.zone().epoch();
        let id = |seq| {
            let mut id = Vec::new();
            EventId { epoch, seq }.write(&mut id, None);
            id
        };
        let requested = id(self.cursor);
        self.told = upto;
        match (self.settings.lag, &self.route) {
            (Lag::Close, _) | (Lag::Gap, Route::Single { .. }) => self.cursor = upto,
            (Lag::Gap, Route::Many(_)) | (_, Route::Waiting) => {}
            (Lag::Latest, Route::Single { id, .. }) => {
                self.cursor = attachment.start(&[*id], Start::Last(1)).0.max(upto);
            }
            (Lag::Latest, Route::Many(many)) => {
                let mut channels = attachment.newest_of(&many.prefixes, 1);
                channels.extend_from_slice(&many.channels);
                self.cursor = attachment.start(&channels, Start::Last(1)).0.max(upto);
            }
        }
        let told = &self.settings.gap_event;
        let gap = record::gap(
            told,
            self.framing.events_alone,
            &requested,
            &id(self.cursor),
            Lost::Evicted,
        );
        self.framing.block(gzip, &gap, &mut self.unsent);
        if self.settings.lag == Lag::Close {
            self.end(Close::TryAgain);
        }
    }
}
