//! A subscriber: a connection, a cursor, and what of an event it has got.

use std::rc::Rc;

use broadcast::{Attachment, ChannelId, From, Merge};
use http::Session;
use proto::websocket::Close;

use crate::framing::{Framing, Kind};
use crate::membership::Membership;
use crate::settings::Settings;
use crate::socket::Socket;

/// How long the client's own end is waited for, in milliseconds.
const LINGER: u64 = 2000;
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
    /// One that nobody has published to: the hub has its name.
    Waiting,
    /// Several, or patterns.
    Many(Box<Many>),
}

/// Several channels.
#[derive(Default)]
pub struct Many {
    /// By name.
    pub channels: Vec<ChannelId>,
    /// How many others it waits for, which do not exist.
    pub waiting: usize,
    /// By the beginnings of their names.
    pub prefixes: Box<[Vec<u8>]>,
    /// Every event that it has not got is in one of these.
    pub pending: Merge,
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
    /// The cursor at the last keep-alive: the client keeps an id that is not older.
    pub shown: u64,
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
    /// Everything is sent, and our half is closed: a close while the client sends would take the end
    /// of the stream along.
    pub lingering: bool,
    /// The connection is over.
    pub broken: bool,
    /// The client will send nothing more.
    pub half_closed: bool,
    /// Pings that were not answered.
    pub silent: u8,
    /// What a WebSocket's client says, and the channel that it publishes to.
    pub socket: Option<Box<Socket>>,
    /// Its place in the zone's counts, given back with it.
    pub membership: Membership,
}

impl Subscriber {
    /// Looks for everything anew; `true`: it is one with several channels.
    pub fn expect_everything(&mut self, attachment: &Attachment, from: From) -> bool {
        let Route::Many(many) = &mut self.route else { return false };
        // Before the look, not after it.
        many.complete = attachment.zone().newest();
        many.channels.iter().for_each(|&id| many.pending.add(id, from));
        many.pending.search(&many.prefixes, from);
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

impl Subscriber {
    /// Whether nothing more will come of it.
    pub fn is_over(&self) -> bool {
        self.broken || (self.closing && self.unsent.is_empty() && self.partial.0 == 0)
    }

    /// Closes our half, and waits a little for the client's. `false`: it is over.
    pub fn linger(&mut self) -> bool {
        if self.broken || self.half_closed {
            return false;
        }
        if !std::mem::replace(&mut self.lingering, true) {
            self.session.conn.shutdown_write();
            self.session.conn.set_timeout(LINGER);
        }
        true
    }

    /// Ends the stream when what is due is sent; a WebSocket is told why.
    pub fn end(&mut self, why: Close) {
        if self.closing {
            return;
        }
        self.closing = true;
        // It has time to take what is due: a keep-alive would come too late.
        self.set_timeout();
        match self.framing.kind {
            Kind::SocketData | Kind::SocketEvents => {
                proto::websocket::close(why, &mut self.unsent);
            }
            _ => self.framing.close(&mut self.unsent),
        }
    }
}
