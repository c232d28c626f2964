//! The body of an answer on its way from a peer to the client.
//!
//! ```text
//! socket ─▶ block ─▶ framing: length, chunks, records ─▶ ready: memory, then a file without a name ─▶ client
//! ```
//! While the client takes nothing it is read ahead ([`Source::prepare`]), so that the peer is free early: into memory, then into
//! a file; where both are full nothing is read, and the peer waits.

use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::rc::Rc;
use std::task::{Context, Poll};

use http::{Cause, Error, ErrorPhase, Source, read_chain};
use mem::{Block, Buf, Chain, Str};
use sys::unnamed::Unnamed;

use crate::exchange::Reply;
use crate::link::Link;
use crate::protocol::{Framing, Piece};
use crate::sending::Sending;
use crate::settings::Settings;
use crate::tries::Try;

/// So much is read at once.
const READ: usize = 32 << 10;
/// Reads of one turn, while the client takes nothing.
const TURNS: usize = 16;
/// Fewer bytes are copied: a block that they are a part of is not kept for them.
const SHORT: usize = 512;

/// The rest of an answer's body.
pub struct Relay {
    /// Until the answer's end.
    link: Option<Link>,
    /// What of the request has not gone yet: a peer may answer while it reads.
    sending: Option<Sending>,
    framing: Framing,
    /// Bytes beside its data, up to the last chunk.
    skipped: u64,
    /// What `framing` said at the beginning.
    length: Option<u64>,
    /// The connection may be used again once the body has ended.
    reusable: bool,
    block: Block,
    /// So much of the block is decoded.
    at: usize,
    /// That is the block in which the head came.
    is_first: bool,
    /// What is decoded, and nobody has taken.
    ready: Chain,
    /// What follows that, of short pieces.
    short: Vec<u8>,
    /// Bytes of `ready` that are in memory.
    held: u64,
    file: Option<Ahead>,
    /// It takes no more.
    is_full: bool,
    done: bool,
    failed: Option<Error>,
    settings: Rc<Settings>,
    record: Rc<Try>,
}

/// The file that is ahead.
struct Ahead {
    file: Unnamed,
    shared: Rc<std::fs::File>,
    written: u64,
}

impl Ahead {
    fn create(dir: &Path) -> std::io::Result<Ahead> {
        let file = Unnamed::create(dir)?;
        let shared = Rc::new(file.file().try_clone()?);
        Ok(Ahead { file, shared, written: 0 })
    }
}

impl Relay {
    /// Of a reply, whose head ends there.
    pub fn new(reply: Reply, settings: Rc<Settings>) -> Relay {
        let Reply { head, block, framing, reusable, sending, link, record } = reply;
        let at = head.fields.end;
        let length = framing.length();
        let mut relay = Relay {
            link: Some(link),
            sending: Some(sending).filter(|sending| !sending.is_done()),
            framing,
            skipped: 0,
            length,
            reusable,
            block,
            at,
            is_first: true,
            ready: Chain::new(),
            short: Vec::new(),
            held: 0,
            file: None,
            is_full: false,
            done: false,
            failed: None,
            settings,
            record,
        };
        relay.decode();
        relay
    }

    /// All of the body, if all of it is there.
    pub fn whole(&mut self) -> Option<Chain> {
        self.settle();
        let is_whole = self.done && self.failed.is_none() && self.file.is_none();
        is_whole.then(|| std::mem::take(&mut self.ready))
    }

    /// Decodes what is in the block.
    fn decode(&mut self) {
        while !self.done {
            let bytes = &self.block.filled()[self.at..];
            let most = self.settings.buffer_size as u64;
            let piece = match self.framing.decode(bytes, &mut self.skipped, most) {
                Ok(piece) => piece,
                Err(cause) => return self.fail(cause),
            };
            let Piece { consumed, data, done } = piece;
            if !data.is_empty() {
                self.hold(self.at + data.start, self.at + data.end);
            }
            self.at += consumed;
            if done {
                self.end(self.at == self.block.len());
            } else if consumed == 0 || self.at == self.block.len() {
                return;
            }
        }
    }

    /// A piece of the body, in the block.
    fn hold(&mut self, from: usize, to: usize) {
        let len = (to - from) as u64;
        self.record.length.set(self.record.length.get() + len);
        self.held += len;
        // The first block is kept for the sake of the head in any case.
        if to - from < SHORT && !self.is_first {
            self.short.extend_from_slice(&self.block.filled()[from..to]);
            if self.short.len() >= READ {
                self.settle();
            }
            return;
        }
        self.settle();
        let piece = self.block.share(from..to);
        self.ready.push_str(piece);
    }

    fn settle(&mut self) {
        if !self.short.is_empty() {
            self.ready.push_str(Str::from(std::mem::take(&mut self.short)));
        }
    }

    /// The body has ended. `is_all`: and nothing has come behind it.
    fn end(&mut self, is_all: bool) {
        self.done = true;
        self.record.end();
        if let Some(link) = self.link.take() {
            link.finish(self.reusable && is_all && self.sending.is_none());
        }
    }

    fn fail(&mut self, cause: Cause) {
        self.done = true;
        self.record.end();
        self.link = None;
        self.failed = Some(Error::new(ErrorPhase::Body, cause));
    }

    /// Sends what is left of the request. What goes wrong with that, the answer may have survived.
    fn send(&mut self, cx: &mut Context<'_>) -> bool {
        let (Some(link), Some(sending)) = (&self.link, &mut self.sending) else { return false };
        let before = sending.sent;
        let result = sending.go_on(link.io(), self.settings.send_timeout, cx);
        self.record.sent.set(self.record.sent.get() + sending.sent - before);
        if result.is_err() || sending.refusal().is_some() {
            // The connection is not used again.
            (self.sending, self.reusable) = (None, false);
        } else if sending.is_done() {
            self.sending = None;
        }
        result.unwrap_or(false)
    }

    /// Reads once. `false`: there is nothing, and the task is woken when there is.
    fn read(&mut self, cx: &mut Context<'_>) -> bool {
        let moved = self.send(cx);
        let Some(link) = &self.link else { return false };
        let io = link.io();
        let own = self.framing.wanted().map(|left| usize::try_from(left).unwrap_or(READ));
        let wanted = own.unwrap_or(READ).min(READ);
        if self.block.spare() < wanted.min(READ / 4) {
            self.renew(wanted);
        }
        let spare = self.block.spare_mut();
        // What belongs to no body stays where it is, and is found there.
        let room = if own.is_some() { spare.len().min(wanted) } else { spare.len() };
        match io.read(&mut spare[..room]) {
            Ok(0) if self.framing.ends_with_connection() => self.end(false),
            Ok(0) => self.fail(Cause::Closed(0)),
            Ok(count) => {
                self.block.advance(count);
                self.record.received.set(self.record.received.get() + count as u64);
                io.set_timeout(self.settings.read_timeout);
                self.decode();
            }
            // An encryption that ends without saying so: somebody may have cut it off.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => self.fail(Cause::Closed(0)),
            Err(error) if error.kind() != ErrorKind::WouldBlock => self.fail(error.into()),
            Err(_) if io.timed_out() => self.fail(Cause::TimedOut),
            Err(_) if moved => {}
            Err(_) => {
                io.wakes(cx);
                return false;
            }
        }
        true
    }

    fn renew(&mut self, wanted: usize) {
        let mut block = Block::take(wanted.max(1));
        let fits = block.extend_from_slice(&self.block.filled()[self.at..]);
        debug_assert!(fits, "all that has come is decoded, but for a few bytes of a chunk's head");
        (self.block, self.at, self.is_first) = (block, 0, false);
    }

    /// What is in memory beyond its bound goes to the file. `false`: there is no room in it, or the disk does not take it: all stays
    /// where it is, and is not tried again.
    fn spill(&mut self) -> bool {
        self.settle();
        if self.is_full {
            return false;
        }
        let mut kept = Chain::new();
        while let Some(buf) = self.ready.pop() {
            match buf {
                Buf::Memory(bytes) if !self.is_full => match self.put(&bytes) {
                    Ok(window) => {
                        self.held -= bytes.len() as u64;
                        kept.push(window);
                    }
                    Err(_) => {
                        self.is_full = true;
                        kept.push(Buf::Memory(bytes));
                    }
                },
                buf => kept.push(buf),
            }
        }
        self.ready = kept;
        !self.is_full
    }

    /// Writes bytes to the file. The error: it takes no more of them.
    fn put(&mut self, bytes: &[u8]) -> std::io::Result<Buf> {
        let ahead = match &mut self.file {
            Some(ahead) => ahead,
            None => self.file.insert(Ahead::create(&self.settings.temp_path)?),
        };
        if ahead.written + bytes.len() as u64 > self.settings.max_temp_file_size {
            return Err(ErrorKind::FileTooLarge.into());
        }
        ahead.file.file().write_all_at(bytes, ahead.written)?;
        let window = Buf::file(ahead.shared.clone(), ahead.written, bytes.len() as u64);
        ahead.written += bytes.len() as u64;
        Ok(window)
    }

    /// The next piece of what is ready.
    fn give(&mut self, most: usize) -> Result<Option<Chain>, Error> {
        self.settle();
        let mut piece = Chain::new();
        while piece.len() < most as u64 {
            let Some((_, _, len)) = self.ready.front_file() else {
                let Some(buf) = self.ready.pop() else { break };
                self.held -= buf.len();
                piece.push(buf);
                continue;
            };
            let len = len.min(most as u64 - piece.len());
            let (mut window, mut bytes) = (self.ready.slice(0, len), Vec::new());
            while !window.is_empty() {
                read_chain(&mut window, &mut bytes, len as usize)?;
            }
            self.ready.advance(len);
            piece.push_str(Str::from(bytes));
        }
        Ok((!piece.is_empty()).then_some(piece))
    }
}

impl Source for Relay {
    fn length(&self) -> Option<u64> {
        self.length
    }

    fn poll(&mut self, cx: &mut Context<'_>, most: usize) -> Poll<Result<Option<Chain>, Error>> {
        loop {
            if let Some(piece) = self.give(most)? {
                return Poll::Ready(Ok(Some(piece)));
            }
            if self.done {
                return Poll::Ready(self.failed.take().map_or(Ok(None), Err));
            }
            if !self.read(cx) {
                return Poll::Pending;
            }
        }
    }

    fn prepare(&mut self, cx: &mut Context<'_>) {
        // So much in one turn; then others have theirs.
        for _ in 0..TURNS {
            let is_ahead = self.settings.buffering && !self.done;
            if is_ahead && (self.held < self.settings.memory || self.spill()) {
                if !self.read(cx) {
                    return;
                }
                continue;
            }
            // The peer waits for the client; the rest of its request goes on.
            while self.send(cx) {}
            if let Some(link) = self.link.as_ref().filter(|_| self.sending.is_some()) {
                link.io().wakes(cx);
            }
            return;
        }
        cx.waker().wake_by_ref();
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.record.end();
    }
}
