//! A connection's exchange: requests in, answers out, as far as that goes without waiting.
//!
//! ```text
//!          ┌──────────────── next request ────────────────┐
//!          ▼                                              │
//!  Head: read, parse ─▶ Run: phases ─▶ Send ─▶ (Discard the body) ─▶ Linger, close
//! ```
//! [`Exchange::advance`] goes through these states until something must be waited for, and says what.
//! The ready path calls it once and keeps nothing; a task calls it again after each wait.

mod answer;
mod check;
mod head;
mod produce;
mod rest;

use std::task::Poll;

use mem::Block;
use rt::Conn;
use sys::log::Level;

use crate::Happening;
use crate::api::{Flow, Handler};
use crate::body::Source;
use crate::decoder::Decoder;
use crate::output::{Output, Piece};
use crate::pace::Pace;
use crate::phases::{self, Outcome};
use crate::request::Request;
use crate::service::Port;
use crate::settings::Settings;
use crate::takeover::Takeover;

/// One read's room. A head that does not fit grows up to `large_client_header_buffers`.
const READ: usize = 4096;

/// A client that sends request after request without a pause has so many reads in one turn.
const READS: u32 = 16;

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
    /// So many milliseconds: the answer is not to go out faster.
    Pace(u64),
    /// Another thread's work.
    Offload(Piece),
    /// A handler.
    Wait(&'static dyn Handler),
    /// More of the answer's body.
    Produce,
    /// Nothing: the connection is another's from now on.
    Takeover(Box<dyn Takeover>),
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
    rest: Decoder,
    out: Option<Block>,
    output: Output,
    /// What the rest of the answer's body comes from.
    source: Option<Box<dyn Source>>,
    /// It has given nothing when it was asked last, or enough: what there is goes out first.
    filled: bool,
    /// How fast the answer goes out.
    pace: Pace,
    /// Pieces of it in this turn.
    pieces: u32,
    /// Room for rendering a head.
    head: Vec<u8>,
    /// When the waiting for a head or for a lingering client must end, in the loop's milliseconds.
    deadline: u64,
    /// `100 Continue` is owed before the body is read.
    expects_continue: bool,
    /// Bytes of the answer at hand, head included.
    queued: u64,
    /// Reads in this turn.
    reads: u32,
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
            rest: Decoder::Done,
            out: None,
            output: Output::default(),
            source: None,
            filled: false,
            pace: Pace::default(),
            pieces: 0,
            head: Vec::new(),
            deadline: 0,
            expects_continue: false,
            queued: 0,
            reads: 0,
            idle_timeout: None,
        }
    }

    /// Takes another connection on, after [`Exchange::release`].
    pub(crate) fn reuse(&mut self, conn: Conn, port: &'static Port) {
        self.conn = conn;
        self.port = port;
        self.request.attach(conn, port);
    }

    /// Gives its buffers back; keeps its small memory for another connection.
    pub(crate) fn release(&mut self) {
        self.request.reset();
        self.state = State::Head;
        self.input = None;
        self.start = 0;
        self.rest = Decoder::Done;
        self.out = None;
        self.output.clear();
        self.source = None;
        self.pace = Pace::default();
        self.deadline = 0;
        self.expects_continue = false;
        self.queued = 0;
        self.idle_timeout = None;
    }

    pub(super) fn settings(&self) -> &'static Settings {
        &self.request.location().settings
    }

    /// Goes on until something must be waited for.
    pub fn advance(&mut self) -> Step {
        self.reads = 0;
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
                // What earlier requests were answered goes out first.
                State::Close if !self.output.is_empty() => self.flush(),
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

    pub(super) fn settle(&mut self, outcome: Outcome) -> Option<Step> {
        match outcome {
            Outcome::Respond => self.respond(),
            Outcome::Close(status) => {
                self.request.response.status = status;
                self.log(0);
                self.state = State::Close;
                None
            }
            Outcome::Wait(handler) => {
                self.send_collected();
                Some(Step::Wait(handler))
            }
        }
    }

    /// Waits, while the client does. The error is the status of a request whose client has gone.
    pub async fn sleep(&mut self, ms: u64) -> Result<(), u16> {
        let mut sleep = std::pin::pin!(rt::sleep(ms));
        let waits = std::future::poll_fn(|cx| match self.conn.hung_up() {
            true => Poll::Ready(false),
            false => sleep.as_mut().poll(cx).map(|()| true),
        });
        if waits.await {
            return Ok(());
        }
        self.request.error(Level::Info, format_args!("client prematurely closed connection"));
        Err(499)
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
        self.output.clear();
        self.source = None;
        self.state = State::Close;
    }

    /// The connection is taken over: gives what was read beyond the request, and the buffers back.
    pub(crate) fn leave(&mut self) -> Vec<u8> {
        let unread = self.unread().to_vec();
        self.input = None;
        self.start = 0;
        self.out = None;
        self.output.clear();
        self.head = Vec::new();
        unread
    }

    /// A connection that was taken over has ended, `sent` bytes later.
    pub(crate) fn end_of_takeover(&mut self, sent: u64) {
        self.queued += sent;
        self.log(0);
    }

    pub(crate) fn trace(&self, happening: Happening<'_>) {
        self.port.trace(self.conn, happening);
    }
}
