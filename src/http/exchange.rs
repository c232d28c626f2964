//! A connection's exchange: requests in, answers out, as far as that goes without waiting.
//!
//! ```text
//!          ┌──────────────── next request ────────────────┐
//!          ▼                                              │
//!  Head: read, parse ─▶ Run: phases ─▶ Send ─▶ (Discard the body) ─▶ Linger, close
//! ```
//! [`Exchange::advance`] goes through these states until something must be waited for, and says what.
//! The ready path calls it once and keeps nothing; a task calls it again after each wait.

use std::io;

use mem::{Block, Chain, Data, Str};
use proto::http1::{self, Body, Method, Name, Parsed, Reject, Version};
use rt::Conn;
use sys::log::Level;

use crate::api::{Flow, Handler};
use crate::body::Rest;
use crate::output::{Fault, Output, Piece, Sent};
use crate::phases::{self, Outcome};
use crate::request::Request;
use crate::service::Port;
use crate::settings::{Lingering, Settings};
use crate::{Happening, errors, render};

/// One read's room. A head that does not fit grows up to `large_client_header_buffers`.
const READ: usize = 4096;
/// A body in memory up to this size is copied behind its head: one plain send, not a gathered one.
const COPIED: usize = 4096;
/// Answers to pipelined requests are collected up to this size before they are sent.
const COLLECTED: u64 = 64 << 10;

/// What must be waited for.
pub enum Step {
    /// Nothing: the connection is idle and keeps nothing.
    Idle,
    /// Nothing: the connection is to be closed.
    Close,
    /// Bytes from the client.
    Read,
    /// Room for bytes to the client.
    Write,
    /// The turn of others.
    Yield,
    /// Another thread's work.
    Offload(Piece),
    /// A handler.
    Wait(&'static dyn Handler),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Head,
    Run,
    Send,
    Discard,
    Linger,
    Close,
}

/// A connection at work: the request at hand, and what is read and not yet sent.
pub struct Exchange {
    /// The connection.
    pub conn: Conn,
    /// The request at hand.
    pub request: Request,
    port: &'static Port,
    state: State,
    input: Option<Block>,
    /// How much of the input is used up.
    start: usize,
    rest: Rest,
    out: Option<Block>,
    output: Output,
    /// Room for rendering a head.
    head: Vec<u8>,
    /// When the waiting for a head or for a lingering client must end, in the loop's milliseconds.
    deadline: u64,
    /// `100 Continue` is owed before the body is read.
    expects_continue: bool,
    /// Bytes of the answer at hand, head included.
    queued: u64,
    /// How long the connection may be idle after the latest answer.
    idle_timeout: Option<u64>,
}

impl Exchange {
    pub(crate) fn new(conn: Conn, port: &'static Port) -> Exchange {
        Exchange {
            conn,
            request: Request::new(conn, port),
            port,
            state: State::Head,
            input: None,
            start: 0,
            rest: Rest::Done,
            out: None,
            output: Output::default(),
            head: Vec::new(),
            deadline: 0,
            expects_continue: false,
            queued: 0,
            idle_timeout: None,
        }
    }

    /// Makes it ready for another connection.
    pub(crate) fn reuse(&mut self, conn: Conn, port: &'static Port) {
        self.conn = conn;
        self.port = port;
        self.request.conn = conn;
        self.request.port = port;
        self.request.reset();
    }

    /// Gives its buffers back; keeps its small memory for another connection.
    pub(crate) fn release(&mut self) {
        self.request.reset();
        self.state = State::Head;
        self.input = None;
        self.start = 0;
        self.rest = Rest::Done;
        self.out = None;
        self.output.clear();
        self.deadline = 0;
        self.expects_continue = false;
        self.queued = 0;
        self.idle_timeout = None;
    }

    fn settings(&self) -> &'static Settings {
        &self.request.location().settings
    }

    /// Goes on until something must be waited for.
    pub fn advance(&mut self) -> Step {
        loop {
            let step = match self.state {
                State::Head => self.read_head(),
                State::Run => {
                    let outcome = phases::run(&mut self.request);
                    self.settle(outcome)
                }
                State::Send => self.send(),
                State::Discard => self.discard(),
                State::Linger => self.linger(),
                State::Close => Some(Step::Close),
            };
            if let Some(step) = step {
                return step;
            }
        }
    }

    /// Goes on with what a handler's wait came to.
    pub(crate) fn waited(&mut self, flow: Flow) -> Option<Step> {
        let outcome = phases::waited(&mut self.request, flow);
        self.settle(outcome)
    }

    fn settle(&mut self, outcome: Outcome) -> Option<Step> {
        match outcome {
            Outcome::Respond => self.respond(),
            Outcome::Close => self.state = State::Close,
            Outcome::Wait(handler) => return Some(Step::Wait(handler)),
        }
        None
    }

    // ── Head ────────────────────────────────────────────────────────────────────────────────────

    fn read_head(&mut self) -> Option<Step> {
        loop {
            match self.parse_head() {
                Ok(Parsed::Complete) => return None,
                Ok(Parsed::Partial) => {}
                Err(reject) => {
                    self.reject(&reject);
                    return None;
                }
            }
            if !self.output.is_empty()
                && let Some(step) = self.flush()
            {
                return Some(step);
            }
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

    fn unread(&self) -> &[u8] {
        self.input.as_ref().map_or(&[], |block| &block.filled()[self.start..])
    }

    fn parse_head(&mut self) -> Result<Parsed, Reject> {
        let Some(block) = &mut self.input else { return Ok(Parsed::Partial) };
        if block.len() == self.start {
            return Ok(Parsed::Partial);
        }
        let limits = &self.request.server.location().settings.limits;
        let head = &mut self.request.head;
        if http1::parse(&block.filled()[self.start..], head, limits)? == Parsed::Partial {
            return Ok(Parsed::Partial);
        }
        let len = head.len;
        self.request.bytes = block.share(self.start..self.start + len);
        self.start += len;
        self.begin();
        Ok(Parsed::Complete)
    }

    /// A head is complete: which server is it for, and may it go on?
    fn begin(&mut self) {
        self.state = State::Run;
        self.deadline = 0;
        let request = &mut self.request;
        request.started = rt::now();
        request.number = self.conn.requests() + 1;
        request.method = request.head.method;
        let checked = check(request);
        request.keep_alive = http1::keep_alive(&request.head, &request.bytes);
        match checked {
            Ok(()) => {
                self.rest = Rest::new(request.body);
                self.expects_continue = !self.rest.is_done() && expects_continue(request);
                if request.head.dropped > 0 {
                    let count = request.head.dropped;
                    request.error(
                        Level::Info,
                        format_args!("client sent {count} invalid header lines, ignored"),
                    );
                }
            }
            Err(reject) => self.reject(&reject),
        }
    }

    fn reject(&mut self, reject: &Reject) {
        let request = &mut self.request;
        request.keep_alive = false;
        if request.bytes.is_empty()
            && let Some(block) = &mut self.input
        {
            // For the log: the line, as far as it came.
            let line = request.head.request_line;
            let end = (self.start + line.end as usize).min(block.len());
            request.bytes = block.share(self.start..end);
        }
        if request.started == 0 {
            request.started = rt::now();
        }
        request.number = self.conn.requests() + 1;
        request.error(Level::Info, format_args!("{}", reject.reason));
        let outcome = phases::resume(request, Flow::Status(reject.status));
        let step = self.settle(outcome);
        debug_assert!(step.is_none(), "an error page that must be waited for");
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
    fn read(&mut self) -> io::Result<usize> {
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

    fn go_idle(&mut self) -> Step {
        // Without an answer since, the deadline that is set stays.
        if let Some(timeout) = self.idle_timeout.take() {
            self.conn.set_timeout(timeout);
        }
        Step::Idle
    }

    // ── Answer ──────────────────────────────────────────────────────────────────────────────────

    /// The answer is made: its header is filtered and rendered, its body queued.
    fn respond(&mut self) {
        self.state = State::Send;
        if self.request.response.head_done {
            return;
        }
        self.prepare();
        let mut head = std::mem::take(&mut self.head);
        head.clear();
        render::head(&mut self.request, &mut head);
        self.request.head_sent = head.len() as u64;
        let no_body = self.request.is_head()
            || matches!(self.request.response.status, 204 | 304)
            || self.request.response.status < 200;
        self.output.begin(self.request.response.file.take());
        let body = &mut self.request.response.body;
        if no_body {
            body.clear();
        }
        if let Some(bytes) = only_memory(body) {
            head.extend_from_slice(&bytes);
            body.clear();
        }
        self.queue(&head);
        self.queued = head.len() as u64 + self.request.response.body.len();
        self.head = head;
        self.output.chain.append(&mut self.request.response.body);
        self.trace(Happening::RequestAccepted(self.request.response.status));
    }

    /// Filters the header and decides how the body ends and whether the connection goes on.
    fn prepare(&mut self) {
        let request = &mut self.request;
        if let Some(status) = request.forced_status.take()
            && matches!(request.response.status, 200)
        {
            request.response.status = status;
        }
        for filter in &request.location().filters {
            if let Some(status) = filter.header(request) {
                // The page of that status is not filtered again.
                if !matches!(errors::answer(request, status), Flow::Respond) {
                    errors::plain_page(request, status);
                }
                break;
            }
        }
        let unread = !self.rest.is_done();
        self.decide_keep_alive();
        let request = &mut self.request;
        let unknown = request.response.content_length.is_none()
            && !matches!(request.response.status, 100..=199 | 204 | 304);
        if unknown {
            let may = request.location().settings.chunked_transfer_encoding;
            request.response.chunked = may && request.version() == Version::V11;
            request.keep_alive &= request.response.chunked || request.is_head();
        }
        // Whether the client still sends its body is open: it was told to wait for our word.
        if unread && self.expects_continue {
            request.keep_alive = false;
        }
    }

    fn decide_keep_alive(&mut self) {
        let settings = self.settings();
        let age = rt::now().saturating_sub(self.conn.opened());
        self.request.keep_alive &= settings.keepalive_timeout > 0
            && u64::from(self.request.number) < settings.keepalive_requests
            && age < settings.keepalive_time
            && !rt::draining();
    }

    /// Appends bytes to what goes out, behind each other in one block as long as they fit.
    fn queue(&mut self, bytes: &[u8]) {
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

    fn send(&mut self) -> Option<Step> {
        let more_requests = !self.unread().is_empty() && self.rest.is_done();
        let collected = self.output.chain.len() < COLLECTED && self.output.file.is_none();
        if !(self.request.keep_alive && more_requests && collected)
            && let Some(step) = self.flush()
        {
            return Some(step);
        }
        self.finish();
        None
    }

    /// Sends what is queued. `None`: all of it went, or the connection is broken and closes.
    fn flush(&mut self) -> Option<Step> {
        let before = self.output.sent;
        let settings = self.settings();
        let sent = self.output.send(self.conn, settings);
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
                self.conn.set_timeout(settings.send_timeout);
                Some(Step::Write)
            }
            Sent::Yield => Some(Step::Yield),
            Sent::Offload => match self.output.piece(self.conn, settings) {
                Ok(piece) => Some(Step::Offload(piece)),
                Err(fault) => self.fail(&fault),
            },
            Sent::Failed(fault) => self.fail(&fault),
        }
    }

    /// Another thread's piece of work is done.
    pub(crate) fn took(&mut self, result: io::Result<(usize, Vec<u8>)>) -> Option<Step> {
        match self.output.took(self.conn, result) {
            Ok(()) => None,
            Err(fault) => self.fail(&fault),
        }
    }

    /// The answer cannot be completed: the connection must not pretend that it was.
    fn fail(&mut self, fault: &Fault) -> Option<Step> {
        match fault {
            Fault::Connection(error) => self.request.error(
                Level::Info,
                format_args!("send() failed {} while sending to client", sys::log::errno(error)),
            ),
            Fault::File(error) => self.request.error(
                Level::Alert,
                format_args!("pread() failed {} while sending to client", sys::log::errno(error)),
            ),
            Fault::Changed => self.request.error(
                Level::Alert,
                format_args!("the file was changed while it was sent, closing the connection"),
            ),
        }
        if self.state != State::Head {
            self.log(self.output.len());
        }
        self.output.clear();
        self.state = State::Close;
        Some(Step::Close)
    }

    /// The answer is with the kernel, or queued before those of further requests.
    fn finish(&mut self) {
        self.trace(Happening::ResponseDone);
        self.log(0);
        self.conn.count_request();
        let keep_alive = self.request.keep_alive;
        self.idle_timeout = Some(self.settings().keepalive_timeout);
        if !keep_alive {
            self.state = match self.lingers() {
                true => self.start_lingering(),
                false => State::Close,
            };
            return;
        }
        if !self.rest.is_done() {
            self.deadline = rt::now() + self.settings().lingering_time;
            self.state = State::Discard;
            return;
        }
        self.next();
    }

    fn next(&mut self) {
        self.request.reset();
        self.deadline = 0;
        self.state = State::Head;
        if !self.unread().is_empty() {
            self.trace(Happening::PeekRequest);
        }
    }

    /// The request at hand has ended with `left` bytes of its answer not sent.
    fn log(&mut self, left: u64) {
        let request = &mut self.request;
        request.bytes_sent = std::mem::take(&mut self.queued).saturating_sub(left);
        let location = request.location();
        location.loggers.iter().for_each(|logger| logger.log(request));
    }

    // ── The rest of a body, and the end ─────────────────────────────────────────────────────────

    /// Reads on and throws away, so that the next request can be found.
    fn discard(&mut self) -> Option<Step> {
        match self.take_body(|_| {}) {
            Ok(true) => {
                self.next();
                return None;
            }
            Ok(false) => {}
            Err(_) => {
                self.state = State::Close;
                return None;
            }
        }
        match self.read() {
            Ok(0) => self.state = State::Close,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let left = self.deadline.saturating_sub(rt::now());
                if left == 0 {
                    self.state = State::Close;
                    return None;
                }
                self.conn.set_timeout(self.settings().lingering_timeout.min(left));
                return Some(Step::Read);
            }
            Err(_) => self.state = State::Close,
        }
        None
    }

    /// Takes what the input has of the body. `true`: that was all of it. The error is a status.
    fn take_body(&mut self, mut content: impl FnMut(&[u8])) -> Result<bool, u16> {
        let most = self.settings().client_max_body_size;
        while !self.rest.is_done() {
            let input = self.input.as_ref().map_or(&[][..], |block| &block.filled()[self.start..]);
            let part = self.rest.take(input).map_err(|reject| reject.status)?;
            self.request.body_received += part.content.len() as u64;
            if most != 0 && self.request.body_received > most {
                return Err(413);
            }
            content(&input[part.content.clone()]);
            self.start += part.consumed;
            if part.consumed == 0 && !self.rest.is_done() {
                break;
            }
        }
        self.trace(Happening::DataReceived(self.rest.left()));
        Ok(self.rest.is_done())
    }

    /// Reads the whole body into memory, at most `limit` bytes of it. The error is a status to answer
    /// with.
    pub async fn read_body(&mut self, limit: usize) -> Result<Vec<u8>, u16> {
        let mut body = Vec::new();
        let timeout = self.settings().client_body_timeout;
        self.continue_();
        loop {
            let done = self.take_body(|part| body.extend_from_slice(part))?;
            if body.len() > limit {
                return Err(413);
            }
            if done {
                return Ok(body);
            }
            match self.read() {
                Ok(0) => return Err(400),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.conn.set_timeout(timeout);
                    self.conn.readable().await.map_err(|_| 408u16)?;
                }
                Err(_) => return Err(400),
            }
        }
    }

    /// Tells a client that waits for our word to send its body.
    fn continue_(&mut self) {
        if std::mem::take(&mut self.expects_continue) && self.unread().is_empty() {
            self.queue(b"HTTP/1.1 100 Continue\r\n\r\n");
            // If the kernel takes it only later, it goes out with the answer.
            let settings = self.settings();
            self.output.send(self.conn, settings);
        }
    }

    fn lingers(&self) -> bool {
        let may_be_sending =
            !self.rest.is_done() || !self.unread().is_empty() || self.conn.is_readable();
        match self.settings().lingering_close {
            Lingering::Off => false,
            Lingering::On => may_be_sending && !self.conn.hung_up(),
            Lingering::Always => !self.conn.hung_up(),
        }
    }

    /// A close while the client is sending would reset the connection, and take the answer with it:
    /// only our side closes, and what still comes is thrown away.
    fn start_lingering(&mut self) -> State {
        self.conn.shutdown_write();
        self.deadline = rt::now() + self.settings().lingering_time;
        self.input = None;
        self.start = 0;
        State::Linger
    }

    fn linger(&mut self) -> Option<Step> {
        let mut scratch = Block::take(READ);
        loop {
            match self.conn.read(scratch.spare_mut()) {
                Ok(0) => break,
                Ok(_) if rt::now() < self.deadline => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let left = self.deadline.saturating_sub(rt::now());
                    if left == 0 {
                        break;
                    }
                    self.conn.set_timeout(self.settings().lingering_timeout.min(left));
                    return Some(Step::Read);
                }
                Ok(_) | Err(_) => break,
            }
        }
        self.state = State::Close;
        None
    }

    /// What was waited for did not come in time.
    pub(crate) fn timed_out(&mut self) {
        match self.state {
            State::Head if !self.unread().is_empty() => {
                let message = "client timed out while reading client request headers";
                self.request.error(Level::Info, format_args!("{message}"));
                self.request.response.status = 408;
                self.log(0);
            }
            State::Send => {
                let message = "client timed out while sending to client";
                self.request.error(Level::Info, format_args!("{message}"));
                self.log(self.output.len());
            }
            _ => {}
        }
        if self.settings().reset_timedout_connection && self.state != State::Linger {
            self.conn.reset_on_close();
        }
        self.state = State::Close;
    }

    pub(crate) fn trace(&self, happening: Happening<'_>) {
        self.port.trace(self.conn, happening);
    }
}

/// The body, if it is one short string in memory.
fn only_memory(body: &Chain) -> Option<Str> {
    match &body.iter().next()?.data {
        Data::Memory(bytes) if bytes.len() as u64 == body.len() && bytes.len() <= COPIED => {
            Some(bytes.clone())
        }
        _ => None,
    }
}

fn expects_continue(request: &Request) -> bool {
    let expects = request.header(Name::Expect);
    request.version() == Version::V11
        && expects.is_some_and(|value| value.eq_ignore_ascii_case(b"100-continue"))
}

/// nginx's checks of a complete head, in its order; sets host, server, framing and URI.
fn check(request: &mut Request) -> Result<(), Reject> {
    set_host(request)?;
    request.body = http1::framing(&request.head, &request.bytes)?;
    if matches!(request.method, Method::Trace | Method::Connect) {
        request.body = Body::None;
        return Err(Reject::new(405, "client sent a method that is not served"));
    }
    set_uri(request)
}

fn set_host(request: &mut Request) -> Result<(), Reject> {
    const NO_HOST: Reject = Reject::new(
        400,
        "client sent HTTP/1.1 request without \"Host\" header while reading client request headers",
    );
    let field = request.header_str(Name::Host);
    if field.is_none() && request.version() >= Version::V11 {
        return Err(NO_HOST);
    }
    // A Host field is checked even if the target has a host of its own, which wins.
    let mut host = field.as_ref().map(|field| (field, http1::host(field))).map(|(field, host)| {
        host.map(|found| match field.slice_of(&found.host) {
            Some(shared) => shared,
            None => request.pool.copy(&found.host),
        })
    });
    if let Some(target) = request.head.host_in_target {
        let found = http1::host(target.of(&request.bytes))?;
        host = Some(Ok(request.pool.copy(&found.host)));
    }
    request.hosts = request.port.hosts_for(request.conn);
    request.server = request.hosts.default_server();
    request.location = request.server.location();
    if let Some(host) = host.transpose()? {
        request.server = request.hosts.find(&host, &mut request.captures);
        request.location = request.server.location();
        request.host = host;
    }
    Ok(())
}

fn set_uri(request: &mut Request) -> Result<(), Reject> {
    const BAD: Reject = Reject::new(400, "client sent invalid request");
    let merge = request.server.location().settings.merge_slashes;
    let path = request.head.path;
    let args = request.head.args;
    request.args = request.bytes.slice(args.start as usize..args.end as usize);
    if proto::uri::is_plain(path.of(&request.bytes), merge) {
        request.uri = request.bytes.slice(path.start as usize..path.end as usize);
        return Ok(());
    }
    request.scratch.clear();
    let normalized = proto::uri::normalize(path.of(&request.bytes), merge, &mut request.scratch);
    normalized.map_err(|_| BAD)?;
    request.uri = request.pool.copy(&request.scratch);
    Ok(())
}
