//! Reading: bytes from the client until a head is complete, and what comes of it.

use std::io;

use mem::Block;
use proto::http1::{self, Method, Parsed, Range32, Reject, Version};
use sys::log::Level;

use super::{Exchange, READ, READS, State, Step, check};
use crate::Happening;
use crate::api::Flow;
use crate::decoder::Decoder;
use crate::phases;

impl Exchange {
    pub(super) fn read_head(&mut self) -> Option<Step> {
        loop {
            match self.parse_head() {
                Ok(Parsed::Complete) => return None,
                Ok(Parsed::Partial) => {}
                Err(reject) => return self.reject(&reject),
            }
            if !self.output.is_empty()
                && let Some(step) = self.flush()
            {
                return Some(step);
            }
            if self.reads == READS {
                return Some(Step::Yield);
            }
            self.reads += 1;
            match self.read() {
                Ok(0) => {
                    self.client_closed();
                    return None;
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Some(self.wait_for_head());
                }
                Err(_) => {
                    self.state = State::Close;
                    return None;
                }
            }
        }
    }

    pub(super) fn unread(&self) -> &[u8] {
        self.input.as_ref().map_or(&[], |block| &block.filled()[self.start..])
    }

    fn parse_head(&mut self) -> Result<Parsed, Reject> {
        let Some(block) = &mut self.input else { return Ok(Parsed::Partial) };
        if block.len() == self.start {
            return Ok(Parsed::Partial);
        }
        if self.request.started == 0 {
            self.request.started = rt::now();
        }
        let limits = &self.request.server.location().settings.limits;
        let head = &mut self.request.head;
        if http1::parse(&block.filled()[self.start..], head, limits)? == Parsed::Partial {
            return Ok(Parsed::Partial);
        }
        let len = head.len;
        self.request.bytes = block.share(self.start..self.start + len);
        self.start += len;
        self.begin()?;
        Ok(Parsed::Complete)
    }

    /// A head is complete: which server is it for, and may it go on?
    fn begin(&mut self) -> Result<(), Reject> {
        self.state = State::Run;
        self.deadline = 0;
        self.conn.set_expendable(false);
        let request = &mut self.request;
        request.number = self.conn.requests() + 1;
        request.method = request.head.method;
        check::check(request)?;
        request.keep_alive = http1::keep_alive(&request.head, &request.bytes);
        self.rest = Decoder::new(request.body);
        self.expects_continue = !self.rest.is_done() && check::expects_continue(request);
        if request.head.dropped > 0 {
            let count = request.head.dropped;
            request.error(
                Level::Info,
                format_args!("client sent {count} invalid header lines, ignored"),
            );
        }
        Ok(())
    }

    /// What came is no request that can be served: its error's page is the answer.
    fn reject(&mut self, reject: &Reject) -> Option<Step> {
        self.conn.set_expendable(false);
        self.share_rejected();
        let request = &mut self.request;
        request.keep_alive = false;
        request.number = self.conn.requests() + 1;
        request.error(Level::Info, format_args!("{}", reject.reason));
        let outcome = phases::resume(request, Flow::Status(reject.status));
        self.settle(outcome)
    }

    /// For the logs: the head as far as it was understood, or the line that was not.
    fn share_rejected(&mut self) {
        let Some(block) = &mut self.input else { return };
        let request = &mut self.request;
        if !request.bytes.is_empty() {
            return;
        }
        let unread = &block.filled()[self.start..];
        // A version that has heads (0.9 has none) leaves out a body that was not asked for.
        if unread.starts_with(b"HEAD ") && request.version() >= Version::V10 {
            request.method = Method::Head;
        }
        let mut len = unread.len();
        if request.head.request_line.is_empty() {
            len = unread.iter().position(|&byte| byte == b'\n').unwrap_or(len);
            len -= usize::from(unread[..len].ends_with(b"\r"));
            request.head.request_line = Range32 { start: 0, end: len as u32 };
        }
        request.bytes = block.share(self.start..self.start + len);
    }

    fn client_closed(&mut self) {
        self.trace(Happening::ClientDisconnect);
        if !self.unread().is_empty() {
            let message = "client prematurely closed connection while reading client request";
            self.request.error(Level::Info, format_args!("{message}"));
            self.request.response.status = 400;
            self.log(0);
        }
        self.state = State::Close;
    }

    /// Reads once, into room that is there or made.
    pub(super) fn read(&mut self) -> io::Result<usize> {
        if let Some(block) = &mut self.input {
            if block.len() == self.start {
                block.clear();
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
        let block = self.input.get_or_insert_with(|| Block::take(READ));
        let count = self.conn.read(block.spare_mut())?;
        block.advance(count);
        self.trace(Happening::DataIn(count));
        Ok(count)
    }

    /// The client has sent nothing, or not all: what to wait for, and how long.
    fn wait_for_head(&mut self) -> Step {
        if self.unread().is_empty() {
            return self.go_idle();
        }
        let settings = &self.request.server.location().settings;
        if self.deadline == 0 {
            self.deadline = rt::now() + settings.client_header_timeout;
        }
        self.conn.set_timeout(self.deadline.saturating_sub(rt::now()));
        self.shrink(settings.client_header_buffer_size as usize);
        self.conn.set_expendable(true);
        Step::Read
    }

    /// A head that trickles in is not to hold more memory than it needs.
    fn shrink(&mut self, size: usize) {
        let unread = self.unread();
        if self.input.as_ref().is_some_and(|block| block.capacity() > size) && unread.len() < size {
            let mut block = Block::take(size);
            let fits = block.extend_from_slice(unread);
            debug_assert!(fits);
            self.input = Some(block);
            self.start = 0;
        }
    }

    pub(super) fn go_idle(&mut self) -> Step {
        // Without an answer since, the deadline that is set stays.
        if let Some(timeout) = self.idle_timeout.take() {
            self.conn.set_timeout(timeout);
        }
        Step::Idle
    }
}
