//! The records of a connection, while its handshake goes on and after it: rustls' unbuffered API, driven.
//!
//! What comes is read into memory that the thread has once, decrypted there, and copied to whoever reads; what of it is no
//! whole record, or was not asked for, is kept. What goes out is encrypted into memory that the thread has once, and is
//! kept only if the kernel does not take all of it. So an idle connection has its keys and nothing else.

use std::io::{self, ErrorKind, IoSlice};

use rt::Conn;
use rustls::unbuffered::{ConnectionState, EncodeError, UnbufferedStatus, WriteTraffic};

use crate::memory::{MEMORY, Memory, SPARE, WRITE};
use crate::pieces::Pieces;
use crate::side::Side;

/// Reads in a row that bring nothing but records without data: who sends them wants to keep us busy.
const MOST_EMPTY: usize = 16;

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

    pub fn read(&mut self, conn: Conn, buffer: &mut [u8]) -> io::Result<usize> {
        for _ in 0..MOST_EMPTY {
            if self.has_plain() {
                return Ok(self.take_plain(buffer));
            }
            self.fail_again()?;
            if self.ended || buffer.is_empty() {
                return Ok(0);
            }
            let count = MEMORY.with_borrow_mut(|memory| self.take(conn, memory, buffer))?;
            if count > 0 {
                return Ok(count);
            }
        }
        Err(io::Error::new(ErrorKind::InvalidData, "records without data, one after the other"))
    }

    fn take_plain(&mut self, buffer: &mut [u8]) -> usize {
        let rest = &self.plain[self.taken..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.taken += count;
        if self.taken == self.plain.len() {
            (self.plain, self.taken) = (Vec::new(), 0);
        }
        count
    }

    /// One read of the socket, and what comes of it: so many bytes are in `buffer` then, the others are kept.
    fn take(&mut self, conn: Conn, memory: &mut Memory, buffer: &mut [u8]) -> io::Result<usize> {
        let kept = self.partial.len();
        let input = memory.input(kept);
        let count = match conn.read(&mut input[kept..]) {
            Ok(0) => return self.end_of_socket(),
            Ok(count) => count,
            Err(error) => {
                // Nobody may be about to write: what was to go out with that goes now.
                self.flush(conn)?;
                return Err(error);
            }
        };
        let input = &mut input[..kept + count];
        input[..kept].copy_from_slice(&self.partial);
        let (mut filled, mut more) = (0, Vec::new());
        let used = self.advance(input, &mut |payload: &[u8]| {
            let (now, later) = payload.split_at(payload.len().min(buffer.len() - filled));
            buffer[filled..filled + now.len()].copy_from_slice(now);
            filled += now.len();
            more.extend_from_slice(later);
        });
        match more.is_empty() {
            true => {}
            false if self.has_plain() => self.plain.extend_from_slice(&more),
            false => (self.plain, self.taken) = (more, 0),
        }
        match &input[used..] {
            [] => self.partial = Vec::new(),
            rest => {
                self.partial.clear();
                self.partial.extend_from_slice(rest);
            }
        }
        // Tickets go out with the first answer, if what is to be answered came with the end of the handshake.
        if filled == 0 && !self.has_plain() {
            match self.flush(conn) {
                Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error),
                _ => self.fail_again()?,
            }
        }
        Ok(filled)
    }

    /// What the peer has still said is thrown away. A socket that is closed with unread bytes is reset, and what of the answer the
    /// peer's kernel does not have yet is lost with it: a client that has no more to ask says so at once (close_notify).
    pub fn discard(&mut self, conn: Conn) {
        MEMORY.with_borrow_mut(|memory| {
            let input = memory.input(0);
            let mut reads = std::iter::repeat_with(|| conn.read(input)).take(MOST_EMPTY);
            while matches!(reads.next(), Some(Ok(1..))) {}
        });
    }

    fn end_of_socket(&mut self) -> io::Result<usize> {
        let is_clean = std::mem::replace(&mut self.ended, true);
        match self.established {
            false => Err(io::Error::new(
                ErrorKind::UnexpectedEof,
                "peer closed connection in SSL handshake",
            )),
            true if S::NEEDS_END && !is_clean => Err(ErrorKind::UnexpectedEof.into()),
            true => Ok(0),
        }
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
            // After a fault only the alert is wanted that tells of it.
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

    /// Writes; see [`rt::Layer`] for what of it was taken.
    pub fn write(&mut self, conn: Conn, buffers: &[IoSlice<'_>], more: bool) -> io::Result<usize> {
        self.fail_again()?;
        if self.closed {
            return Err(ErrorKind::BrokenPipe.into());
        }
        // Where nothing may be written before the handshake is complete, although a request came before that.
        while !self.established && !self.may_write {
            MEMORY.with_borrow_mut(|memory| self.take(conn, memory, &mut []))?;
            self.fail_again()?;
        }
        if !conn.is_writable() {
            return Err(ErrorKind::WouldBlock.into());
        }
        if self.held {
            self.flush(conn)?;
        }
        let skipped = usize::from(std::mem::take(&mut self.held));
        MEMORY.with_borrow_mut(|memory| {
            let taken = skipped + self.encrypt(buffers, skipped, memory)?;
            if memory.filled > 0 {
                self.send(conn, &memory.output[..memory.filled], more)?;
            }
            self.held = self.has_unsent();
            match taken - usize::from(self.held) {
                0 if self.held => Err(ErrorKind::WouldBlock.into()),
                taken => Ok(taken),
            }
        })
    }

    /// Encrypts what stands behind `skipped` bytes of `buffers`, up to a bound. Short ones go into one record.
    fn encrypt(
        &mut self,
        buffers: &[IoSlice<'_>],
        skipped: usize,
        memory: &mut Memory,
    ) -> io::Result<usize> {
        let record = self.record;
        memory.clear_output();
        let Memory { output, gathered, filled, .. } = memory;
        let mut pieces = Pieces::new(buffers, skipped);
        let mut taken = 0;
        self.with_traffic(|traffic| {
            while taken < WRITE {
                let piece = match pieces.next(record, gathered) {
                    Some(piece) => piece,
                    None => break,
                };
                let room = &mut output[*filled..];
                let written = traffic.encrypt(piece, room);
                *filled += written.map_err(|error| io::Error::other(error.to_string()))?;
                taken += piece.len();
            }
            Ok(())
        })?;
        Ok(taken)
    }

    /// Calls with what encrypts.
    fn with_traffic<T>(
        &mut self,
        call: impl FnOnce(&mut WriteTraffic<'_, S::Data>) -> io::Result<T>,
    ) -> io::Result<T> {
        // What rustls still has to say goes before it.
        self.advance_alone();
        self.fail_again()?;
        let UnbufferedStatus { state, .. } = self.side.process(&mut self.partial);
        match state {
            Ok(ConnectionState::WriteTraffic(mut traffic)) => call(&mut traffic),
            _ => Err(ErrorKind::NotConnected.into()),
        }
    }

    /// Sends what waits, and `bytes` behind it; keeps what the kernel does not take.
    fn send(&mut self, conn: Conn, bytes: &[u8], more: bool) -> io::Result<()> {
        let waiting = &self.unsent[self.sent..];
        let slices = [IoSlice::new(waiting), IoSlice::new(bytes)];
        let slices = if waiting.is_empty() { &slices[1..] } else { &slices[..] };
        let count = match conn.write(slices, more) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error),
        };
        let of_waiting = count.min(waiting.len());
        self.sent += of_waiting;
        self.unsent.extend_from_slice(&bytes[count - of_waiting..]);
        if !self.has_unsent() {
            (self.unsent, self.sent) = (Vec::new(), 0);
        }
        Ok(())
    }

    /// Sends what waits: `WouldBlock` if not all of it goes.
    pub fn flush(&mut self, conn: Conn) -> io::Result<()> {
        while self.has_unsent() {
            let count = conn.write(&[IoSlice::new(&self.unsent[self.sent..])], false)?;
            self.sent += count;
        }
        (self.unsent, self.sent) = (Vec::new(), 0);
        Ok(())
    }

    /// What was sent so far is not all: the end of the connection must not be taken for the end of the stream.
    pub fn break_off(&mut self) {
        self.closed = true;
    }

    /// Says that nothing more comes, as far as that goes without waiting.
    pub fn close_notify(&mut self, conn: Conn) {
        if !self.established || self.closed || self.failed.is_some() || conn.is_broken() {
            let _ = self.flush(conn);
            return;
        }
        self.closed = true;
        let mut alert = [0; SPARE];
        let length = self.with_traffic(|traffic| {
            traffic.queue_close_notify(&mut alert).map_err(|e| io::Error::other(e.to_string()))
        });
        if let Ok(length) = length {
            let _ = self.send(conn, &alert[..length], false);
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
