//! The records of a connection, while its handshake goes on and after it: rustls' unbuffered API, driven.
//!
//! What comes is read into memory that the thread has once, decrypted there, and copied to whoever reads; what of it is no
//! whole record, or was not asked for, is kept. What goes out is encrypted into memory that the thread has once, and is
//! kept only if the kernel does not take all of it. So an idle connection has its keys and nothing else.

mod read;
mod write;

use std::io::{self, ErrorKind};

use rt::Conn;
use rustls::unbuffered::{ConnectionState, EncodeError, UnbufferedStatus};

use crate::memory::MEMORY;
use crate::side::Side;

/// A connection's encryption.
pub(crate) struct Records<S> {
    pub side: S,
    /// The longest record's plaintext.
    record: usize,
    /// Ciphertext that is no whole record yet.
    partial: Vec<u8>,
    /// Decrypted and not read, from `taken` on.
    plain: Vec<u8>,
    taken: usize,
    /// Encrypted and not sent, from `sent` on.
    unsent: Vec<u8>,
    sent: usize,
    /// The byte with which the next write begins is among what was sent already ([`rt::Layer`]).
    held: bool,
    begun: bool,
    established: bool,
    /// Something came before that.
    early: bool,
    /// Something may be written: perhaps before that, too.
    may_write: bool,
    /// The peer's stream has ended.
    ended: bool,
    /// Ours has.
    closed: bool,
    failed: Option<rustls::Error>,
}

impl<S: Side> Records<S> {
    /// `partial`: what was read already.
    pub fn new(side: S, record: usize, partial: Vec<u8>) -> Records<S> {
        Records {
            side,
            record,
            partial,
            plain: Vec::new(),
            taken: 0,
            unsent: Vec::new(),
            sent: 0,
            held: false,
            begun: false,
            established: false,
            early: false,
            may_write: false,
            ended: false,
            closed: false,
            failed: None,
        }
    }

    /// Whether there is something to be done: the handshake is complete, or the first request has come before that.
    pub fn is_open(&self) -> bool {
        self.established || self.early && (self.has_plain() || self.may_write)
    }

    /// Whether what was read came before the handshake was complete.
    pub fn is_early(&self) -> bool {
        self.early && !self.established
    }

    /// Whether there is something to read that needs no socket.
    pub fn has_plain(&self) -> bool {
        self.taken < self.plain.len()
    }

    /// Whether nothing of a record waits for the rest of it.
    pub fn is_between_records(&self) -> bool {
        self.partial.is_empty()
    }

    pub fn has_unsent(&self) -> bool {
        self.sent < self.unsent.len()
    }

    /// Goes on with the handshake, with what has been read already first.
    pub fn establish(&mut self, conn: Conn) -> io::Result<()> {
        // What came before the handshake's end is read before it, and answered.
        while !self.established && !self.has_plain() {
            self.fail_again()?;
            MEMORY.with_borrow_mut(|memory| self.take(conn, memory, &mut []))?;
        }
        Ok(())
    }

    /// Whether the handshake has begun.
    pub fn is_begun(&self) -> bool {
        self.begun
    }

    /// What rustls has to say before anything has come, or of what has.
    pub fn begin(&mut self, conn: Conn) -> io::Result<()> {
        self.begun = true;
        self.advance_alone();
        let sent = self.flush(conn);
        self.fail_again()?;
        sent
    }

    /// Lets rustls go on with what it has, and what is kept for it.
    fn advance_alone(&mut self) {
        let mut partial = std::mem::take(&mut self.partial);
        let mut plain = std::mem::take(&mut self.plain);
        let used = self.advance(&mut partial, &mut |payload| plain.extend_from_slice(payload));
        partial.drain(..used);
        (self.partial, self.plain) = (partial, plain);
    }

    /// Lets rustls take what has come; gives how much of it is used up. Plaintext goes to `sink`, and what is to be sent
    /// behind what waits for that.
    fn advance(&mut self, input: &mut [u8], sink: &mut dyn FnMut(&[u8])) -> usize {
        let mut used = 0;
        loop {
            // After a fault only the alert is wanted that tells of it: rustls would look for messages that came with what was at
            // fault in bytes that are not there.
            if self.failed.is_some() && !self.side.common().wants_write() {
                return used;
            }
            let rest = if self.failed.is_some() { &mut [] } else { &mut input[used..] };
            let UnbufferedStatus { mut discard, state } = self.side.process(rest);
            let goes_on = match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(Ok(record)) = traffic.next_record() {
                        discard += record.discard;
                        sink(record.payload);
                    }
                    true
                }
                Ok(ConnectionState::ReadEarlyData(early)) => {
                    discard += S::take_early(early, sink);
                    self.early = true;
                    true
                }
                Ok(ConnectionState::EncodeTlsData(mut message)) => {
                    encode(&mut self.unsent, |room| message.encode(room));
                    true
                }
                Ok(ConnectionState::TransmitTlsData(sent)) => {
                    sent.done();
                    true
                }
                Ok(ConnectionState::PeerClosed) => {
                    self.ended = true;
                    true
                }
                Ok(ConnectionState::WriteTraffic(_)) => {
                    self.may_write = true;
                    self.established |=
                        self.failed.is_none() && !self.side.common().is_handshaking();
                    false
                }
                Ok(_) => false,
                Err(error) => self.failed.replace(error).is_none(),
            };
            used += discard;
            if !goes_on {
                return used;
            }
        }
    }

    /// What has failed once is not tried again.
    fn fail_again(&self) -> io::Result<()> {
        match &self.failed {
            Some(error) => Err(io::Error::new(ErrorKind::InvalidData, error.clone())),
            None => Ok(()),
        }
    }
}

/// Appends what `encode` writes.
fn encode(out: &mut Vec<u8>, mut encode: impl FnMut(&mut [u8]) -> Result<usize, EncodeError>) {
    let before = out.len();
    let mut room = 1024;
    loop {
        out.resize(before + room, 0);
        match encode(&mut out[before..]) {
            Ok(written) => return out.truncate(before + written),
            Err(EncodeError::InsufficientSize(wanted)) => room = wanted.required_size,
            Err(EncodeError::AlreadyEncoded) => return out.truncate(before),
        }
    }
}
