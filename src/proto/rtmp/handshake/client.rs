//! The client's side: for relays, load generators and tests.

use super::{Error, Incoming, SIZE, Scheme, VERSION, digest, plain};

/// The version of a Flash Player whose digest servers look for.
const PLAYER: [u8; 4] = [9, 0, 124, 2];

/// The client's side of a handshake. It is content with every S2.
#[derive(Debug)]
pub struct ClientHandshake {
    c1: [u8; SIZE],
    incoming: Incoming,
}

impl ClientHandshake {
    /// A plain handshake that sends these bytes, which should be random.
    pub fn new(random: [u8; SIZE]) -> ClientHandshake {
        ClientHandshake { c1: plain(&random), incoming: Incoming::new() }
    }

    /// A handshake with a digest, as Flash Player's.
    pub fn with_digest(random: [u8; SIZE], scheme: Scheme) -> ClientHandshake {
        let c1 = digest::first(&random, PLAYER, scheme, digest::CLIENT);
        ClientHandshake { c1, incoming: Incoming::new() }
    }

    /// Appends C0 and C1.
    pub fn start(&mut self, out: &mut Vec<u8>) {
        out.push(VERSION);
        out.extend_from_slice(&self.c1);
    }

    /// Takes bytes as they come, and appends C2 to `out` once S0 and S1 are there. Gives how many
    /// bytes were taken and whether the handshake is complete.
    pub fn feed(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<(usize, bool), Error> {
        self.incoming.feed(input, |s1| out.extend_from_slice(s1))
    }
}
