//! Two connections of which each is told what the other says, as it is: a tunnel, a stream's session.
//!
//! What is read is written at once, from memory that is nobody's for longer than a turn: a connection that waits has none. Only
//! what the other side does not take is kept, and nothing is read meanwhile. Who has said much goes on in the kernel, through a pipe,
//! if nothing is encrypted, and no rate is to be kept.

use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use mem::Block;
use rt::{Conn, Io, Sleep};
use sys::splice::Pipe;

use crate::pipes;

/// So often in one turn; then others have theirs.
const PIECES: usize = 16;
/// From so many bytes on they go through a pipe: for a few of them it is not worth it.
const MUCH: u64 = 64 << 10;

/// Both directions.
pub struct Duplex {
    /// What the client says.
    pub up: Way,
    /// What the peer says.
    pub down: Way,
    /// Milliseconds of silence on both sides that end it.
    pub idle: u64,
    /// A side that has ended may still be told what the other says. Else all ends with it.
    pub half_close: bool,
    /// Until a rate allows more.
    pause: Option<Pin<Box<Sleep>>>,
}

/// Why it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The client has ended, and the peer has what it said.
    Client,
    /// The peer has, and the client has what it said.
    Peer,
    /// Both were silent for too long.
    TimedOut,
    /// One of them takes nothing any more, and the other has what it said before.
    Broken,
}

impl Duplex {
    /// Between these ways.
    pub fn new(up: Way, down: Way, idle: u64, half_close: bool) -> Duplex {
        Duplex { up, down, idle, half_close, pause: None }
    }

    /// Goes on until one side has ended, and the other has what it said; or both are silent for too long.
    pub async fn run(&mut self) -> Ended {
        self.touch();
        poll_fn(|cx| self.poll(cx)).await
    }

    fn touch(&self) {
        self.up.from.set_timeout(self.idle);
        self.up.to.set_timeout(self.idle);
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        let (up, down) = (self.up.go_on(), self.down.go_on());
        if let Some(ended) = self.ended() {
            return Poll::Ready(ended);
        }
        if up || down {
            self.touch();
        } else if self.up.from.timed_out() || self.up.to.timed_out() {
            return Poll::Ready(Ended::TimedOut);
        }
        if self.up.has_more() || self.down.has_more() {
            cx.waker().wake_by_ref();
        }
        self.wait_for_rates(cx);
        self.up.from.wakes(cx);
        self.up.to.wakes(cx);
        Poll::Pending
    }

    fn ended(&mut self) -> Option<Ended> {
        // Who takes nothing any more may have said why.
        let other = match (&self.up.broken, &self.down.broken) {
            (None, None) => None,
            (Some(_), None) => Some(&self.down),
            (None, Some(_)) => Some(&self.up),
            (Some(_), Some(_)) => return Some(Ended::Broken),
        };
        if let Some(other) = other {
            return other.is_over().then_some(Ended::Broken);
        }
        if self.half_close {
            self.up.pass_end();
            self.down.pass_end();
        }
        match (self.up.is_over(), self.down.is_over()) {
            (false, false) => None,
            (up, down) if self.half_close && !(up && down) => None,
            (true, _) => Some(Ended::Client),
            (false, _) => Some(Ended::Peer),
        }
    }

    fn wait_for_rates(&mut self, cx: &mut Context<'_>) {
        let pauses = [&self.up, &self.down].into_iter().filter_map(Way::pause);
        let Some(ms) = pauses.min() else { return self.pause = None };
        let pause = self.pause.insert(Box::pin(rt::sleep(ms)));
        if pause.as_mut().poll(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
    }
}

/// One direction.
pub struct Way {
    from: Io,
    to: Io,
    /// Read, and not taken yet.
    held: Vec<u8>,
    /// The same in the kernel.
    pipe: Option<Pipe>,
    /// These sockets cannot be spliced.
    copies: bool,
    /// So much is read at once.
    piece: usize,
    /// Bytes of each second; 0: as they come.
    rate: u64,
    since: u64,
    ended: bool,
    end_passed: bool,
    /// Bytes that were read, and those that were there from the beginning.
    pub taken: u64,
    /// Bytes that were written.
    pub passed: u64,
    /// When the first was read, in the loop's milliseconds.
    pub first: Option<u64>,
    /// Why the other side takes nothing any more: what still comes is read, and is for nobody.
    pub broken: Option<io::Error>,
}

impl Way {
    /// From one to the other, `piece` bytes at once at most. `held` was read before.
    pub fn new(from: Io, to: Io, held: Vec<u8>, piece: usize) -> Way {
        let (rate, since, taken) = (0, rt::now(), held.len() as u64);
        let (ended, end_passed, passed, first) = (false, false, 0, None);
        let (pipe, copies) = (None, false);
        Way {
            from,
            to,
            held,
            pipe,
            copies,
            piece,
            rate,
            since,
            ended,
            end_passed,
            taken,
            passed,
            first,
            broken: None,
        }
    }

    /// The same, with no more than so many bytes in a second; 0: as they come.
    #[must_use]
    pub fn limited(self, rate: u64) -> Way {
        Way { rate, ..self }
    }

    /// Passes on what there is. `true`: something moved.
    fn go_on(&mut self) -> bool {
        let mut moved = false;
        for _ in 0..PIECES {
            moved |= self.pass_held();
            if self.is_blocked() || self.ended || !self.from.is_readable() {
                break;
            }
            match self.next() {
                Ok(0) => self.ended = true,
                Ok(count) => {
                    moved = true;
                    self.taken += count as u64;
                    self.first.get_or_insert_with(rt::now);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // As nginx: a reset is an end, too.
                Err(_) => self.ended = true,
            }
        }
        moved |= self.pass_held();
        if let Some(pipe) = self.pipe.take_if(|pipe| pipe.held() == 0) {
            pipes::give(pipe);
        }
        moved
    }

    /// Takes what the one side says next, into the pipe or into memory.
    fn next(&mut self) -> io::Result<usize> {
        if let Some((from, _)) = self.sockets() {
            self.pipe = self.pipe.take().or_else(pipes::take);
            if let Some(pipe) = &mut self.pipe {
                match from.try_read(|fd| pipe.fill(fd)) {
                    Err(error) if error.kind() == ErrorKind::InvalidInput => self.copies = true,
                    result => return result,
                }
            }
        }
        let most = self.allowed().min(self.piece);
        if most == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        let mut block = Block::take(most);
        let room = block.spare_mut();
        let len = room.len().min(most);
        let count = self.from.read(&mut room[..len])?;
        block.advance(count);
        // Only what is not taken is kept; a side that takes nothing any more is found out by that.
        let left = self.pass(block.filled()).unwrap_or(count);
        self.held = block.filled()[count - left..].to_vec();
        Ok(count)
    }

    /// Passes on what was taken before, and finds out whether the other side takes it. `true`: something moved.
    fn pass_held(&mut self) -> bool {
        self.try_pass_held().unwrap_or_else(|error| {
            (self.held, self.pipe, self.copies) = (Vec::new(), None, true);
            self.broken = Some(error);
            false
        })
    }

    fn try_pass_held(&mut self) -> io::Result<bool> {
        if !self.held.is_empty() {
            let held = std::mem::take(&mut self.held);
            let left = self.pass(&held)?;
            self.held = held[held.len() - left..].to_vec();
            return Ok(left < held.len());
        }
        let Some(pipe) = self.pipe.as_mut().filter(|pipe| pipe.held() > 0) else {
            return Ok(false);
        };
        let to = self.to.sendfile_socket().ok_or(ErrorKind::NotConnected)?;
        match to.try_write(|fd| pipe.drain(fd)) {
            Ok(count) => {
                self.passed += count as u64;
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The sockets that bytes may go between without coming here.
    fn sockets(&self) -> Option<(Conn, Conn)> {
        let is_worth_it = !self.copies && self.rate == 0 && self.taken >= MUCH;
        let sockets = || Some((self.from.sendfile_socket()?, self.to.sendfile_socket()?));
        is_worth_it.then(sockets).flatten()
    }

    /// Something waits for the other side.
    fn is_blocked(&self) -> bool {
        !self.held.is_empty() || self.pipe.as_ref().is_some_and(|pipe| pipe.held() > 0)
    }

    /// Writes; gives how many bytes were not taken.
    fn pass(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.broken.is_some() {
            return Ok(0);
        }
        match self.to.write(&[IoSlice::new(bytes)], false) {
            Ok(count) => {
                self.passed += count as u64;
                Ok(bytes.len() - count)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(bytes.len()),
            Err(error) => Err(error),
        }
    }

    /// Tells the other side of the end, once it has the rest.
    fn pass_end(&mut self) {
        if self.is_over() && !std::mem::replace(&mut self.end_passed, true) {
            self.to.shutdown_write();
        }
    }

    /// How many bytes the rate allows now: as nginx, those of each second from its beginning on.
    fn allowed(&self) -> usize {
        if self.rate == 0 {
            return usize::MAX;
        }
        let seconds = rt::now().saturating_sub(self.since) / 1000 + 1;
        let allowed = self.rate.saturating_mul(seconds).saturating_sub(self.taken);
        usize::try_from(allowed).unwrap_or(usize::MAX)
    }

    /// Milliseconds until the rate allows more, if that is what it waits for.
    fn pause(&self) -> Option<u64> {
        if self.ended || self.is_blocked() || self.allowed() > 0 {
            return None;
        }
        let due = self.since + (self.taken / self.rate).saturating_mul(1000);
        Some(due.saturating_sub(rt::now()).max(1))
    }

    /// Its turn was over before it had nothing more to do.
    fn has_more(&self) -> bool {
        match self.is_blocked() {
            false => !self.ended && self.from.is_readable() && self.allowed() > 0,
            true => self.to.is_writable(),
        }
    }

    fn is_over(&self) -> bool {
        self.ended && !self.is_blocked()
    }
}
