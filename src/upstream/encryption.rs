//! Encryption of a connection to a peer.

use std::rc::Rc;

use rt::Conn;
use sys::socket::Address;
use tls::{Context, Name};

/// How a connection is encrypted: with what, and by which name the peer is asked.
#[derive(Clone, Debug)]
pub struct Encryption {
    context: Rc<Context>,
    name: Name,
}

impl PartialEq for Encryption {
    fn eq(&self, other: &Encryption) -> bool {
        Rc::ptr_eq(&self.context, &other.context) && self.name == other.name
    }
}

impl Eq for Encryption {}

impl Encryption {
    /// With a context, and the name of the peer in it.
    pub fn new(context: Rc<Context>, name: Name) -> Encryption {
        Encryption { context, name }
    }

    /// Encrypts a connection to a peer from now on.
    pub fn secure(&self, conn: Conn, peer: &Address) -> std::io::Result<()> {
        self.context.secure(conn, peer, &self.name)
    }
}
