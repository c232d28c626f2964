//! From an answer's head to a subscriber with a task of its own.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use broadcast::From;
use http::{Session, Takeover};
use live::{Membership, Reader};
use rt::{Next, Task};

use crate::settings::values::Settings;
use crate::subscribe::framing::Framing;
use crate::subscribe::link::{Link, Outlet};
use crate::subscribe::listening;
use crate::subscribe::protocol::{Hub, Subscriber};
use crate::subscribe::socket::Socket;

/// A stream that is about to begin: its head and its first bytes are on their way.
pub struct NewStream {
    /// The hub that will serve it.
    pub hub: &'static Hub,
    /// What it reads, and its place in the counts.
    pub membership: Membership,
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

impl Takeover for NewStream {
    fn start(self: Box<Self>, session: Session, input: Vec<u8>) -> Task {
        let NewStream { hub, membership, settings, framing, cursor, .. } = *self;
        let NewStream { from, told, first, socket, .. } = *self;
        session.give_up_silent(settings.send_timeout);
        let mut link = Link::new(session, settings, framing, socket);
        live::Link::wrote(&mut link, 0, false);
        let mut outlet = Outlet::new(link);
        outlet.unsent = first;
        let outlet = hub.add_outlet(outlet);
        let reader = Reader::new(membership, cursor, told, Subscriber { shown: cursor });
        hub.add_reader(outlet, reader, from);
        hub.serve(outlet);
        if !input.is_empty() {
            listening::hear_client(hub, outlet, &input);
        }
        Box::pin(Subscription { hub, outlet })
    }
}

/// A subscriber's task: what its own connection brings. Dropping it ends the subscription.
struct Subscription {
    hub: &'static Hub,
    outlet: u32,
}

impl Future for Subscription {
    type Output = Next;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Next> {
        match listening::attend(self.hub, self.outlet) {
            true => Poll::Pending,
            false => Poll::Ready(Next::Close),
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.hub.remove_outlet(self.outlet);
    }
}
