//! A session of datagrams: each goes on as it is, and so does what comes back, until as much has come as is expected.

use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice};
use std::task::{Context, Poll};

use mem::Block;
use rt::Io;
use stream::Session;
use sys::log::Level;
use upstream::{Link, Try};

use crate::proxying::{Proxying, to_and_fro};

/// No datagram is longer.
const LONGEST: usize = sys::datagram::LONGEST;
/// So many each way in one turn; then others have theirs.
const AT_ONCE: usize = 64;

/// Why it is over.
enum Over {
    /// All has come that is expected.
    Done,
    /// Nothing has come for too long.
    TimedOut,
    /// The peer cannot be told anything, or says nothing: the call that says so.
    Failed(&'static str, io::Error),
}

struct Exchange<'a> {
    how: &'a Proxying,
    session: &'a Session,
    link: &'a Link,
    record: &'a Try,
    /// What the first datagram that is sent begins with.
    header: Vec<u8>,
    /// Datagrams of the client, and of the peer.
    requests: u64,
    responses: u64,
    first: Option<u64>,
}

impl Proxying {
    /// Passes datagrams on, and gives the status that the session ends with.
    pub async fn exchange(&self, session: &Session, link: &Link, record: &Try) -> u16 {
        let header = self.header.of(session);
        let (requests, responses, first) = (0, 0, None);
        let how = self;
        let mut exchange =
            Exchange { how, session, link, record, header, requests, responses, first };
        session.conn.set_timeout(self.timeout);
        let over = poll_fn(|cx| exchange.poll(cx)).await;
        record.came_first(exchange.first);
        record.end();
        exchange.end(&over)
    }
}

impl Exchange<'_> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Over> {
        let moved = match self.turn() {
            Ok(moved) => moved,
            Err(over) => return Poll::Ready(over),
        };
        if self.is_done() {
            return Poll::Ready(Over::Done);
        }
        if moved > 0 {
            self.session.conn.set_timeout(self.how.timeout);
        } else if self.session.conn.timed_out() {
            return Poll::Ready(Over::TimedOut);
        }
        if moved == AT_ONCE {
            cx.waker().wake_by_ref();
        }
        self.link.io().wakes(cx);
        Poll::Pending
    }

    /// Passes on what there is, and gives how many went one way at most.
    fn turn(&mut self) -> Result<usize, Over> {
        let mut block = Block::take(LONGEST);
        let buffer = block.spare_mut();
        let (mut asked, mut told) = (0, 0);
        while asked < AT_ONCE && self.ask(buffer).map_err(|error| Over::Failed("send", error))? {
            asked += 1;
        }
        while told < AT_ONCE && self.tell(buffer).map_err(|error| Over::Failed("recv", error))? {
            told += 1;
        }
        Ok(asked.max(told))
    }

    /// The next datagram of the client. `false`: there is none.
    fn ask(&mut self, buffer: &mut [u8]) -> io::Result<bool> {
        let limit = self.how.requests;
        if limit > 0 && self.requests >= limit {
            return Ok(false);
        }
        let client = Io::new(self.session.conn);
        let count = match client.read(buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        };
        self.requests += 1;
        if limit > 0 && self.requests == limit {
            self.session.leave_datagrams();
        }
        add(&self.session.received, count);
        let whole = [&self.header[..], &buffer[..count]].concat();
        match self.link.io().write(&[IoSlice::new(&whole)], false) {
            Ok(count) => {
                self.header.clear();
                add(&self.record.sent, count);
            }
            Err(error) if is_lost(&error) => {}
            Err(error) => return Err(error),
        }
        Ok(true)
    }

    /// The next one of the peer.
    fn tell(&mut self, buffer: &mut [u8]) -> io::Result<bool> {
        let socket = &self.link.connection.socket;
        let count = match socket.try_read(|fd| sys::stream::recv(fd, buffer)) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        };
        self.responses += 1;
        self.first.get_or_insert_with(rt::now);
        add(&self.record.received, count);
        // A client that has gone is not asked again: its time runs out.
        let sent = Io::new(self.session.conn).write(&[IoSlice::new(&buffer[..count])], false);
        add(&self.session.sent, sent.unwrap_or(0));
        Ok(!self.is_done())
    }

    /// As nginx: where a session has so many datagrams, all of them have come, too.
    fn is_done(&self) -> bool {
        let asked = self.requests > 0 && self.requests >= self.how.requests;
        let expected = self.how.responses.map(|each| each.saturating_mul(self.requests));
        asked && expected.is_some_and(|expected| self.responses >= expected)
    }

    /// In nginx's words.
    fn end(&self, over: &Over) -> u16 {
        let expected = self.how.responses.map(|each| each.saturating_mul(self.requests));
        let what = match over {
            Over::Done => "udp done",
            Over::TimedOut if expected.is_none_or(|expected| self.responses >= expected) => {
                "udp timed out"
            }
            Over::TimedOut => {
                let what = "upstream timed out (110: Connection timed out)";
                return self.fail(what.to_owned());
            }
            Over::Failed(call, error) => {
                return self.fail(format!("{call}() failed {}", sys::log::errno(error)));
            }
        };
        let (received, sent) = (self.record.received.get(), self.record.sent.get());
        self.session.log_alone(
            Level::Info,
            format_args!(
                "{what}, packets from/to client:{}/{}, {}, bytes from/to upstream:{received}/{sent}",
                self.requests,
                self.responses,
                to_and_fro(self.session)
            ),
        );
        200
    }

    fn fail(&self, what: String) -> u16 {
        self.session.log(Level::Error, format_args!("{what} while proxying connection"));
        if self.link.failed() {
            let what = "upstream server temporarily disabled while proxying connection";
            self.session.log(Level::Warn, format_args!("{what}"));
        }
        502
    }
}

/// Whether there is no room for a datagram, or it is too long for where it is to go: it is lost, as any may be.
fn is_lost(error: &io::Error) -> bool {
    const LOST: [i32; 2] = [90, 105]; // EMSGSIZE, ENOBUFS
    error.kind() == ErrorKind::WouldBlock
        || error.raw_os_error().is_some_and(|code| LOST.contains(&code))
}

fn add(to: &std::cell::Cell<u64>, count: usize) {
    to.set(to.get() + count as u64);
}
