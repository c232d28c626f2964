//! Reading: bytes from the client until a head is complete, and what comes of it.

use std::io;

use proto::http1::{self, Body as Framing, Method, Parsed, Range32, Reject, Version};
use sys::log::Level;

use super::connection::{Connection, ConnectionState, READS, Step};
use super::decoder::Decoder;
use super::incoming::Incoming;
use super::input::CONTINUE;
use crate::Happening;
use crate::body::Body;
use crate::request::check;
use crate::request::flow::Flow;
use crate::request::phases;

impl Connection {
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
                    self.state = ConnectionState::Close;
                    return None;
                }
            }
        }
    }

    fn parse_head(&mut self) -> Result<Parsed, Reject> {
        let mut input = self.input.borrow_mut();
        if input.unread().is_empty() {
            return Ok(Parsed::Partial);
        }
        if self.request.started == 0 {
            self.request.started = rt::now();
        }
        let limits = &self.request.server.location().settings.limits;
        let head = &mut self.request.head;
        if http1::parse(input.unread(), head, limits)? == Parsed::Partial {
            return Ok(Parsed::Partial);
        }
        self.request.bytes = input.take(head.len);
        drop(input);
        self.begin()?;
        Ok(Parsed::Complete)
    }

    /// A head is complete: which server is it for, and may it go on?
    fn begin(&mut self) -> Result<(), Reject> {
        self.state = ConnectionState::Run;
        self.deadline = 0;
        self.io.set_expendable(false);
        rt::began_request();
        let request = &mut self.request;
        request.number = self.io.requests() + 1;
        request.method = request.head.method;
        check::check(request)?;
        request.keep_alive = http1::keep_alive(&request.head, &request.bytes);
        if request.framing != Framing::None {
            let mut input = self.input.borrow_mut();
            let settings = &request.location().settings;
            input.most = settings.client_max_body_size;
            input.timeout = settings.client_body_timeout;
            input.decoder = Decoder::new(request.framing);
            if !input.decoder.is_done() && check::expects_continue(request) {
                input.owed = CONTINUE;
            }
            drop(input);
            request.body = Body::Source(Box::new(Incoming::new(&self.input)));
        }
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
        self.io.set_expendable(false);
        self.share_rejected();
        let request = &mut self.request;
        request.keep_alive = false;
        request.number = self.io.requests() + 1;
        request.error(Level::Info, format_args!("{}", reject.reason));
        let outcome = phases::resume(request, Flow::Status(reject.status));
        self.settle(outcome)
    }

    /// For the logs: the head as far as it was understood, or the line that was not.
    fn share_rejected(&mut self) {
        let mut input = self.input.borrow_mut();
        let request = &mut self.request;
        if !request.bytes.is_empty() {
            return;
        }
        let unread = input.unread();
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
        request.bytes = input.share(len);
    }

    fn client_closed(&mut self) {
        self.trace(Happening::ClientDisconnect);
        if self.has_unread() {
            let message = "client prematurely closed connection while reading client request";
            self.request.error(Level::Info, format_args!("{message}"));
            self.request.response.status = 400;
            self.log(0);
        }
        self.state = ConnectionState::Close;
    }

    /// The client has sent nothing, or not all: what to wait for, and how long.
    fn wait_for_head(&mut self) -> Step {
        if !self.has_unread() {
            return self.go_idle();
        }
        let settings = &self.request.server.location().settings;
        if self.deadline == 0 {
            self.deadline = rt::now() + settings.client_header_timeout;
        }
        self.io.set_timeout(self.deadline.saturating_sub(rt::now()));
        self.input.borrow_mut().shrink(settings.client_header_buffer_size as usize);
        self.io.set_expendable(true);
        Step::Read
    }

    pub(super) fn go_idle(&mut self) -> Step {
        // Without an answer since, the deadline that is set stays.
        if let Some(timeout) = self.idle_timeout.take() {
            self.io.set_timeout(timeout);
        }
        Step::Idle
    }
}
