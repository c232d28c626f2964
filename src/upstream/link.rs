//! A connection to a peer, while it serves a request.

use std::rc::Rc;

use rt::Io;

use crate::balance::{Claim, Verdict};
use crate::group::Group;
use crate::pool::{Connection, Identity};

/// The connection, and what it belongs to. Dropped, it is closed.
pub struct Link {
    /// It.
    pub connection: Connection,
    /// What makes it what it is.
    pub identity: Identity,
    /// The peer.
    pub claim: Claim,
    /// Whose peer that is.
    pub group: Rc<Group>,
}

impl Link {
    /// Its bytes.
    pub fn io(&self) -> Io {
        Io::new(*self.connection.socket)
    }

    /// The peer has not done what was asked of it. `true`: it is out for a while.
    pub fn failed(&self) -> bool {
        self.claim.failed() == Verdict::IsOut
    }

    /// The request has been served. `reusable`: the connection may serve another.
    pub fn finish(self, reusable: bool) {
        let Link { connection, identity, claim, group } = self;
        let may_come_again = reusable && claim.is_of(&group);
        drop(claim);
        if may_come_again {
            group.pool.put(identity, connection);
        }
    }
}
