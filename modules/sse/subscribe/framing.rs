//! How events go out to a client. HTTP/1.1 takes the records as they lie in the log; for the others
//! they are framed again, once for all clients of a kind.

use broadcast::{Batch, END, RecordRef};
use proto::http1::{CHUNK_END, LAST_CHUNK, chunk_head};
use proto::sse::{self, EventId};
use proto::websocket;

use crate::record;
use crate::subscribe::gzip::{Gzip, HEADER, Piece, Sum};

/// A kind of client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamFormat {
    /// HTTP/1.1: chunks, as the log has them.
    Chunks,
    /// HTTP/1.0: up to the connection's end.
    Plain,
    /// Compressed, in chunks.
    GzipChunks,
    /// Compressed, up to the connection's end.
    GzipPlain,
    /// WebSocket messages with an event's data.
    SocketData,
    /// WebSocket messages with a whole event.
    SocketEvents,
}

/// Of those that the log's records are framed again for.
pub const FRAMED: usize = 5;

impl StreamFormat {
    /// Whether a record goes out as it is.
    pub fn is_raw(self) -> bool {
        self == StreamFormat::Chunks
    }

    /// Whether the client is a WebSocket.
    pub fn is_socket(self) -> bool {
        matches!(self, StreamFormat::SocketData | StreamFormat::SocketEvents)
    }

    /// Whether the stream is compressed.
    pub fn is_gzip(self) -> bool {
        matches!(self, StreamFormat::GzipChunks | StreamFormat::GzipPlain)
    }

    /// A place in a table of [`FRAMED`].
    pub fn index(self) -> usize {
        match self {
            StreamFormat::Chunks | StreamFormat::Plain => 0,
            StreamFormat::GzipChunks => 1,
            StreamFormat::GzipPlain => 2,
            StreamFormat::SocketData => 3,
            StreamFormat::SocketEvents => 4,
        }
    }
}

/// Events, framed for a kind of client, and what they are to the sum of a compressed stream.
#[derive(Default)]
pub struct Framed {
    /// The bytes to send.
    pub bytes: Vec<u8>,
    pieces: Vec<std::rc::Rc<Piece>>,
}

impl Framed {
    /// A batch for a kind of client.
    pub fn of(kind: StreamFormat, gzip: &mut Gzip, batch: &Batch<'_>) -> Framed {
        let mut framed = Framed::default();
        let mut record = Vec::new();
        for found in batch.records().iter().filter(|record| record.is_whole()) {
            record.clear();
            batch.copy(found, &mut record);
            framed.add(kind, gzip, found, &record);
        }
        framed
    }

    /// Adds a record.
    pub fn add(&mut self, kind: StreamFormat, gzip: &mut Gzip, found: &RecordRef, record: &[u8]) {
        let block = record::block(record);
        match kind {
            StreamFormat::Chunks => self.bytes.extend_from_slice(record),
            StreamFormat::Plain => self.bytes.extend_from_slice(block),
            StreamFormat::GzipChunks | StreamFormat::GzipPlain => {
                let piece = gzip.event(found.seq, block);
                chunk(kind, &piece.bytes, &mut self.bytes);
                self.pieces.push(piece);
            }
            // The close frame tells of the end.
            StreamFormat::SocketData if found.flags & END != 0 => {}
            StreamFormat::SocketData => {
                let mut data = Vec::new();
                sse::data_of(block, &mut data);
                websocket::text(&data, &mut self.bytes);
            }
            StreamFormat::SocketEvents => websocket::text(block, &mut self.bytes),
        }
    }
}

/// One client's framing.
pub struct Framing {
    /// Its kind.
    pub kind: StreamFormat,
    /// It takes each blank line for the end of an event: there are none but those of events. So do the
    /// SDKs of language models, which do not ask for `text/event-stream`.
    pub events_alone: bool,
    sum: Sum,
}

impl Framing {
    /// A stream that has not begun.
    pub fn new(kind: StreamFormat) -> Framing {
        Framing { kind, events_alone: false, sum: Sum::default() }
    }

    /// The events are sent to this client.
    pub fn sent(&mut self, framed: &Framed) {
        framed.pieces.iter().for_each(|piece| self.sum.add(piece));
    }

    /// What stands before everything.
    pub fn open(&mut self, out: &mut Vec<u8>) {
        if self.kind.is_gzip() {
            chunk(self.kind, &HEADER, out);
        }
    }

    /// A block for this client alone: the first one, a gap.
    pub fn block(&mut self, gzip: &mut Gzip, block: &[u8], out: &mut Vec<u8>) {
        match self.kind {
            StreamFormat::Chunks | StreamFormat::Plain => chunk(self.kind, block, out),
            StreamFormat::GzipChunks | StreamFormat::GzipPlain => {
                let piece = gzip.piece(block);
                self.sum.add(&piece);
                chunk(self.kind, &piece.bytes, out);
            }
            // Data alone has no place for it.
            StreamFormat::SocketData => {}
            StreamFormat::SocketEvents => websocket::text(block, out),
        }
    }

    /// A sign of life: a ping, an id alone, or a comment.
    pub fn keepalive(&mut self, gzip: &mut Gzip, id: Option<EventId>, out: &mut Vec<u8>) {
        if self.kind.is_socket() {
            return websocket::ping(out);
        }
        let mut block = Vec::new();
        match id {
            _ if self.events_alone => sse::comment_line(&mut block),
            Some(id) => {
                let mut text = Vec::new();
                id.write(&mut text, None);
                sse::cursor(&mut block, &text);
            }
            None => sse::comment(&mut block),
        }
        self.block(gzip, &block, out);
    }

    /// The end. A WebSocket is told by its close frame.
    pub fn close(&mut self, out: &mut Vec<u8>) {
        if self.kind.is_gzip() {
            let mut trailer = Vec::new();
            self.sum.trailer(&mut trailer);
            chunk(self.kind, &trailer, out);
        }
        if matches!(self.kind, StreamFormat::Chunks | StreamFormat::GzipChunks) {
            out.extend_from_slice(LAST_CHUNK);
        }
    }
}

fn chunk(kind: StreamFormat, bytes: &[u8], out: &mut Vec<u8>) {
    if bytes.is_empty() {
        return;
    }
    let chunked = matches!(kind, StreamFormat::Chunks | StreamFormat::GzipChunks);
    if chunked {
        chunk_head(bytes.len(), out);
    }
    out.extend_from_slice(bytes);
    if chunked {
        out.extend_from_slice(CHUNK_END);
    }
}
