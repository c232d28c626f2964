//! How a connection begins (RTMP 1.0 §5.2).
//!
//! ```text
//! client                                     server
//!   C0 version (1)                 ──>
//!   C1 time (4) zero (4) random (1528) ──>
//!                                  <──  S0 version (1)
//!                                  <──  S1 time (4) zero (4) random (1528)
//!                                  <──  S2 C1's bytes again
//!   C2 S1's bytes again            ──>
//! ```
//!
//! Flash Player 9 and later have a form of their own, which the specification does not tell. The
//! second field of C1 and S1 is not zero but a version, and 32 of the random bytes are a digest:
//!
//! ```text
//! C1, S1:  time (4) version (4) … sum (4) at 8 or at 772 … digest (32) …
//! digest:  at sum + 4 + (the sum of the four bytes at sum) % 728
//!          HMAC-SHA256 of the other 1504 bytes, under the short key of who sends it
//! S2:      random (1504) HMAC-SHA256 of them, under HMAC-SHA256(C1's digest, the server's long key)
//! ```
//!
//! Such clients check S1 and S2 (librtmp with `swfVfy`, ffmpeg with S1's version 3 and above), so a
//! digest that holds is answered with one, and everything else with the plain form. What C2 holds is
//! looked at by nobody.

mod client;
mod digest;

pub use client::ClientHandshake;
pub use digest::Scheme;

use std::fmt;

/// The length of C1, C2, S1 and S2 in bytes.
pub const SIZE: usize = 1536;

/// The version that is spoken.
const VERSION: u8 = 3;

/// The first version that the specification forbids, to tell RTMP from text.
const TEXT: u8 = 32;

/// The first byte of a TLS handshake: a record of type 22 (RFC 8446 §5.1).
const TLS: u8 = 22;

/// The version of the server's software, in S1; zero would tell clients that no digest is there.
const SOFTWARE: [u8; 4] = [0x0D, 0x0E, 0x0A, 0x0D];

/// Why a handshake fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The first byte is text or that of TLS: the peer speaks another protocol, most likely HTTP or RTMPS.
    NotRtmp,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the peer does not speak RTMP")
    }
}

impl std::error::Error for Error {}

/// What one side has got so far: the version, a packet that is kept, a packet that is not.
#[derive(Debug)]
struct Incoming {
    version: bool,
    first: Vec<u8>,
    /// Bytes of the second packet that are still to come.
    left: usize,
}

impl Incoming {
    fn new() -> Incoming {
        Incoming { version: false, first: Vec::new(), left: SIZE }
    }

    /// Takes what it can, and calls `answer` when the first packet is there.
    fn feed(
        &mut self,
        input: &[u8],
        answer: impl FnOnce(&[u8; SIZE]),
    ) -> Result<(usize, bool), Error> {
        let mut rest = input;
        if !self.version {
            let Some((&version, after)) = rest.split_first() else { return Ok((0, false)) };
            if version >= TEXT || version == TLS {
                return Err(Error::NotRtmp);
            }
            (self.version, rest) = (true, after);
        }
        if self.left == SIZE && self.first.len() < SIZE {
            let (part, after) = rest.split_at(rest.len().min(SIZE - self.first.len()));
            self.first.extend_from_slice(part);
            rest = after;
            match self.first[..].try_into() {
                Ok(first) => answer(first),
                Err(_) => return Ok((input.len(), false)),
            }
        }
        let skipped = rest.len().min(self.left);
        self.left -= skipped;
        if self.left == 0 {
            self.first = Vec::new();
        }
        Ok((input.len() - rest.len() + skipped, self.left == 0))
    }
}

/// The server's side.
#[derive(Debug)]
pub struct Handshake {
    random: [u8; SIZE],
    incoming: Incoming,
}

impl Handshake {
    /// A handshake that sends these bytes, which should be random.
    pub fn new(random: [u8; SIZE]) -> Handshake {
        Handshake { random, incoming: Incoming::new() }
    }

    /// Takes bytes as they come, and appends S0, S1 and S2 to `out` once C0 and C1 are there. Gives
    /// how many bytes were taken and whether the handshake is complete; what is left then belongs to
    /// the first chunk.
    ///
    /// A version that is not 3, such as the encrypted 6 and 8, is answered with 3 all the same.
    pub fn feed(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<(usize, bool), Error> {
        let random = &self.random;
        self.incoming.feed(input, |c1| {
            out.push(VERSION);
            match digest::of_client(c1) {
                Some((scheme, digest)) => {
                    out.extend_from_slice(&digest::first(random, SOFTWARE, scheme, digest::SERVER));
                    out.extend_from_slice(&digest::second(random, &digest));
                }
                None => {
                    out.extend_from_slice(&plain(random));
                    out.extend_from_slice(c1);
                }
            }
        })
    }
}

/// S1 or C1 without a digest: neither a time nor a version.
fn plain(random: &[u8; SIZE]) -> [u8; SIZE] {
    let mut packet = *random;
    packet[..8].fill(0);
    packet
}
