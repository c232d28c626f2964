//! A body that comes piece by piece: each is framed, and goes out before the next is asked for.

use std::task::{Context, Poll};

use mem::Chain;
use proto::http1::{CHUNK_END, LAST_CHUNK, chunk_head};

use super::connection::{Connection, Step};
use super::output::OutputError;
use super::render;
use crate::body::Fields;
use crate::error::Error;

/// So much of a body is asked for at once.
const PIECE: usize = 32 << 10;
/// So much of it waits to be sent before no more is asked for.
const FILLED: u64 = 64 << 10;
/// A body that comes as fast as it is taken has so many pieces in one turn.
const PIECES: u32 = 16;

impl Connection {
    /// Asks the source for more, until enough waits to be sent.
    pub(crate) fn produce(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let Some(source) = &mut self.source else { return Poll::Ready(()) };
            match source.poll(cx, PIECE) {
                Poll::Ready(piece) => self.take_piece(piece),
                // What there is goes out first.
                Poll::Pending if !self.output.is_empty() => self.filled = true,
                // Who has gone waits for nothing.
                Poll::Pending if self.io.is_broken() => {
                    let gone = std::io::ErrorKind::ConnectionReset;
                    drop(self.fail(&OutputError::Connection(gone.into())));
                }
                Poll::Pending => return Poll::Pending,
            }
            if self.filled || self.source.is_none() {
                return Poll::Ready(());
            }
        }
    }

    /// The source will be asked for more.
    pub(crate) fn prepare(&mut self, cx: &mut Context<'_>) {
        if let Some(source) = &mut self.source {
            source.prepare(cx);
        }
    }

    fn take_piece(&mut self, piece: Result<Option<Chain>, Error>) {
        match piece {
            Ok(Some(piece)) => {
                if let Some(left) = &mut self.promised {
                    match left.checked_sub(piece.len()) {
                        Some(rest) => *left = rest,
                        None => return self.break_off("it gives more than it has promised"),
                    }
                }
                self.append_piece(piece);
                self.pieces += 1;
                self.filled = self.output.len() >= FILLED;
            }
            Ok(None) if self.promised.is_some_and(|left| left > 0) => {
                self.break_off("it gives less than it has promised");
            }
            Ok(None) => {
                let source = self.source.take();
                if self.request.response.chunked {
                    let trailers = source.and_then(|mut source| source.trailers());
                    let mut end = Vec::new();
                    self.end_chunks(trailers.unwrap_or_default(), &mut end);
                    self.append(&end);
                }
            }
            Err(error) => {
                drop(self.fail(&OutputError::Source(error)));
            }
        }
    }

    /// Nothing of a body that is not what the head says can be taken for all of it.
    fn break_off(&mut self, why: &str) {
        drop(self.fail(&OutputError::Source(Error::invalid(why))));
    }

    fn append_piece(&mut self, mut piece: Chain) {
        if piece.is_empty() {
            return;
        }
        let chunked = self.request.response.chunked;
        if chunked {
            let mut head = Vec::with_capacity(16);
            chunk_head(piece.len() as usize, &mut head);
            self.append(&head);
        }
        self.queued += piece.len();
        self.output.chain.append(&mut piece);
        if chunked {
            self.append(CHUNK_END);
        }
    }

    fn append(&mut self, bytes: &[u8]) {
        self.queued += bytes.len() as u64;
        self.queue(bytes);
    }

    /// Goes on with the source, after the others' turn if it has had many.
    pub(super) fn produce_on(&mut self) -> Option<Step> {
        match self.pieces >= PIECES {
            true => {
                self.pieces = 0;
                Some(Step::Yield)
            }
            false => Some(Step::Produce),
        }
    }

    /// Appends the end of a body in chunks: of its last chunk, if it has had one, and of all.
    /// Behind the last one are the body's own trailers, then the configuration's.
    pub(super) fn end_chunks(&mut self, mut fields: Fields, out: &mut Vec<u8>) {
        if self.request.response.has_trailers {
            for trailers in &self.request.location().trailers {
                trailers.fields(&mut self.request, &mut fields);
            }
        }
        self.request.sent_trailers.clone_from(&fields);
        if fields.is_empty() {
            return out.extend_from_slice(LAST_CHUNK);
        }
        out.extend_from_slice(b"0\r\n");
        for (name, value) in fields {
            out.extend_from_slice(&name);
            render::field(out, b": ", &value);
        }
        out.extend_from_slice(b"\r\n");
    }
}
