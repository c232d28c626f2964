//! A stream: one request and its answer, as far as that goes without waiting; then in a task of its own.

use std::cell::RefCell;
use std::rc::Rc;

use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http_types::request::Parts;
use proto::http1::Body as Framing;
use sys::log::Level;

use super::free::Lent;
use super::head;
use super::incoming::{Incoming, Terms};
use super::output::{Fault, Output};
use super::piece::Piece;
use super::render;
use super::shared::Shared;
use super::waits::Reply;
use crate::Happening;
use crate::block::settings::{Lingering, Settings};
use crate::body::{Body, Source};
use crate::request::Handler;
use crate::request::check;
use crate::request::connect_info::ConnectInfo;
use crate::request::flow::Flow;
use crate::request::phases::{self, Outcome};
use crate::response::filters;
use crate::response::pace::Pace;

/// What becomes of a stream.
pub enum Step {
    /// Nothing: it is over.
    Done,
    /// A handler is waited for.
    Wait(&'static dyn Handler),
    /// There is more of the body.
    Send,
    /// It is another's from now on.
    Takeover,
    /// It is answered, but the client is still sending.
    Linger,
}

/// A stream at work.
pub struct Stream {
    pub(super) shared: Rc<Shared>,
    /// The request.
    pub request: Lent,
    /// How it is answered; none: it was taken over.
    pub(super) reply: Option<Reply>,
    /// What the client sends, if it sends anything: the request's body, or what comes through a tunnel.
    pub(super) recv: Option<Rc<RefCell<RecvStream>>>,
    pub(super) send: Option<SendStream<Piece>>,
    pub(super) output: Output,
    pub(super) source: Option<Box<dyn Source>>,
    /// So many bytes the head has promised of it, that it has not given yet.
    pub(super) promised: Option<u64>,
    pub(super) pace: Pace,
    /// Bytes of the answer, head included.
    pub(super) sent: u64,
    /// Of the request's body.
    pub(super) terms: Rc<Terms>,
    /// Its end has gone out.
    pub(super) is_complete: bool,
    pub(super) logged: bool,
}

impl Stream {
    /// A request has come. `reply` is where its answer goes.
    pub fn new(
        shared: &Rc<Shared>,
        parts: &Parts,
        body: RecvStream,
        respond: SendResponse<Piece>,
        reply: &mut Option<Reply>,
    ) -> (Box<Stream>, Outcome) {
        // First: whoever must end the stream of a request that panics has it.
        *reply = Some(Rc::new(RefCell::new(respond)));
        let info = ConnectInfo::of(shared.conn);
        shared.enter();
        let mut stream = Box::new(Stream {
            request: Lent::take(info, shared.listener),
            shared: shared.clone(),
            reply: reply.clone(),
            recv: None,
            send: None,
            output: Output::default(),
            source: None,
            promised: None,
            pace: Pace::default(),
            sent: 0,
            terms: Rc::default(),
            is_complete: false,
            logged: false,
        });
        let outcome = stream.begin(parts, body);
        (stream, outcome)
    }

    fn begin(&mut self, parts: &Parts, body: RecvStream) -> Outcome {
        let request = &mut self.request;
        request.started = rt::now();
        request.keep_alive = true;
        self.shared.conn.count_request();
        rt::began_request();
        request.number = self.shared.conn.requests();
        let read = head::read(parts, request).and_then(|()| check::check(request));
        if let Err(reject) = read {
            request.error(Level::Info, format_args!("{}", reject.reason));
            return phases::resume(request, Flow::Status(reject.status));
        }
        if request.head.dropped > 0 {
            let count = request.head.dropped;
            let message = format_args!("client sent {count} invalid header lines, ignored");
            request.error(Level::Info, message);
        }
        if request.is_tunnel || body.is_end_stream() {
            request.framing = Framing::None;
        }
        if !body.is_end_stream() {
            self.recv = Some(Rc::new(RefCell::new(body)));
        }
        self.offer_body();
        phases::run(&mut self.request)
    }

    /// What the client sends is the request's body, unless it is what comes through a tunnel.
    fn offer_body(&mut self) {
        let (Some(reply), Some(body)) = (&self.reply, &self.recv) else { return };
        let request = &mut self.request;
        if request.is_tunnel {
            return;
        }
        let mut incoming = Incoming::new(body.clone(), reply.clone(), self.terms.clone());
        // Where no length is told, the end of the stream is that of the body.
        match request.framing {
            Framing::Length(length) => incoming.left = Some(length),
            _ => request.framing = Framing::Chunked,
        }
        incoming.owes_continue = check::expects_continue(request);
        request.body = Body::Source(Box::new(incoming));
    }

    /// How it is answered, for whoever must end it.
    pub fn reply(&self) -> Option<Reply> {
        self.reply.clone()
    }

    /// Goes on with what the phases came to, as far as that goes without waiting.
    pub fn settle(&mut self, mut outcome: Outcome) -> Step {
        loop {
            outcome = match outcome {
                Outcome::Wait(handler) => {
                    let settings = self.settings();
                    self.terms.most.set(settings.client_max_body_size);
                    self.terms.timeout.set(settings.client_body_timeout);
                    return Step::Wait(handler);
                }
                Outcome::Close(status) => {
                    self.request.response.status = status;
                    self.log();
                    self.reset(if status == 499 { Reason::CANCEL } else { Reason::INTERNAL_ERROR });
                    return Step::Done;
                }
                Outcome::Respond => match self.respond() {
                    Ok(step) => return step,
                    Err(outcome) => outcome,
                },
            };
        }
    }

    /// The answer is made: its header is filtered, which may replace it by an error's page.
    fn respond(&mut self) -> Result<Step, Outcome> {
        // RFC 8441 §5: a success would say that there is a tunnel.
        let is_success = (200..300).contains(&self.request.response.status);
        if self.request.is_tunnel && is_success && self.request.response.takeover.is_none() {
            self.request.is_tunnel = false;
            return Err(phases::resume(&mut self.request, Flow::Status(501)));
        }
        // Nobody wants what comes of the body, unless somebody has it: an answer may be made of it.
        self.request.body = Body::default();
        filters::header(&mut self.request)?;
        let request = &mut self.request;
        request.decide_framing();
        filters::body(request);
        request.check_length();
        if request.response.takeover.is_some() {
            request.response.content_length = None;
        }
        let by_threads = request.location().settings.aio_threads;
        self.pace = Pace::of(request);
        if request.has_bodiless_answer() {
            request.response.body.clear();
        }
        match std::mem::take(&mut request.response.body).by_threads(by_threads) {
            Body::Chain(chain) => self.output.chain = chain,
            Body::Source(source) => {
                self.promised = request.response.content_length;
                self.source = Some(source);
            }
        }
        Ok(self.send_head())
    }

    fn send_head(&mut self) -> Step {
        let request = &mut self.request;
        let response = &request.response;
        let ends = self.source.is_none()
            && self.output.chain.is_empty()
            && !response.has_trailers
            && response.takeover.is_none();
        let status = response.status;
        let head = render::head(request);
        let sending = match (head, &self.reply) {
            (Some((head, bytes)), Some(reply)) => {
                (request.head_sent, self.sent) = (bytes, bytes);
                reply.borrow_mut().send_response(head, ends).ok()
            }
            _ => None,
        };
        let Some(send) = sending else {
            // The client has given it up, or it is no answer that HTTP/2 knows.
            self.fail(&Fault::Gone);
            return Step::Done;
        };
        self.send = Some(send);
        request.trace(Happening::RequestAccepted(status));
        match ends {
            true => self.finish(),
            false => self.send_at_once(),
        }
    }

    pub(super) fn finish(&mut self) -> Step {
        // Who only waits for the client's end is in nobody's way.
        self.give_way(true);
        self.request.trace(Happening::ResponseDone);
        self.shared.traffic.borrow_mut().answered();
        self.request.is_answered = true;
        self.log();
        let lingers = self.settings().lingering_close != Lingering::Off;
        match &self.recv {
            Some(recv) if lingers && !recv.borrow().is_end_stream() => Step::Linger,
            _ => Step::Done,
        }
    }

    pub(super) fn settings(&self) -> &'static Settings {
        &self.request.location().settings
    }

    /// The answer cannot be completed: the client must not take what it has for all of it.
    pub(super) fn fail(&mut self, fault: &Fault) {
        let request = &self.request;
        match fault {
            Fault::Gone => request
                .error(Level::Info, format_args!("client closed stream while sending to client")),
            Fault::TimedOut => {
                request.error(Level::Info, format_args!("client timed out while sending to client"))
            }
            Fault::Source(why) => request
                .error(Level::Error, format_args!("the answer's body ended too early: {why}")),
            Fault::File(error) => request.error(
                Level::Alert,
                format_args!("pread() failed {} while sending to client", sys::log::errno(error)),
            ),
            Fault::Shrunk => request.error(
                Level::Alert,
                format_args!("the file was truncated while it was sent, closing the stream"),
            ),
        }
        self.source = None;
        self.log();
        self.reset(match fault {
            Fault::Gone | Fault::TimedOut => Reason::CANCEL,
            _ => Reason::INTERNAL_ERROR,
        });
    }

    /// Tells the client that nothing more comes of it.
    fn reset(&mut self, reason: Reason) {
        match (&mut self.send, &self.reply) {
            (Some(send), _) => send.send_reset(reason),
            (None, Some(reply)) => reply.borrow_mut().send_reset(reason),
            (None, None) => {}
        }
    }

    pub(super) fn log(&mut self) {
        if std::mem::replace(&mut self.logged, true) {
            return;
        }
        let request = &mut self.request;
        request.body_received = self.terms.received.get();
        request.bytes_sent = self.sent;
        let location = request.location();
        location.loggers.iter().for_each(|logger| logger.log(request));
    }
}

/// Whichever way it ends, it is logged.
impl Drop for Stream {
    fn drop(&mut self) {
        self.give_way(true);
        if !self.logged {
            if self.send.is_none() {
                self.request.response.status = if std::thread::panicking() { 500 } else { 499 };
            }
            self.log();
        }
        self.shared.leave();
    }
}
