//! Whose handshake it is.

use std::any::Any;

use rt::Conn;

use crate::Server;

/// What listens where TLS is spoken, and knows the servers there.
pub trait Choice: Any {
    /// The server for the name that the client asks for; without one, the address's default. `None`: the handshake is
    /// refused.
    fn choose(&'static self, conn: Conn, name: Option<&str>) -> Option<Chosen>;

    /// Whether somebody asks for what clients have offered ([`Offer`](crate::Offer)).
    fn keeps_offers(&self) -> bool {
        false
    }

    /// Whether a client that speaks without encryption is told so, in the protocol that it speaks.
    fn takes_plain(&self, conn: Conn) -> bool {
        let _ = conn;
        false
    }
}

/// A server that was chosen.
#[derive(Clone, Copy)]
pub struct Chosen {
    /// With whose certificates the handshake goes on.
    pub tls: &'static Server,
    /// Which of the lists of protocols that it was made with holds.
    pub protocols: usize,
    /// Whatever the listener calls a server.
    pub server: &'static dyn Any,
}
