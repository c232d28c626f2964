//! A request on its way to a peer: its head, and a body that is kept, or comes while it is sent.

use std::io::{self, ErrorKind, IoSlice};
use std::os::fd::AsRawFd;
use std::task::{Context, Poll};

use http::{Body, Cause, Error, ErrorPhase, Failed, read_chain};
use mem::{Buf, Chain, Str};
use proto::fastcgi::{MOST_STDIN, STDIN_END, padding, stdin_head};
use proto::http1::{CHUNK_END, LAST_CHUNK, chunk_head};
use rt::Io;

/// So much of a client's body is asked for at once.
const PIECE: usize = 32 << 10;
/// So often is written before what has come is looked at.
const WRITES: usize = 4;
/// Slices of one system call.
const SLICES: usize = 16;
/// So much of a file is sent at once, and read where it cannot be sent from the kernel's cache.
const FILE: usize = 1 << 20;
const READ: usize = 64 << 10;
/// So much of a body is put into records at once.
const RECORDS: u64 = 256 << 10;

/// A request's body on its way to a peer.
pub enum Outgoing {
    /// There is none, or all of it is kept: it can be sent again.
    Kept(Chain),
    /// It is passed on as it comes, in chunks if its length is not known and the protocol has them.
    Streamed {
        /// The rest of it.
        body: Body,
        /// It is framed in chunks.
        chunked: bool,
    },
    /// It was passed on, and is not there any more: nobody else can be asked.
    Gone,
}

/// What of a request has not gone yet.
pub struct Sending {
    /// What is to be written now.
    out: Chain,
    /// The body that is kept, as far as it is not in records yet.
    kept: Option<Chain>,
    /// What is still to come, and whether it is framed in chunks.
    rest: Option<(Body, bool)>,
    /// Bodies stand in FastCGI's records.
    has_records: bool,
    /// The body was asked for more.
    begun: bool,
    /// The peer has said that it reads no more.
    refused: Option<io::Error>,
    /// Bytes that were written.
    pub sent: u64,
}

impl Sending {
    /// A request with this head. A body that is streamed is taken out of `body`. `has_records`: it stands in FastCGI's.
    pub fn new(head: Str, body: &mut Outgoing, has_records: bool) -> Sending {
        let mut out = Chain::new();
        out.push_str(head);
        let mut in_records = None;
        let rest = match std::mem::replace(body, Outgoing::Gone) {
            Outgoing::Kept(kept) => {
                let mut all = kept.slice(0, kept.len());
                match has_records {
                    true => in_records = Some(all),
                    false => out.append(&mut all),
                }
                *body = Outgoing::Kept(kept);
                None
            }
            Outgoing::Streamed { body, chunked } => Some((body, chunked)),
            Outgoing::Gone => {
                let gone = Error::invalid("the request's body was passed on before");
                Some((Body::Source(Box::new(Failed::new(gone))), false))
            }
        };
        let kept = in_records;
        let mut sending =
            Sending { out, kept, rest, has_records, begun: false, refused: None, sent: 0 };
        sending.put_into_records();
        sending
    }

    /// Puts more of a body that is kept into records. `false`: there is none.
    fn put_into_records(&mut self) -> bool {
        let Some(kept) = &mut self.kept else { return false };
        let mut part = kept.slice(0, kept.len().min(RECORDS));
        kept.advance(part.len());
        let is_all = kept.is_empty();
        records(&mut part, &mut self.out);
        if is_all {
            self.out.push_str(Str::from_static(&STDIN_END));
            self.kept = None;
        }
        true
    }

    /// Gives a body that is streamed back, as long as nothing of it was asked for.
    pub fn give_back(&mut self, body: &mut Outgoing) {
        if !self.begun
            && let Some((rest, chunked)) = self.rest.take()
        {
            *body = Outgoing::Streamed { body: rest, chunked };
        }
    }

    /// Whether all of the request has gone.
    pub fn is_done(&self) -> bool {
        self.rest.is_none() && self.kept.is_none() && self.out.is_empty()
    }

    /// Whether it is the client that is waited for.
    pub fn waits_for_client(&self) -> bool {
        self.rest.is_some() && self.out.is_empty() && self.refused.is_none()
    }

    /// Why the peer reads no more, if it does not.
    pub fn refusal(&mut self) -> Option<io::Error> {
        self.refused.take()
    }

    /// Sends what the peer takes. `true`: something moved. The error is not the peer's: of the client's body, or of the file that
    /// it is in.
    pub fn go_on(&mut self, io: Io, timeout: u64, cx: &mut Context<'_>) -> Result<bool, Error> {
        let mut moved = self.make(cx)?;
        for _ in 0..WRITES {
            if self.out.is_empty() || self.refused.is_some() {
                break;
            }
            match write_some(io, &mut self.out) {
                Ok(count) => {
                    moved = true;
                    self.sent += count;
                    io.set_timeout(timeout);
                }
                Err(Error { phase: ErrorPhase::Send, cause: Cause::Io(error) }) => {
                    if error.kind() != ErrorKind::WouldBlock {
                        // It may have answered before.
                        io.look_again();
                        self.refused = Some(error);
                    }
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(moved)
    }

    /// Makes more of the request, when what was made has gone.
    fn make(&mut self, cx: &mut Context<'_>) -> Result<bool, Error> {
        if !self.out.is_empty() || self.refused.is_some() {
            return Ok(false);
        }
        if self.put_into_records() {
            return Ok(true);
        }
        let Some((body, chunked)) = &mut self.rest else { return Ok(false) };
        let chunked = *chunked;
        self.begun = true;
        let piece = match body.poll_next(cx, PIECE) {
            Poll::Pending => return Ok(false),
            Poll::Ready(piece) => piece?,
        };
        match piece {
            None => {
                self.rest = None;
                if self.has_records {
                    self.out.push_str(Str::from_static(&STDIN_END));
                } else if chunked {
                    self.out.push_str(Str::from_static(LAST_CHUNK));
                }
            }
            Some(piece) if piece.is_empty() => {}
            Some(mut piece) if self.has_records => records(&mut piece, &mut self.out),
            Some(mut piece) if chunked => {
                let mut head = Vec::with_capacity(16);
                chunk_head(piece.len() as usize, &mut head);
                self.out.push_str(Str::from(head));
                self.out.append(&mut piece);
                self.out.push_str(Str::from_static(CHUNK_END));
            }
            Some(mut piece) => self.out.append(&mut piece),
        }
        Ok(true)
    }
}

/// Puts a part of a body into records.
fn records(part: &mut Chain, out: &mut Chain) {
    while !part.is_empty() {
        let len = part.len().min(MOST_STDIN as u64);
        let mut head = Vec::with_capacity(8);
        stdin_head(len as usize, &mut head);
        out.push_str(Str::from(head));
        out.append(&mut part.slice(0, len));
        part.advance(len);
        out.push_str(Str::from_static(padding(len as usize)));
    }
}

/// Writes some of a chain. The error is of the phase `Send`, or, of a file that cannot be read, `Answer`.
fn write_some(io: Io, chain: &mut Chain) -> Result<u64, Error> {
    let sent = |error: io::Error| Error { phase: ErrorPhase::Send, cause: Cause::Io(error) };
    if let Some((file, offset, len)) = chain.front_file() {
        let count = match io.sendfile_socket() {
            Some(socket) => {
                let len = usize::try_from(len).unwrap_or(usize::MAX).min(FILE);
                let count = socket.sendfile(file.as_raw_fd(), offset, len).map_err(sent)? as u64;
                if count == 0 {
                    return Err(Error::invalid("the file with the request's body was truncated"));
                }
                count
            }
            None => {
                let (mut bytes, mut window) = (Vec::new(), chain.slice(0, len.min(READ as u64)));
                read_chain(&mut window, &mut bytes, READ)?;
                io.write(&[IoSlice::new(&bytes)], false).map_err(sent)? as u64
            }
        };
        chain.advance(count);
        return Ok(count);
    }
    let has_file = chain.iter().any(|buf| matches!(buf, Buf::File(_)));
    let mut slices = [IoSlice::new(&[]); SLICES];
    let count = chain.memory_prefix(&mut slices, usize::MAX);
    let written = io.write(&slices[..count], has_file).map_err(sent)? as u64;
    chain.advance(written);
    Ok(written)
}
