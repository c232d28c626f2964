//! What goes out: encrypted, sent, and kept as far as the kernel does not take it.

use std::io::{self, ErrorKind, IoSlice};

use rt::Conn;
use rustls::unbuffered::{ConnectionState, UnbufferedStatus, WriteTraffic};

use crate::memory::{MEMORY, Memory, SPARE, WRITE};
use crate::pieces::Pieces;
use crate::records::Records;
use crate::side::Side;

impl<S: Side> Records<S> {
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
}
