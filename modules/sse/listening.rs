//! What a subscriber's own connection brings: room to write, the end, a client's words, time.

use proto::sse::EventId;
use proto::websocket::Close;

use crate::hub::{Hub, Inner};
use crate::socket::{Held, Last};
use crate::subscriber::Subscriber;

/// Reads from one client in one turn.
const READS: usize = 16;
/// Answers that wait for the disk while the client is listened to.
const MOST_HELD: usize = 64;
/// Bytes that wait for a client while it is listened to.
const MOST_UNSENT: usize = 64 << 10;

impl Hub {
    /// Something happened to a subscriber's connection, or its time has come. `false`: it is over.
    pub fn attend(&'static self, number: u32) -> bool {
        if !self.listen(number) {
            return false;
        }
        let mut inner = self.inner.borrow_mut();
        let inner = &mut *inner;
        let Some(subscriber) = inner.subscribers[number as usize].as_mut() else { return false };
        if subscriber.broken {
            return false;
        }
        let conn = subscriber.session.conn;
        if conn.timed_out() {
            if subscriber.blocked || subscriber.closing || subscriber.silent > 2 {
                return false;
            }
            subscriber.silent += u8::from(subscriber.framing.kind.is_socket());
            // What there is goes out first: then the id that the client may keep is known.
            inner.serve(&self.attachment, number);
            inner.keep_alive(self.attachment.zone().epoch(), number);
        } else if subscriber.blocked && conn.is_writable() {
            subscriber.blocked = false;
            inner.behind -= 1;
        }
        inner.serve(&self.attachment, number);
        match inner.subscriber(number) {
            Some(subscriber) if subscriber.is_over() => subscriber.linger(),
            Some(_) => true,
            None => false,
        }
    }

    /// Takes what the client sends. `false`: the connection is broken.
    fn listen(&'static self, number: u32) -> bool {
        let mut room = [0; 4096];
        for _ in 0..READS {
            match self.read(number, &mut room) {
                Heard::Nothing => return true,
                Heard::Broken => return false,
                // What an event stream's client says is nobody's business.
                Heard::Bytes(count) => self.hear_client(number, &room[..count]),
            }
        }
        // It goes on without a pause: others first.
        if let Some(subscriber) = self.inner.borrow_mut().subscriber(number) {
            subscriber.session.conn.wake();
        }
        true
    }

    fn read(&self, number: u32, room: &mut [u8]) -> Heard {
        let mut inner = self.inner.borrow_mut();
        let inner = &mut *inner;
        let Some(subscriber) = inner.subscribers[number as usize].as_mut() else {
            return Heard::Broken;
        };
        // Who does not take what it is answered, or is not answered yet, is not listened to: answers would pile up.
        let deaf = subscriber.socket.as_ref().is_some_and(|socket| {
            socket.is_stalled()
                || socket.held.len() > MOST_HELD
                || subscriber.unsent.len() > MOST_UNSENT
        });
        if deaf || !subscriber.session.conn.is_readable() {
            return Heard::Nothing;
        }
        match subscriber.session.conn.read(room) {
            Ok(0) if subscriber.framing.kind.is_socket() || subscriber.lingering => Heard::Broken,
            Ok(0) if subscriber.session.conn.is_broken() => Heard::Broken,
            Ok(0) if subscriber.half_closed => Heard::Nothing,
            Ok(0) => {
                // A client may close its half and go on reading. One that has closed both tells so
                // when something is sent to it.
                subscriber.half_closed = true;
                if !subscriber.closing {
                    subscriber.framing.keepalive(&mut inner.gzip, None, &mut subscriber.unsent);
                }
                Heard::Nothing
            }
            Ok(count) => {
                subscriber.silent = 0;
                Heard::Bytes(count)
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Heard::Nothing,
            Err(_) => Heard::Broken,
        }
    }

    /// A WebSocket's client has said something: a pong, a message to publish, good-bye.
    pub fn hear_client(&'static self, number: u32, bytes: &[u8]) {
        let mut inner = self.inner.borrow_mut();
        let Some(subscriber) = inner.subscriber(number) else { return };
        let Some(mut socket) = subscriber.socket.take().filter(|_| !subscriber.closing) else {
            return;
        };
        let settings = subscriber.settings.clone();
        drop(inner);
        let mut out = Vec::new();
        // An append wakes this worker's own hub, too.
        let last = socket.hear(bytes, self.attachment.zone(), &settings, &mut out);
        self.appended(settings.sync);
        let waits = socket.waits_for(&settings);
        let mut inner = self.inner.borrow_mut();
        let Some(subscriber) = inner.subscriber(number) else { return };
        match waits {
            None => subscriber.answer(&mut out, last),
            Some(seq) => socket.held.push_back(Held { seq, answers: out, last }),
        }
        let stalled = socket.is_stalled();
        subscriber.socket = Some(socket);
        drop(inner);
        if waits.is_some() || stalled {
            self.disk.holds_answers.set(true);
            self.sync();
        }
    }

    /// The disk has more than it had: who waits for it is answered.
    pub fn release_answers(&'static self) {
        if !self.disk.holds_answers.get() {
            return;
        }
        let (synced, failed) = (self.attachment.zone().synced(), self.disk.has_failed());
        let (mut inner, mut more, mut stalled) = (self.inner.borrow_mut(), false, Vec::new());
        for (number, subscriber) in inner.subscribers.iter_mut().enumerate() {
            let Some(subscriber) = subscriber else { continue };
            let Some(mut socket) = subscriber.socket.take() else { continue };
            let before = socket.held.len();
            while socket.held.front().is_some_and(|held| held.seq <= synced)
                && let Some(mut held) = socket.held.pop_front()
            {
                subscriber.answer(&mut held.answers, held.last);
            }
            if failed && (!socket.held.is_empty() || socket.is_stalled()) {
                socket.forget();
                subscriber.end(Close::TryAgain);
            }
            more |= !socket.held.is_empty();
            if socket.is_stalled() {
                stalled.push(number as u32);
            }
            if socket.held.len() != before {
                subscriber.session.conn.wake();
            }
            subscriber.socket = Some(socket);
        }
        drop(inner);
        self.disk.holds_answers.set(more);
        if more {
            self.sync();
        }
        // There is room again: they go on where they had to stop.
        stalled.into_iter().for_each(|number| self.hear_client(number, &[]));
    }
}

impl Subscriber {
    /// Answers what a WebSocket's client has said.
    fn answer(&mut self, answers: &mut Vec<u8>, last: Option<Last>) {
        self.unsent.append(answers);
        match last {
            None => {}
            // The answer to its close is in the output already.
            Some(Last::Closed) => {
                self.closing = true;
                self.set_timeout();
            }
            Some(Last::Close(why)) => self.end(why),
        }
    }
}

/// What came from a client.
enum Heard {
    Nothing,
    Bytes(usize),
    Broken,
}

impl Inner {
    /// A sign of life. To a reader of a quiet channel it brings an id: one that comes back with an old
    /// one after long would be told of a gap that is none of its.
    fn keep_alive(&mut self, epoch: u32, number: u32) {
        let Some(subscriber) = self.subscribers[number as usize].as_mut() else { return };
        let up_to_date = subscriber.partial.0 == 0 && !subscriber.blocked;
        let moved = up_to_date && subscriber.cursor > subscriber.shown;
        let id = EventId { epoch, seq: subscriber.cursor };
        if moved {
            subscriber.shown = subscriber.cursor;
        }
        let id = moved.then_some(id);
        subscriber.framing.keepalive(&mut self.gzip, id, &mut subscriber.unsent);
        subscriber.set_timeout();
    }
}
