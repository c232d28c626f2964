//! The name of a connection, for those who serve it.

use std::fmt;
use std::io;

use crate::token::Token;

/// A connection of this thread's loop. The handle is a copy of the slot's name; once the connection
/// has ended, every operation fails with `NotConnected`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conn {
    token: Token,
}

/// The connection's deadline passed before what was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut;

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("timed out")
    }
}

impl std::error::Error for TimedOut {}

impl From<TimedOut> for io::Error {
    fn from(_: TimedOut) -> io::Error {
        io::ErrorKind::TimedOut.into()
    }
}

impl Conn {
    pub(crate) fn new(token: Token) -> Conn {
        Conn { token }
    }

    pub(crate) fn token(&self) -> Token {
        self.token
    }
}
