//! What a client sends: heads, and between them bodies. An object of its own, since whoever answers may own the body
//! ([`Incoming`](super::incoming::Incoming)) while the connection sends.

use std::io;
use std::ops::Range;

use mem::Block;
use proto::http1::Reject;

use super::decoder::Decoder;
use rt::Io;

/// One read's room for a head. One that does not fit grows up to `large_client_header_buffers`.
pub const READ: usize = 4096;
/// The same at most, where reads fill what they have.
const MOST: usize = 64 << 10;

/// What a client wants to hear before it sends a body.
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// A connection's input.
pub struct Input {
    /// What it is read from.
    pub io: Io,
    block: Option<Block>,
    /// How much of the block is used up.
    start: usize,
    /// The next block has so much: more where a body comes faster than it is read.
    next_capacity: usize,
    /// What is to come of the body of the request at hand.
    pub decoder: Decoder,
    /// Names that body.
    pub serial: u64,
    /// Bytes of it that were read or thrown away.
    pub received: u64,
    /// It may have so many; 0: any number.
    pub most: u64,
    /// Between two reads of it, in milliseconds.
    pub timeout: u64,
    /// What of [`CONTINUE`] is owed before it is read.
    pub owed: &'static [u8],
    /// It is waited for: its deadline is set.
    pub waits: bool,
}

impl Input {
    /// Of a new connection.
    pub fn new(io: Io) -> Input {
        Input {
            io,
            block: None,
            start: 0,
            next_capacity: READ,
            decoder: Decoder::Done,
            serial: 0,
            received: 0,
            most: 0,
            timeout: 0,
            owed: b"",
            waits: false,
        }
    }

    /// Whether the client waits for a word before it sends the body.
    pub fn expects_continue(&self) -> bool {
        !self.owed.is_empty()
    }

    /// Nothing is owed any more, but the rest of what the client has got the beginning of.
    pub fn end_continue(&mut self) -> &'static [u8] {
        let owed = std::mem::take(&mut self.owed);
        if owed.len() < CONTINUE.len() { owed } else { b"" }
    }

    /// Gives its buffer back and forgets the body.
    pub fn clear(&mut self) {
        self.forget();
        self.end_body();
    }

    /// Nobody can tell where the body ends: nothing more is read of it.
    pub fn give_up_body(&mut self) {
        self.decoder = Decoder::Done;
    }

    /// Nothing has come: a buffer that is empty is not kept while the client is waited for.
    pub fn release_if_empty(&mut self) {
        if self.unread().is_empty() {
            self.forget();
        }
        self.next_capacity = READ;
    }

    /// Gives the buffer back, with what is in it.
    pub fn forget(&mut self) {
        self.block = None;
        self.start = 0;
    }

    /// The request at hand is over: who still has its body gets no more of it.
    pub fn end_body(&mut self) {
        self.decoder = Decoder::Done;
        self.next_capacity = READ;
        self.serial += 1;
        self.received = 0;
        self.owed = b"";
        self.waits = false;
    }

    /// What was read and not used.
    pub fn unread(&self) -> &[u8] {
        self.block.as_ref().map_or(&[], |block| &block.filled()[self.start..])
    }

    /// Uses up `count` bytes, which share the buffer.
    pub fn take(&mut self, count: usize) -> mem::Str {
        let from = self.start;
        self.start += count;
        self.block.as_mut().map_or(mem::Str::EMPTY, |block| block.share(from..from + count))
    }

    /// Shares the next `count` bytes and leaves them there.
    pub fn share(&mut self, count: usize) -> mem::Str {
        let from = self.start;
        self.block.as_mut().map_or(mem::Str::EMPTY, |block| block.share(from..from + count))
    }

    /// Shares a part of what was used up last.
    fn content(&mut self, range: Range<usize>) -> mem::Str {
        self.block.as_mut().map_or(mem::Str::EMPTY, |block| block.share(range))
    }

    /// Takes what has come of the body; `content` is given its bytes. `true`: that was all of it.
    pub fn take_body(&mut self, mut content: impl FnMut(mem::Str)) -> Result<bool, Reject> {
        while !self.decoder.is_done() {
            let input = self.block.as_ref().map_or(&[][..], |block| &block.filled()[self.start..]);
            let part = self.decoder.take(input)?;
            let len = part.content.len();
            let from = self.start;
            self.start += part.consumed;
            self.received += len as u64;
            if self.most != 0 && self.received + self.decoder.skipped() > self.most {
                return Err(Reject::new(413, "client intended to send too large chunked body"));
            }
            if len > 0 {
                content(self.content(from + part.content.start..from + part.content.end));
            }
            if part.consumed == 0 && !self.decoder.is_done() {
                break;
            }
        }
        Ok(self.decoder.is_done())
    }

    /// Throws away what has come of the body. `true`: that was all of it.
    pub fn skip_body(&mut self) -> Result<bool, Reject> {
        self.take_body(drop)
    }

    /// Reads once, into room that is there or made.
    pub fn read(&mut self) -> io::Result<usize> {
        let capacity = self.next_capacity;
        if let Some(block) = &mut self.block {
            if block.len() == self.start {
                match block.capacity() < capacity {
                    true => self.block = None,
                    false => block.clear(),
                }
                self.start = 0;
            } else if block.spare() == 0 {
                // What is used up goes first; a head that fills the block gets a larger one.
                match self.start {
                    0 => block.grow(block.capacity() * 2),
                    start => block.keep_from(start),
                }
                self.start = 0;
            }
        }
        let block = self.block.get_or_insert_with(|| Block::take(capacity));
        let count = self.io.read(block.spare_mut())?;
        if count == block.spare() && !self.decoder.is_done() {
            self.next_capacity = MOST.min(capacity * 4);
        }
        block.advance(count);
        Ok(count)
    }

    /// What trickles in is not to hold more memory than it needs.
    pub fn shrink(&mut self, size: usize) {
        let unread = self.unread();
        if self.block.as_ref().is_some_and(|block| block.capacity() > size) && unread.len() < size {
            let mut block = Block::take(size);
            let fits = block.extend_from_slice(unread);
            debug_assert!(fits);
            self.block = Some(block);
            self.start = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::http1::Body;
    use std::io::IoSlice;

    /// What was taken is taken, also where it is too much: nobody finds it again as something else.
    #[test]
    fn a_body_that_is_too_large_is_used_up_as_far_as_it_was_read() {
        rt::create(rt::Config { slots: 4, multi_accept: false }).expect("a loop");
        let (server, client) = rt::pair().expect("two sockets");
        let sent = b"3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\nGET /";
        client.write(&[IoSlice::new(sent)], false).expect("room");
        let mut input = Input::new(Io::new(*server));
        input.read().expect("all of it");
        input.decoder = Decoder::new(Body::Chunked);
        input.most = 5;
        let mut taken = Vec::new();
        let refused = input.take_body(|bytes| taken.extend_from_slice(&bytes));
        assert_eq!(refused.expect_err("too large").status, 413);
        assert_eq!((&taken[..], input.received), (&b"abc"[..], 7));
        // It goes on behind that, should somebody go on.
        input.most = 0;
        assert!(input.skip_body().expect("well-formed"));
        assert_eq!(input.unread(), b"GET /");
    }
}
