//! What comes: read, decrypted, given to whoever reads.

use std::io::{self, ErrorKind};

use rt::Conn;

use crate::memory::{MEMORY, Memory};
use crate::records::Records;
use crate::side::Side;

/// Reads in a row that bring nothing but records without data: who sends them wants to keep us busy.
const MOST_EMPTY: usize = 16;

impl<S: Side> Records<S> {
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
    pub(super) fn take(
        &mut self,
        conn: Conn,
        memory: &mut Memory,
        buffer: &mut [u8],
    ) -> io::Result<usize> {
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
}
