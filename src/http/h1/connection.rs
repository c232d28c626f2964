//! A connection: requests in, answers out, as far as that goes without waiting.
//!
//! ```text
//!          ┌──────────────── next request ────────────────┐
//!          ▼                                              │
//!  Head: read, parse ─▶ Run: phases ─▶ Send ─▶ (Discard the body) ─▶ Linger, close
//! ```
//! [`Connection::advance`] goes through these states until something must be waited for, and says what.
//! The ready path calls it once and keeps nothing; a task calls it again after each wait.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use mem::Block;
use rt::Conn;
use sys::log::Level;

use super::input::Input;
use super::output::{Output, Piece};
use crate::Happening;
use crate::block::settings::Settings;
use crate::body::Source;
use crate::request::Handler;
use crate::request::Listener;
use crate::request::Request;
use crate::request::connect_info::ConnectInfo;
use crate::request::flow::Flow;
use crate::request::phases::{self, Outcome};
use crate::response::pace::Pace;
use crate::response::takeover::Takeover;
use rt::Io;

/// A client that sends request after request without a pause has so many reads in one turn.
pub const READS: u32 = 16;

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
    /// The client's end, or that it has all that it was sent.
    Linger,
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
pub enum ConnectionState {
    Head,
    Run,
    Send,
    Discard,
    Linger,
    Close,
}

/// A connection at work: the request at hand, and what is read and not yet sent.
pub struct Connection {
    pub(super) io: Io,
    /// The request at hand.
    pub request: Request,
    pub(super) listener: &'static Listener,
    pub(super) state: ConnectionState,
    pub(super) input: Rc<RefCell<Input>>,
    pub(super) out: Option<Block>,
    pub(super) output: Output,
    /// What the rest of the answer's body comes from.
    pub(super) source: Option<Box<dyn Source>>,
    /// So many bytes the head has promised of it, that it has not given yet.
    pub(super) promised: Option<u64>,
    /// It has given nothing when it was asked last, or enough: what there is goes out first.
    pub(super) filled: bool,
    /// How fast the answer goes out.
    pub(super) pace: Pace,
    /// It was sent a byte to learn whether a client that has closed its side is there.
    pub(super) asked_after: bool,
    /// Pieces of it in this turn.
    pub(super) pieces: u32,
    /// Room for rendering a head.
    pub(super) head: Vec<u8>,
    /// When the waiting for a head or for the rest of a body must end, in the loop's milliseconds.
    pub(super) deadline: u64,
    /// Bytes of the answer at hand, head included.
    pub(super) queued: u64,
    /// Reads in this turn.
    pub(super) reads: u32,
    /// How long the connection may be idle after the latest answer.
    pub(super) idle_timeout: Option<u64>,
}

impl Connection {
    pub(crate) fn new(conn: Conn, listener: &'static Listener) -> Connection {
        Connection {
            io: Io::new(conn),
            request: Request::new(ConnectInfo::of(conn), listener),
            listener,
            state: ConnectionState::Head,
            input: Rc::new(RefCell::new(Input::new(Io::new(conn)))),
            out: None,
            output: Output::default(),
            source: None,
            promised: None,
            filled: false,
            pace: Pace::default(),
            asked_after: false,
            pieces: 0,
            head: Vec::new(),
            deadline: 0,
            queued: 0,
            reads: 0,
            idle_timeout: None,
        }
    }

    /// Takes another connection on, after [`Connection::release`].
    pub(crate) fn reuse(&mut self, conn: Conn, listener: &'static Listener) {
        self.io = Io::new(conn);
        self.input.borrow_mut().io = self.io;
        self.listener = listener;
        self.request.attach(ConnectInfo::of(conn), listener);
    }

    /// Gives its buffers back; keeps its small memory for another connection.
    pub(crate) fn release(&mut self) {
        self.request.reset();
        self.state = ConnectionState::Head;
        self.input.borrow_mut().clear();
        self.out = None;
        self.output.clear();
        self.source = None;
        (self.pace, self.asked_after) = (Pace::default(), false);
        self.deadline = 0;
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
                ConnectionState::Head => self.read_head(),
                ConnectionState::Run => {
                    let outcome = phases::run(&mut self.request);
                    self.settle(outcome)
                }
                ConnectionState::Send => self.send(),
                ConnectionState::Discard => self.discard(),
                ConnectionState::Linger => Some(Step::Linger),
                // What earlier requests were answered goes out first.
                ConnectionState::Close if !self.output.is_empty() => self.flush(),
                ConnectionState::Close => Some(Step::Close),
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
                self.state = ConnectionState::Close;
                None
            }
            Outcome::Wait(handler) => {
                self.send_collected();
                let settings = self.settings();
                let input = &mut *self.input.borrow_mut();
                input.most = settings.client_max_body_size;
                input.timeout = settings.client_body_timeout;
                Some(Step::Wait(handler))
            }
        }
    }

    /// What was waited for did not come in time.
    pub(crate) fn timed_out(&mut self) {
        match self.state {
            ConnectionState::Head if self.has_unread() => {
                let message = "client timed out while reading client request headers";
                self.request.error(Level::Info, format_args!("{message}"));
                self.request.response.status = 408;
                self.log(0);
            }
            ConnectionState::Send => {
                let message = "client timed out while sending to client";
                self.request.error(Level::Info, format_args!("{message}"));
                self.log(self.output.len());
            }
            _ => {}
        }
        if self.settings().reset_timedout_connection && self.state != ConnectionState::Linger {
            self.io.reset_on_close();
        }
        self.output.clear();
        self.source = None;
        self.state = ConnectionState::Close;
    }

    /// The connection is taken over: gives what was read beyond the request, and the buffers back.
    pub(crate) fn leave(&mut self) -> Vec<u8> {
        let unread = self.input.borrow().unread().to_vec();
        self.input.borrow_mut().forget();
        self.out = None;
        self.output.clear();
        self.head = Vec::new();
        unread
    }

    /// A connection that was taken over has ended, `sent` bytes later.
    pub(crate) fn end_of_takeover(&mut self, sent: u64) {
        self.queued += sent;
        self.request.is_answered = true;
        self.log(0);
    }

    /// Whether `100 Continue` would go out before the answers to earlier requests.
    pub(super) fn owes_answers(&self) -> bool {
        self.input.borrow().expects_continue() && !self.output.is_empty()
    }

    pub(super) fn has_unread(&self) -> bool {
        !self.input.borrow().unread().is_empty()
    }

    pub(super) fn read(&mut self) -> io::Result<usize> {
        let count = self.input.borrow_mut().read()?;
        self.trace(Happening::DataIn(count));
        Ok(count)
    }

    /// Throws away what has come of the body. `true`: that was all of it. The error is a status.
    pub(super) fn skip_body(&mut self) -> Result<bool, u16> {
        let mut input = self.input.borrow_mut();
        if input.decoder.is_done() {
            return Ok(true);
        }
        input.most = self.settings().client_max_body_size;
        let done = input.skip_body().map_err(|reject| reject.status)?;
        let left = input.decoder.left();
        drop(input);
        self.trace(Happening::DataReceived(left));
        Ok(done)
    }

    pub(crate) fn trace(&self, happening: Happening<'_>) {
        self.listener.trace(self.request.connection.conn(), happening);
    }
}
