//! A connection that a peer has taken over (101): what each side says is passed on to the other, as it is.

use std::rc::Rc;

use http::{Session, Takeover};
use rt::{Lingering, Next, Task};

use crate::duplex::{Duplex, Way};
use crate::link::Link;
use crate::tries::Try;

/// So much is read at once.
const PIECE: usize = 16 << 10;
/// For the client to take what it was sent, and to end.
const LINGERING: Lingering = Lingering { send: 10_000, timeout: 1000, time: 5000, most: 64 << 10 };

/// The peer's end of a tunnel, before it begins.
pub struct Tunnel {
    /// The connection to the peer.
    pub link: Link,
    /// What the peer has sent behind its answer.
    pub first: Vec<u8>,
    /// Milliseconds of silence on both sides that end it.
    pub idle: u64,
    /// What variables tell of it.
    pub record: Rc<Try>,
}

impl Takeover for Tunnel {
    fn logs_contexts(&self) -> bool {
        true
    }

    fn start(self: Box<Self>, session: Session, input: Vec<u8>) -> Task {
        Box::pin(async move {
            let Tunnel { link, first, idle, record } = *self;
            let (client, peer) = (session.io, link.io());
            // That was counted with the answer's head.
            let counted = first.len() as u64;
            let up = Way::new(client, peer, input, PIECE);
            let down = Way::new(peer, client, first, PIECE);
            let mut both = Duplex::new(up, down, idle, false);
            let mut session = session;
            both.run().await;
            // What was written is followed by an end, and not by a break.
            peer.shutdown_write();
            Box::pin(rt::linger(client, LINGERING)).await;
            session.count_sent(both.down.passed as usize);
            record.sent.set(record.sent.get() + both.up.passed);
            record.received.set(record.received.get() + both.down.passed.saturating_sub(counted));
            record.end();
            drop(session);
            Next::Close
        })
    }
}
