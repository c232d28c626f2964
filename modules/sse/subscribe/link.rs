//! What a subscriber's connection has, beside what waits to be sent.

use std::rc::Rc;

use http::Session;
use proto::websocket::Close;
use rt::Io;

use crate::settings::values::Settings;
use crate::subscribe::framing::{Framing, StreamFormat};
use crate::subscribe::socket::Socket;

/// How long the client's own end is waited for, in milliseconds.
const LINGER: u64 = 2000;
/// Milliseconds: a month.
const QUIET: u64 = 30 * 86_400_000;

/// A subscriber's connection.
pub type Outlet = live::Outlet<Link>;

const _: () = assert!(size_of::<Outlet>() <= 112, "there are as many as there are subscribers");

/// What it has.
pub struct Link {
    /// Its log line to come.
    pub session: Session,
    /// Its location's.
    pub settings: Rc<Settings>,
    /// How it is written to.
    pub framing: Framing,
    /// The event in the middle of which it is; 0: none.
    pub partial: u64,
    /// How many bytes of that have gone out.
    pub partial_sent: u32,
    /// The client will send nothing more.
    pub half_closed: bool,
    /// Pings that were not answered.
    pub silent: u8,
    /// What a WebSocket's client says, and the channel that it publishes to.
    pub socket: Option<Box<Socket>>,
}

impl Link {
    /// Of a stream that begins.
    pub fn new(
        session: Session,
        settings: Rc<Settings>,
        framing: Framing,
        socket: Option<Box<Socket>>,
    ) -> Link {
        let (partial, partial_sent, half_closed, silent) = (0, 0, false, 0);
        Link { session, settings, framing, partial, partial_sent, half_closed, silent, socket }
    }
}

impl live::Link for Link {
    fn io(&self) -> Io {
        self.session.io
    }

    /// Sets the connection's next deadline, for a kind of quiet. Spread, so that those who were written to together do not
    /// all get their comment together.
    fn wrote(&mut self, sent: usize, waits: bool) {
        let conn = self.session.io;
        self.session.count_sent(sent);
        let settings = &self.settings;
        let time = match waits {
            true => settings.send_timeout,
            false => {
                let spread = conn.serial().wrapping_mul(0x9e37_79b9) % 128;
                settings.keepalive - settings.keepalive * spread / 1024
            }
        };
        // Without keep-alives nothing is due for long.
        conn.set_timeout(if time > 0 { time } else { QUIET });
    }

    fn unfinished(&self) -> Option<(u64, usize)> {
        (self.partial != 0).then_some((self.partial, self.partial_sent as usize))
    }
}

/// Closes our half, and waits a little for the client's. `false`: it is over.
pub fn linger(outlet: &mut Outlet) -> bool {
    if outlet.is_broken() || outlet.link.half_closed {
        return false;
    }
    if !outlet.is_lingering() {
        outlet.linger();
        outlet.io().set_timeout(LINGER);
    }
    true
}

/// Ends the stream when what is due is sent; a WebSocket is told why.
pub fn end(outlet: &mut Outlet, why: Close) {
    if outlet.is_closing() {
        return;
    }
    match outlet.link.framing.kind {
        StreamFormat::SocketData | StreamFormat::SocketEvents => {
            proto::websocket::close(why, &mut outlet.unsent);
        }
        _ => outlet.link.framing.close(&mut outlet.unsent),
    }
    outlet.close();
}
