//! A stream: one request and its answer, as far as that goes without waiting; then in a task of its own.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http_types::request::Parts;
use proto::http1::Body as Framing;
use rt::Io;
use sys::log::Level;

use super::head;
use super::incoming::{Incoming, Terms};
use super::layer::StreamLayer;
use super::output::{Fault, Output};
use super::piece::Piece;
use super::render;
use super::schedule::Priority;
use super::shared::Shared;
use super::waits::{self, Reply};
use crate::Happening;
use crate::block::settings::{Lingering, Settings};
use crate::body::{Body, Source};
use crate::error::Error;
use crate::request::check;
use crate::request::connect_info::ConnectInfo;
use crate::request::flow::Flow;
use crate::request::phases::{self, Outcome};
use crate::request::{Handler, Request};
use crate::response::filters;
use crate::response::pace::Pace;
use crate::response::takeover::{End, Session};

/// An answer up to this size is sent without a task, if it fits.
const AT_ONCE: u64 = 64 << 10;
/// So much room is asked for at once.
const ROOM: u64 = 64 << 10;

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
    shared: Rc<Shared>,
    /// The request.
    pub request: Request,
    /// How it is answered; none: it was taken over.
    reply: Option<Reply>,
    /// What the client sends, if it sends anything: the request's body, or what comes through a tunnel.
    recv: Option<Rc<RefCell<RecvStream>>>,
    send: Option<SendStream<Piece>>,
    output: Output,
    source: Option<Box<dyn Source>>,
    /// So many bytes the head has promised of it, that it has not given yet.
    promised: Option<u64>,
    pace: Pace,
    /// Bytes of the answer, head included.
    sent: u64,
    /// Of the request's body.
    terms: Rc<Terms>,
    /// Its end has gone out.
    is_complete: bool,
    logged: bool,
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
            request: Request::new(info, shared.listener),
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

    /// The body, if it is all there and fits.
    fn send_at_once(&mut self) -> Step {
        let len = self.output.chain.len();
        let Some(send) = &mut self.send else { return Step::Done };
        if self.source.is_some() || self.pace.is_limited() || len > AT_ONCE {
            return Step::Send;
        }
        if len > 0 {
            send.reserve_capacity(len as usize);
            if (send.capacity() as u64) < len {
                return Step::Send;
            }
        }
        match self.push(len) {
            Ok(()) => self.end(),
            Err(fault) => {
                self.fail(&fault);
                Step::Done
            }
        }
    }

    /// Whether nothing follows what is in the output.
    fn is_last(&self) -> bool {
        self.source.is_none()
            && !self.request.response.has_trailers
            && self.request.response.takeover.is_none()
    }

    /// Sends up to `room` bytes of what waits, for which there is room.
    fn push(&mut self, mut room: u64) -> Result<(), Fault> {
        let chunk = self.settings().http2.chunk as u64;
        while room > 0 && !self.output.chain.is_empty() {
            let piece = self.output.take(chunk.min(room) as usize)?;
            let len = piece.len() as u64;
            let ends = self.output.chain.is_empty() && self.is_last();
            let Some(send) = &mut self.send else { return Err(Fault::Gone) };
            send.send_data(piece.into(), ends).map_err(|_| Fault::Gone)?;
            room -= len;
            self.sent += len;
            self.shared.traffic.borrow_mut().sent(len);
            if ends {
                self.is_complete = true;
            }
        }
        Ok(())
    }

    /// All of the body has gone out.
    fn end(&mut self) -> Step {
        if self.is_complete {
            return self.finish();
        }
        if self.request.response.takeover.is_some() {
            return Step::Takeover;
        }
        let mut fields = self.source.take().and_then(|mut source| source.trailers());
        if self.request.response.has_trailers {
            let fields = fields.get_or_insert_default();
            for trailers in &self.request.location().trailers {
                trailers.fields(&mut self.request, fields);
            }
        }
        let Some(send) = &mut self.send else { return Step::Done };
        let sent = match fields {
            Some(fields) if !fields.is_empty() => send.send_trailers(render::trailers(&fields)),
            _ => send.send_data(Piece::default(), true),
        };
        match sent {
            Ok(()) => self.finish(),
            Err(_) => {
                self.fail(&Fault::Gone);
                Step::Done
            }
        }
    }

    fn finish(&mut self) -> Step {
        self.request.trace(Happening::ResponseDone);
        self.shared.traffic.borrow_mut().answered();
        self.log();
        let lingers = self.settings().lingering_close != Lingering::Off;
        match &self.recv {
            Some(recv) if lingers && !recv.borrow().is_end_stream() => Step::Linger,
            _ => Step::Done,
        }
    }

    fn settings(&self) -> &'static Settings {
        &self.request.location().settings
    }

    /// There are clients that take the word that they need not go on for a failure, even behind the whole answer: they have
    /// a while, and the room of one window, to come to their end.
    async fn linger(&mut self) {
        let Some(recv) = self.recv.take() else { return };
        let settings = self.settings();
        let mut left = settings.http2.window as usize;
        let mut sleep = rt::sleep(settings.lingering_timeout.min(settings.lingering_time));
        poll_fn(|cx| {
            loop {
                match recv.borrow_mut().poll_data(cx) {
                    Poll::Ready(Some(Ok(bytes))) if bytes.len() < left => left -= bytes.len(),
                    Poll::Ready(_) => return Poll::Ready(()),
                    Poll::Pending => return Pin::new(&mut sleep).poll(cx),
                }
            }
        })
        .await;
    }

    /// The answer cannot be completed: the client must not take what it has for all of it.
    fn fail(&mut self, fault: &Fault) {
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

    fn log(&mut self) {
        if std::mem::replace(&mut self.logged, true) {
            return;
        }
        let request = &mut self.request;
        request.body_received = self.terms.received.get();
        request.bytes_sent = self.sent;
        let location = request.location();
        location.loggers.iter().for_each(|logger| logger.log(request));
    }

    /// The next piece of the body is there; `false`: that was all.
    async fn produce(&mut self) -> Result<bool, Fault> {
        let (Some(source), Some(send)) = (&mut self.source, &mut self.send) else {
            return Ok(false);
        };
        let wrong = |why: &str| Err(Fault::Source(Error::invalid(why)));
        self.shared.schedule.borrow_mut().pauses(send.stream_id().as_u32());
        match waits::source(send, &mut **source).await? {
            Some(mut piece) => {
                if let Some(left) = &mut self.promised {
                    match left.checked_sub(piece.len()) {
                        Some(rest) => *left = rest,
                        None => return wrong("it gives more than it has promised"),
                    }
                }
                self.output.chain.append(&mut piece);
                Ok(true)
            }
            None if self.promised.is_some_and(|left| left > 0) => {
                wrong("it gives less than it has promised")
            }
            None => Ok(false),
        }
    }

    /// How much may go out now, once something may (`limit_rate`).
    async fn share(&self) -> u64 {
        let left = self.output.chain.len();
        loop {
            let passed = rt::now().saturating_sub(self.request.started);
            match self.pace.share(passed, self.sent, left) {
                Ok(share) => return share.min(left).min(ROOM),
                Err(ms) => {
                    self.give_way(false);
                    rt::sleep(ms).await;
                }
            }
        }
    }

    /// Takes its place among those that have something to send.
    fn enter(&self) {
        let Some(send) = &self.send else { return };
        let asked = self.request.header_list("priority");
        let mut priority = match asked.is_empty() {
            true => Priority::default(),
            false => Priority::parse(&asked),
        };
        if let Some(said) = self.request.response.header("priority") {
            priority = priority.overridden(said);
        }
        self.shared.schedule.borrow_mut().enter(send.stream_id().as_u32(), priority);
    }

    /// It has nothing to send for now, or for good.
    fn give_way(&self, for_good: bool) {
        let Some(send) = &self.send else { return };
        let mut schedule = self.shared.schedule.borrow_mut();
        match for_good {
            true => schedule.leave(send.stream_id().as_u32()),
            false => schedule.pauses(send.stream_id().as_u32()),
        }
    }

    async fn send_body(&mut self) -> Result<(), Fault> {
        let timeout = self.settings().send_timeout;
        self.enter();
        loop {
            if self.output.chain.is_empty() {
                match self.produce().await? {
                    true => continue,
                    false => return Ok(()),
                }
            }
            let share = self.share().await;
            let Some(send) = &mut self.send else { return Err(Fault::Gone) };
            let room = waits::room(send, &self.shared, share as usize, timeout).await?;
            self.push(share.min(room as u64))?;
        }
    }
}

/// Drives a stream that has to wait to its end.
pub async fn drive(mut stream: Box<Stream>, mut step: Step) {
    loop {
        step = match step {
            Step::Done => return,
            Step::Takeover => return leave(stream),
            Step::Linger => return stream.linger().await,
            Step::Wait(handler) => {
                let Some(reply) = stream.reply.clone() else { return };
                let wait = handler.wait(&mut stream.request);
                let flow = waits::handler(reply, wait).await;
                let outcome = phases::waited(&mut stream.request, flow);
                stream.settle(outcome)
            }
            Step::Send => match stream.send_body().await {
                Ok(()) => stream.end(),
                Err(fault) => {
                    stream.fail(&fault);
                    Step::Done
                }
            },
        };
    }
}

/// The stream leaves HTTP. What a request needs is given back; what a log line needs is kept until its end.
pub fn leave(mut stream: Box<Stream>) {
    stream.give_way(true);
    let (takeover, send) = (stream.request.response.takeover.take(), stream.send.take());
    let (Some(takeover), Some(send)) = (takeover, send) else { return };
    // The stream is its new owner's alone: when that drops it, it is given up.
    stream.reply = None;
    let settings = stream.settings();
    let recv = stream.recv.take().and_then(Rc::into_inner).map(RefCell::into_inner);
    let shared = stream.shared.clone();
    let layer = Box::new(StreamLayer::new(send, recv, settings.http2.chunk));
    give_up_silent(&shared, settings.send_timeout);
    let logged = !stream.request.location().loggers.is_empty();
    let mut lasting = Vec::new();
    let log: Option<Box<dyn FnOnce(u64)>> = match logged {
        true => {
            stream.request.compact();
            Some(Box::new(move |sent| {
                stream.sent += sent;
                stream.log();
            }))
        }
        false => {
            lasting = stream.request.lasting.take();
            stream.logged = true;
            drop(stream);
            None
        }
    };
    let session = |conn| Session::new(Io::new(conn), End { log, lasting });
    if rt::nest(shared.conn, layer, |conn| takeover.start(session(conn), Vec::new())).is_none() {
        sys::log!(Alert, "*{} worker_connections are not enough", shared.conn.serial());
    }
}

/// A client that has vanished is noticed by what it does not acknowledge.
fn give_up_silent(shared: &Shared, ms: u64) {
    if matches!(shared.conn.peer(), sys::socket::Peer::Inet(_)) && ms > 0 {
        let ms = ms.min(u64::from(u32::MAX)) as u32;
        let _ = sys::socket::set_user_timeout(shared.conn.fd(), ms);
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
