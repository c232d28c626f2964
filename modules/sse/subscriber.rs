//! A subscriber: a connection, a cursor, and what of an event it has got.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use broadcast::{Attachment, ChannelId};
use http::{Session, Takeover};
use rt::{Next, Task};
use sys::socket::Peer;

use crate::conf::Settings;
use crate::framing::{Framing, Kind};
use crate::hub::{Hub, Membership};
use crate::publish::{self, Event};
use crate::websocket::{Close, Inbound, Said};

/// Reads from one client in one turn.
const READS: usize = 16;
/// Milliseconds: a month.
const QUIET: u64 = 30 * 86_400_000;

/// Which channels a subscriber has.
pub enum Route {
    /// One: it gets the batches that are read for all of the channel's.
    Single {
        /// The channel.
        id: ChannelId,
        /// Its place in the channel's list.
        at: u32,
    },
    /// Several, or patterns.
    Many(Box<Many>),
}

/// Several channels.
#[derive(Default)]
pub struct Many {
    /// By name.
    pub channels: Box<[ChannelId]>,
    /// By the beginnings of their names.
    pub prefixes: Box<[Vec<u8>]>,
    /// Every event that it has not got is in one of these.
    pub pending: BTreeSet<ChannelId>,
    /// That holds for events up to this seq, and for those that were heard of since.
    pub complete: u64,
}

/// One subscriber.
pub struct Subscriber {
    /// The connection, and its log line to come.
    pub session: Session,
    /// Its location's.
    pub settings: Rc<Settings>,
    /// What it reads.
    pub route: Route,
    /// How it is written to.
    pub framing: Framing,
    /// It has got everything up to here.
    pub cursor: u64,
    /// It knows that events up to here may be gone.
    pub told: u64,
    /// The event that it is in the middle of (0: none), and how many of its bytes it has.
    pub partial: (u64, u32),
    /// Bytes that are not the log's, or not as the log has them, and are still to be sent.
    pub unsent: Vec<u8>,
    /// The socket takes nothing now.
    pub blocked: bool,
    /// It is among those that are served one by one.
    pub waiting: bool,
    /// When everything is sent, the connection is closed.
    pub closing: bool,
    /// The connection is over.
    pub broken: bool,
    /// The client will send nothing more.
    pub half_closed: bool,
    /// Pings that were not answered.
    pub silent: u8,
    /// What a WebSocket's client says, and the channel that it publishes to.
    pub socket: Option<Box<Socket>>,
    /// Its place in the zone's counts, given back with it.
    pub _membership: Membership,
}

/// The part of a WebSocket that listens.
pub struct Socket {
    /// The codec, once the client has said something.
    pub inbound: Option<Inbound>,
    /// The channel; `None`: the client may not publish.
    pub publish: Option<Vec<u8>>,
}

impl Subscriber {
    /// Looks for everything anew; `true`: it is one with several channels.
    pub fn expect_everything(&mut self, attachment: &Attachment) -> bool {
        let Route::Many(many) = &mut self.route else { return false };
        // Before the look, not after it.
        many.complete = attachment.zone().newest();
        many.pending.extend(many.channels.iter().copied());
        for prefix in &many.prefixes {
            many.pending.extend(attachment.zone().matching(prefix, self.cursor));
        }
        true
    }

    /// The connection's next deadline, for a kind of quiet. Spread, so that those who were written to
    /// together do not all get their comment together.
    pub fn set_timeout(&self) {
        let settings = &self.settings;
        let time = match self.blocked || self.closing {
            true => settings.send_timeout,
            false => {
                let spread = self.session.conn.serial().wrapping_mul(0x9e37_79b9) % 128;
                settings.keepalive - settings.keepalive * spread / 1024
            }
        };
        // Without keep-alives nothing is due for long.
        self.session.conn.set_timeout(if time > 0 { time } else { QUIET });
    }
}

/// A stream that is about to begin: its head and its first bytes are on their way.
pub struct Stream {
    /// The hub that will serve it.
    pub hub: &'static Hub,
    /// Its place in the counts.
    pub membership: Membership,
    /// Beginnings of names.
    pub prefixes: Vec<Vec<u8>>,
    /// Its location's settings.
    pub settings: Rc<Settings>,
    /// With what has been written so far.
    pub framing: Framing,
    /// Where it begins.
    pub cursor: u64,
    /// A WebSocket's first message: it must not go out before the handshake's answer.
    pub first: Vec<u8>,
    /// A WebSocket's ear.
    pub socket: Option<Box<Socket>>,
}

impl Takeover for Stream {
    fn start(self: Box<Self>, mut session: Session) -> Task {
        let Stream { hub, membership, prefixes, settings, framing, cursor, first, socket } = *self;
        // A client that has vanished acknowledges nothing: the kernel would go on for a quarter of an hour.
        if matches!(session.conn.peer(), Peer::Inet(_)) && settings.send_timeout > 0 {
            let ms = settings.send_timeout.min(u64::from(u32::MAX)) as u32;
            let _ = sys::socket::set_user_timeout(session.conn.fd(), ms);
        }
        let route = match membership.channels() {
            [id] if prefixes.is_empty() => Route::Single { id: *id, at: 0 },
            channels => {
                Route::Many(Box::new(Many { channels: channels.into(), ..Many::default() }))
            }
        };
        let input = std::mem::take(&mut session.input);
        let mut subscriber = Subscriber {
            session,
            settings,
            route,
            framing,
            cursor,
            told: 0,
            partial: (0, 0),
            unsent: first,
            blocked: false,
            waiting: false,
            closing: false,
            broken: false,
            half_closed: false,
            silent: 0,
            socket,
            _membership: membership,
        };
        if let Route::Many(many) = &mut subscriber.route {
            many.prefixes = prefixes.as_slice().into();
        }
        subscriber.expect_everything(&hub.attachment);
        subscriber.set_timeout();
        let number = hub.add(subscriber, &prefixes);
        if !input.is_empty() {
            hub.hear_client(number, &input);
        }
        Box::pin(Subscription { hub, number })
    }
}

/// A subscriber's task: what its own connection brings. Dropping it ends the subscription.
struct Subscription {
    hub: &'static Hub,
    number: u32,
}

impl Future for Subscription {
    type Output = Next;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Next> {
        match self.hub.attend(self.number) {
            true => Poll::Pending,
            false => Poll::Ready(Next::Close),
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.hub.remove(self.number);
    }
}

impl Hub {
    /// Something happened to a subscriber's connection, or its time has come. `false`: it is over.
    fn attend(&'static self, number: u32) -> bool {
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
            subscriber.framing.keepalive(&mut inner.gzip, &mut subscriber.unsent);
            subscriber.set_timeout();
        }
        if subscriber.blocked && conn.is_writable() {
            subscriber.blocked = false;
            inner.behind -= 1;
        }
        inner.serve(&self.attachment, number);
        inner.subscriber(number).is_some_and(|subscriber| !subscriber.is_over())
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
        if !subscriber.session.conn.is_readable() {
            return Heard::Nothing;
        }
        match subscriber.session.conn.read(room) {
            Ok(0) if subscriber.framing.kind.is_socket() => Heard::Broken,
            Ok(0) if subscriber.session.conn.is_broken() => Heard::Broken,
            Ok(0) if subscriber.half_closed => Heard::Nothing,
            Ok(0) => {
                // A client may close its half and go on reading. One that has closed both tells so
                // when something is sent to it.
                subscriber.half_closed = true;
                if !subscriber.closing {
                    subscriber.framing.keepalive(&mut inner.gzip, &mut subscriber.unsent);
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
        let (mut out, mut last) = (Vec::new(), None);
        let Socket { inbound, publish } = &mut *socket;
        let inbound = inbound.get_or_insert_with(|| Inbound::new(settings.max_message));
        inbound.feed(bytes, &mut out, |said| match said {
            _ if last.is_some() => {}
            Said::Closed => last = Some(None),
            Said::Fault(why) => last = Some(Some(why)),
            Said::Message(data) => match publish {
                None => last = Some(Some(Close::Policy)),
                Some(channel) => {
                    let zone = self.attachment.zone();
                    let published = publish::append(zone, &settings, channel, &Event::of(&data));
                    if published.is_err() {
                        last = Some(Some(Close::TryAgain));
                    }
                }
            },
        });
        let mut inner = self.inner.borrow_mut();
        let Some(subscriber) = inner.subscriber(number) else { return };
        subscriber.unsent.append(&mut out);
        subscriber.socket = Some(socket);
        match last {
            None => {}
            // The answer to its close is in the output already.
            Some(None) => subscriber.closing = true,
            Some(Some(why)) => subscriber.end(why),
        }
    }
}

/// What came from a client.
enum Heard {
    Nothing,
    Bytes(usize),
    Broken,
}

impl Subscriber {
    /// Whether nothing more will come of it.
    pub fn is_over(&self) -> bool {
        self.broken || (self.closing && self.unsent.is_empty() && self.partial.0 == 0)
    }

    /// Ends the stream when what is due is sent; a WebSocket is told why.
    pub fn end(&mut self, why: Close) {
        if self.closing {
            return;
        }
        self.closing = true;
        match self.framing.kind {
            Kind::SocketData | Kind::SocketEvents => {
                crate::websocket::close(why, &mut self.unsent);
            }
            _ => self.framing.close(&mut self.unsent),
        }
    }
}
