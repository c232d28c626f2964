//! Answering: the header is filtered and rendered, the answer queued, sent and accounted for.

use std::io;
use std::rc::Rc;

use mem::{Block, Buf, Chain, Str};
use proto::http1::{CHUNK_END, chunk_head};
use sys::log::Level;

use super::connection::{Connection, ConnectionState, Step};
use super::input::READ;
use super::output::{OutputError, Sent};
use super::render;
use crate::body::{Body, Fields};
use crate::request::flow::Flow;
use crate::response::pace::Pace;
use crate::{Happening, request::phases, response::filters};

/// A body in memory up to this size is copied behind its head: one plain send, not a gathered one.
const COPIED: usize = 4096;
/// Answers to pipelined requests are collected up to this size before they are sent.
const COLLECTED: u64 = 64 << 10;

impl Connection {
    /// The answer is made: its header is filtered, which may replace it by an error's page.
    pub(super) fn respond(&mut self) -> Option<Step> {
        // What has come of the body is looked at before anything is promised.
        if let Err(status) = self.skip_unwanted() {
            self.input.borrow_mut().give_up_body();
            self.request.keep_alive = false;
            // As nginx: a page that says what is wrong already says enough.
            if status == 400 && !self.request.response.plain {
                self.request.response.reset();
                let outcome = phases::resume(&mut self.request, Flow::Status(status));
                return self.settle(outcome);
            }
        }
        if let Err(outcome) = filters::header(&mut self.request) {
            return self.settle(outcome);
        }
        self.request.decide_framing();
        filters::body(&mut self.request);
        self.decide_keep_alive();
        self.commit();
        None
    }

    /// Nobody wants what has come of the body, unless somebody has it: an answer may be made of it.
    fn skip_unwanted(&mut self) -> Result<bool, u16> {
        self.request.body = Body::default();
        match Rc::strong_count(&self.input) {
            1 => self.skip_body(),
            _ => Ok(false),
        }
    }

    /// Renders the head and queues it with the body.
    fn commit(&mut self) {
        self.state = ConnectionState::Send;
        // A final head answers the expectation, too: no `100 Continue` may follow it. But one that was sent in part is finished.
        let half = self.input.borrow_mut().end_continue();
        if !half.is_empty() {
            self.queue(half);
        }
        self.request.check_length();
        let mut head = std::mem::take(&mut self.head);
        head.clear();
        render::head(&mut self.request, &mut head);
        self.request.head_sent = head.len() as u64;
        let status = self.request.response.status;
        self.output.begin(self.request.response.file);
        self.pace = Pace::of(&mut self.request);
        if self.request.has_bodiless_answer() {
            self.request.response.body.clear();
        }
        match std::mem::take(&mut self.request.response.body) {
            Body::Chain(body) => self.queue_whole(&mut head, body),
            Body::Source(source) => {
                self.queued = head.len() as u64;
                self.queue(&head);
                self.promised = self.request.response.content_length;
                self.source = Some(source);
                self.filled = false;
            }
        }
        self.head = head;
        self.trace(Happening::RequestAccepted(status));
    }

    /// Queues a head, and a body that is all there.
    fn queue_whole(&mut self, head: &mut Vec<u8>, mut body: Chain) {
        let chunked = self.request.response.chunked;
        let mut end = Vec::new();
        if chunked {
            if !body.is_empty() {
                chunk_head(body.len() as usize, head);
                end.extend_from_slice(CHUNK_END);
            }
            self.end_chunks(Fields::new(), &mut end);
        }
        self.queued = head.len() as u64 + body.len() + end.len() as u64;
        if let Some(bytes) = only_memory(&body) {
            head.extend_from_slice(&bytes);
            body.clear();
        }
        if body.is_empty() {
            head.append(&mut end);
        }
        self.queue(head);
        self.output.chain.append(&mut body);
        if !end.is_empty() {
            self.queue(&end);
        }
        // It keeps its memory for the next one.
        self.request.response.body = Body::Chain(body);
    }

    fn decide_keep_alive(&mut self) {
        let settings = self.settings();
        let age = rt::now().saturating_sub(self.io.opened());
        self.request.keep_alive &= settings.keepalive_timeout > 0
            && u64::from(self.request.number) < settings.keepalive_requests
            && age < settings.keepalive_time
            && !rt::draining();
        if self.request.response.takeover.is_some() || !self.request.has_length() {
            self.request.keep_alive = false;
        }
        // Whether the client still sends its body is open: it was told to wait for our word.
        let input = self.input.borrow();
        if input.expects_continue() && !input.decoder.is_done() {
            self.request.keep_alive = false;
        }
    }

    /// Appends bytes to what goes out, behind each other in one block as long as they fit.
    pub(super) fn queue(&mut self, bytes: &[u8]) {
        let block = self.out.get_or_insert_with(|| Block::take(bytes.len().max(READ)));
        let from = block.len();
        if !block.extend_from_slice(bytes) {
            let mut block = Block::take(bytes.len().max(READ * 4));
            let fits = block.extend_from_slice(bytes);
            debug_assert!(fits);
            self.output.chain.push_str(block.share(..));
            self.out = Some(block);
            return;
        }
        self.output.chain.push_str(block.share(from..));
    }

    pub(super) fn send(&mut self) -> Option<Step> {
        let more_requests = self.has_unread() && self.input.borrow().decoder.is_done();
        if self.source.is_some() && !self.filled {
            return Some(Step::Produce);
        }
        let collected =
            self.output.chain.len() < COLLECTED && !self.output.file && !self.pace.is_limited();
        let collected =
            collected && self.source.is_none() && self.request.response.takeover.is_none();
        if !(self.request.keep_alive && more_requests && collected)
            && let Some(step) = self.flush()
        {
            return Some(step);
        }
        if self.source.is_some() {
            self.filled = false;
            return self.produce_on();
        }
        if let Some(takeover) = self.request.response.takeover.take() {
            return Some(Step::Takeover(takeover));
        }
        self.finish();
        None
    }

    /// The answers to earlier requests are not to wait for what this one does; what the kernel does
    /// not take now goes out with the next answer.
    pub(super) fn send_collected(&mut self) {
        self.output.send(self.io, self.settings(), u64::MAX);
    }

    /// Sends what is queued. `None`: all of it went, or the connection is broken and closes.
    pub(super) fn flush(&mut self) -> Option<Step> {
        let before = self.output.sent;
        let settings = self.settings();
        let left = self.output.len();
        let passed = rt::now().saturating_sub(self.request.started);
        let share = match self.pace.share(passed, self.queued.saturating_sub(left), left) {
            Ok(share) => share,
            // Nothing is left, or nobody takes it, which sending tells.
            Err(_) if left == 0 || self.io.is_broken() => u64::MAX,
            // Whether who says no more still listens tells one byte ahead of its time: who has gone answers it with a reset.
            Err(_) if self.is_hung_up() => {
                self.asked_after = true;
                1
            }
            Err(ms) => return Some(Step::Pace(ms)),
        };
        let sent = self.output.send(self.io, settings, share);
        let count = (self.output.sent - before) as usize;
        if count > 0 {
            self.trace(Happening::DataOut(count));
            self.trace(Happening::DataSent(self.output.len()));
        }
        match sent {
            Sent::All => {
                if let Some(block) = &mut self.out {
                    block.clear();
                }
                None
            }
            Sent::Blocked => {
                self.io.set_timeout(settings.send_timeout);
                Some(Step::Write)
            }
            Sent::Yield => Some(Step::Yield),
            Sent::Offload => match self.output.piece(self.io, settings, share) {
                Ok(piece) => Some(Step::Offload(piece)),
                Err(fault) => self.fail(&fault),
            },
            Sent::Failed(fault) => self.fail(&fault),
        }
    }

    /// Whether the client has closed its side, and it is not known yet whether it has gone altogether.
    pub(super) fn is_hung_up(&self) -> bool {
        self.io.hung_up() && !self.asked_after
    }

    /// Another thread's piece of work is done.
    pub(crate) fn took(&mut self, result: io::Result<(usize, Vec<u8>)>) -> Option<Step> {
        match self.output.took(self.io, result) {
            Ok(()) => None,
            Err(fault) => self.fail(&fault),
        }
    }

    /// The answer cannot be completed: the connection must not pretend that it was.
    pub(super) fn fail(&mut self, fault: &OutputError) -> Option<Step> {
        match fault {
            OutputError::Connection(error) => self.request.error(
                Level::Info,
                format_args!("send() failed {} while sending to client", sys::log::errno(error)),
            ),
            OutputError::File(error) => self.request.error(
                Level::Alert,
                format_args!("pread() failed {} while sending to client", sys::log::errno(error)),
            ),
            OutputError::Source(why) => self
                .request
                .error(Level::Error, format_args!("the answer's body ended too early: {why}")),
            OutputError::Shrunk => self.request.error(
                Level::Alert,
                format_args!("the file was truncated while it was sent, closing the connection"),
            ),
        }
        if matches!(fault, OutputError::Connection(_)) {
            self.trace(Happening::ClientDisconnect);
        }
        self.source = None;
        if let OutputError::Source(_) = fault {
            // What there is of it goes out, behind the answers before it. Where nothing frames the body, its end would be
            // taken for the whole's.
            let response = &self.request.response;
            if !response.chunked && response.content_length.is_none() {
                self.io.reset_on_close();
            }
            self.log(0);
            self.state = ConnectionState::Close;
            return None;
        }
        if !matches!(self.state, ConnectionState::Head | ConnectionState::Close) {
            self.log(self.output.len());
        }
        self.output.clear();
        self.state = ConnectionState::Close;
        Some(Step::Close)
    }

    /// The answer is with the kernel, or queued before those of further requests.
    pub(super) fn finish(&mut self) {
        self.trace(Happening::ResponseDone);
        self.request.is_answered = true;
        self.log(0);
        self.io.count_request();
        let keep_alive = self.request.keep_alive;
        self.idle_timeout = Some(self.settings().keepalive_timeout);
        if !keep_alive {
            self.state = match self.lingers() {
                true => self.start_lingering(),
                false => ConnectionState::Close,
            };
            return;
        }
        if !self.input.borrow().decoder.is_done() {
            self.deadline = rt::now() + self.settings().lingering_time;
            self.state = ConnectionState::Discard;
            return;
        }
        self.next();
    }

    pub(super) fn next(&mut self) {
        self.request.reset();
        self.input.borrow_mut().end_body();
        (self.pace, self.asked_after) = (Pace::default(), false);
        self.deadline = 0;
        self.state = ConnectionState::Head;
        if self.has_unread() {
            self.request.is_pipelined = true;
            self.trace(Happening::PeekRequest);
        }
    }

    /// The request at hand has ended with `left` bytes of its answer not sent.
    pub(super) fn log(&mut self, left: u64) {
        let request = &mut self.request;
        request.body_received = self.input.borrow().received;
        request.bytes_sent = std::mem::take(&mut self.queued).saturating_sub(left);
        let location = request.location();
        location.loggers.iter().for_each(|logger| logger.log(request));
    }
}

/// The body, if it is one short string in memory.
fn only_memory(body: &Chain) -> Option<Str> {
    match body.iter().next()? {
        Buf::Memory(bytes) if bytes.len() as u64 == body.len() && bytes.len() <= COPIED => {
            Some(bytes.clone())
        }
        _ => None,
    }
}
