//! From an answer's head to a subscriber with a task of its own.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use broadcast::From;
use http::{Session, Takeover};
use rt::{Next, Task};
use sys::socket::Peer;

use crate::channels::Selection;
use crate::framing::Framing;
use crate::hub::Hub;
use crate::membership::Membership;
use crate::settings::Settings;
use crate::socket::Socket;
use crate::subscriber::{Many, Route, Subscriber};

/// A stream that is about to begin: its head and its first bytes are on their way.
pub struct Stream {
    /// The hub that will serve it.
    pub hub: &'static Hub,
    /// Its place in the counts.
    pub membership: Membership,
    /// What it reads.
    pub selection: Selection,
    /// Its location's settings.
    pub settings: Rc<Settings>,
    /// With what has been written so far.
    pub framing: Framing,
    /// Where it begins.
    pub cursor: u64,
    /// Where it begins in each of several channels.
    pub from: From,
    /// What is gone up to here it has not lost.
    pub told: u64,
    /// A WebSocket's first message: it must not go out before the handshake's answer.
    pub first: Vec<u8>,
    /// A WebSocket's ear.
    pub socket: Option<Box<Socket>>,
}

impl Takeover for Stream {
    fn start(self: Box<Self>, mut session: Session) -> Task {
        let Stream { hub, membership, selection, settings, framing, .. } = *self;
        let Stream { cursor, from, told, first, socket, .. } = *self;
        // A client that has vanished acknowledges nothing: the kernel would go on for a quarter of an hour.
        if matches!(session.conn.peer(), Peer::Inet(_)) && settings.send_timeout > 0 {
            let ms = settings.send_timeout.min(u64::from(u32::MAX)) as u32;
            let _ = sys::socket::set_user_timeout(session.conn.fd(), ms);
        }
        let route = match (membership.channels(), membership.waiting()) {
            ([id], []) if selection.prefixes.is_empty() => Route::Single { id: *id, at: 0 },
            ([], [_]) if selection.prefixes.is_empty() => Route::Waiting,
            (channels, waiting) => Route::Many(Box::new(Many {
                channels: channels.into(),
                waiting: waiting.len(),
                prefixes: selection.prefixes.into(),
                ..Many::default()
            })),
        };
        let input = std::mem::take(&mut session.input);
        let mut subscriber = Subscriber {
            session,
            settings,
            route,
            framing,
            cursor,
            told,
            shown: cursor,
            partial: (0, 0),
            unsent: first,
            blocked: false,
            waiting: false,
            closing: false,
            lingering: false,
            broken: false,
            half_closed: false,
            silent: 0,
            socket,
            membership,
        };
        subscriber.expect_everything(&hub.attachment, from);
        subscriber.set_timeout();
        let number = hub.add(subscriber);
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
