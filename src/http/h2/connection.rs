//! A connection's task: it drives the crate, begins streams, and ends with the last of them.

use std::future::{Future, poll_fn};
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use h2::server::{self, SendResponse};
use h2::{Reason, RecvStream};
use http_types::Request as Head;
use rt::{Conn, Io, Lingering, Next, Task};
use sys::log::Level;

use super::deadlines::{Due, FAREWELL, Standing};
use super::guard::Guard;
use super::piece::Piece;
use super::preface::Hurry;
use super::shared::Shared;
use super::stream::{Step, Stream};
use super::task::{self, Guarded, panicked};
use crate::Happening;
use crate::request::Listener;
use crate::request::connect_info::ConnectInfo;

/// Streams that begin in one turn.
const BEGINNINGS: u32 = 64;
/// So much of a stream's answer waits in the crate before its task waits: what a slow client costs.
const UNSENT: usize = 64 << 10;
/// Streams that the client has reset, and whose late frames are borne with.
const RESETS_REMEMBERED: usize = 64;
/// A frame that we take, and the size that every peer must take (RFC 9113 §4.2).
const FRAME: u32 = 16 << 10;
/// What a field costs beside its bytes (RFC 9113 §6.5.2).
const FIELD: usize = 32;
/// Bytes of an offender that are read and thrown away, so that it hears why.
const THROWN_AWAY: usize = 1 << 20;

type Crate = server::Connection<Guard, Piece>;

/// Serves a connection that speaks HTTP/2, of which `before` has been read.
pub fn serve(conn: Conn, listener: &'static Listener, before: Vec<u8>) -> Task {
    Box::pin(run(conn, listener, before))
}

async fn run(conn: Conn, listener: &'static Listener, before: Vec<u8>) -> Next {
    let hosts = listener.hosts_for(conn).unwrap_or(listener.first_hosts());
    let settings = &ConnectInfo::of(conn).first_server(hosts).location().settings;
    let shared = Rc::new(Shared::new(conn, listener, settings));
    conn.set_timeout(settings.client_header_timeout);
    conn.set_expendable(true);
    let guard = Guard::new(Io::new(conn), shared.clone(), before);
    if let Some(connection) = Box::pin(begin(&shared, guard)).await {
        conn.set_expendable(false);
        let mut driver = Driver::new(connection, shared.clone());
        poll_fn(|cx| driver.poll(cx)).await;
        driver.standing.is_ending = true;
        drop(driver);
        // Its streams know that by now, and whose they were stands in their logs.
        conn.set_timeout(FAREWELL);
        poll_fn(|_| match shared.is_left() || conn.timed_out() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
        let limits = Lingering { most: THROWN_AWAY, ..settings.lingering() };
        Box::pin(rt::linger(Io::new(conn), limits)).await;
    }
    listener.trace(conn, Happening::Disconnecting);
    Next::Close
}

/// The preface and what the connection begins with. Every limit that the crate knows is set here.
async fn begin(shared: &Shared, guard: Guard) -> Option<Crate> {
    let settings = shared.settings;
    let http2 = settings.http2;
    let limits = &settings.limits;
    // More than we take ourselves, so that most of those who exceed that get the page that says so.
    let fields = (limits.total * 2 + limits.headers.min(limits.total / 8) * FIELD).min(1 << 20);
    let streams = http2.streams;
    let window = u64::from(http2.window).max(u64::from(FRAME)) * u64::from(streams);
    let mut handshake = server::Builder::new()
        .initial_window_size(http2.window)
        .initial_connection_window_size(window.clamp(1 << 16, (1 << 31) - 1) as u32)
        .max_concurrent_streams(streams)
        .max_frame_size(FRAME)
        .max_header_list_size(fields as u32)
        .header_table_size(4096)
        .max_send_buffer_size(UNSENT)
        .max_concurrent_reset_streams(RESETS_REMEMBERED)
        .max_pending_accept_reset_streams(4 * streams.max(100) as usize)
        .max_local_error_reset_streams(Some(streams.max(100) as usize))
        .enable_connect_protocol()
        .handshake::<Guard, Piece>(guard);
    let mut hurry = Hurry::new(shared.conn, settings);
    let begun = poll_fn(|cx| {
        shared.reads.set(0);
        hurry.look();
        let polled = Pin::new(&mut handshake).poll(cx);
        let sent = shared.drain(cx);
        match polled {
            Poll::Pending if shared.conn.timed_out() => Poll::Ready(None),
            Poll::Pending if matches!(sent, Poll::Ready(Err(_))) => Poll::Ready(None),
            result => result.map(Some),
        }
    });
    match begun.await {
        Some(Ok(connection)) => Some(connection),
        Some(Err(error)) => {
            shared.log(Level::Info, format_args!("invalid http2 connection: {error}"));
            None
        }
        None => {
            shared.log(Level::Info, format_args!("client timed out"));
            None
        }
    }
}

struct Driver {
    connection: Crate,
    shared: Rc<Shared>,
    standing: Standing,
}

impl Driver {
    fn new(connection: Crate, shared: Rc<Shared>) -> Driver {
        Driver { connection, shared, standing: Standing::new() }
    }

    /// One turn. Ready: the connection is over.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.shared.reads.set(0);
        if self.shared.conn.timed_out() && self.is_overdue() {
            return Poll::Ready(());
        }
        let over = self.work(cx);
        match self.shared.drain(cx) {
            Poll::Ready(Err(_)) => return Poll::Ready(()),
            _ if over.is_ready() => return over,
            _ => {}
        }
        let takes_more = self.shared.blocked_since.get() == 0;
        if takes_more && self.shared.schedule.borrow_mut().turned() {
            cx.waker().wake_by_ref();
        }
        let has_streams = self.connection.has_streams();
        self.standing.set(&self.shared, has_streams);
        Poll::Pending
    }

    /// Lets the crate work, and begins the streams that have come.
    fn work(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut begun = 0;
        loop {
            self.judge();
            match self.connection.poll_accept(cx) {
                Poll::Pending => break,
                Poll::Ready(None) => return Poll::Ready(()),
                Poll::Ready(Some(Err(error))) => {
                    self.note(&error);
                    return Poll::Ready(());
                }
                Poll::Ready(Some(Ok((head, respond)))) => {
                    self.accept(head, respond);
                    begun += 1;
                }
            }
            if begun == BEGINNINGS {
                cx.waker().wake_by_ref();
                break;
            }
        }
        Poll::Pending
    }

    /// Whether the connection may go on as it does.
    fn judge(&mut self) {
        let offence = self.shared.traffic.borrow().offence();
        if let Some(offence) = offence
            && !self.standing.is_ending
        {
            self.shared.log(Level::Info, format_args!("{offence}"));
            self.end(Reason::ENHANCE_YOUR_CALM);
        }
        if rt::draining() {
            self.retire();
        }
    }

    fn end(&mut self, reason: Reason) {
        self.standing.is_ending = true;
        self.connection.abrupt_shutdown(reason);
    }

    /// Tells the client to take its further requests elsewhere; those that it has begun are answered.
    fn retire(&mut self) {
        if self.standing.retiring_since.is_none() && !self.standing.is_ending {
            self.standing.retiring_since = Some(rt::now());
            self.connection.graceful_shutdown();
        }
    }

    /// A deadline has passed. `true`: it is the connection's end.
    fn is_overdue(&mut self) -> bool {
        match self.standing.overdue(&self.shared) {
            None => false,
            Some(Due::Write) => {
                self.time_out();
                true
            }
            Some(Due::Frame) => {
                self.time_out();
                self.end(Reason::NO_ERROR);
                false
            }
            // From here on it is told which stream was the last: those are answered, and no others.
            Some(Due::Word) => {
                self.standing.has_heard = true;
                self.shared.is_unheard.set(true);
                false
            }
            Some(Due::Idle) if !self.standing.is_ending => {
                self.end(Reason::NO_ERROR);
                false
            }
            Some(Due::Idle | Due::End) => true,
        }
    }

    fn time_out(&self) {
        self.shared.log(Level::Info, format_args!("client timed out"));
        if self.shared.settings.reset_timedout_connection {
            self.shared.conn.reset_on_close();
        }
    }

    /// The crate has ended the connection.
    fn note(&self, error: &h2::Error) {
        let reset = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe, ErrorKind::UnexpectedEof];
        match error.get_io() {
            Some(io) if reset.contains(&io.kind()) => {}
            _ => self.shared.log(Level::Info, format_args!("http2 connection ended: {error}")),
        }
    }

    /// A stream begins: here, and if it has to wait, in a task of its own.
    fn accept(&mut self, head: Head<RecvStream>, respond: SendResponse<Piece>) {
        // Even if it is over in this turn.
        self.standing.idle_since = 0;
        self.shared.conn.set_expendable(false);
        let (parts, body) = head.into_parts();
        let shared = self.shared.clone();
        let mut reply = None;
        let begin = || {
            let (mut stream, outcome) = Stream::new(&shared, &parts, body, respond, &mut reply);
            match stream.settle(outcome) {
                Step::Done => {}
                Step::Takeover => task::leave(stream),
                step => {
                    rt::spawn(Guarded::new(stream, step, shared.conn.serial()));
                }
            }
        };
        if catch_unwind(AssertUnwindSafe(begin)).is_err() {
            panicked(shared.conn.serial(), reply);
        }
        let settings = shared.settings;
        let age = rt::now().saturating_sub(shared.conn.opened());
        if u64::from(shared.conn.requests()) >= settings.keepalive_requests
            || age >= settings.keepalive_time
        {
            self.retire();
        }
    }
}

/// Where its place is wanted for another one: the client of an idle connection hears of it, if that needs no waiting.
impl Drop for Driver {
    fn drop(&mut self) {
        if self.standing.idle_since == 0 || self.standing.is_ending || std::thread::panicking() {
            return;
        }
        self.end(Reason::NO_ERROR);
        let cx = &mut Context::from_waker(Waker::noop());
        let _ = self.connection.poll_accept(cx);
        let _ = self.shared.drain(cx);
    }
}
