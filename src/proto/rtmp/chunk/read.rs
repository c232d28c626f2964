//! Reading chunks.

use super::{DEFAULT_CHUNK_SIZE, EXTENDED, Error, LONGEST};
use crate::rtmp::message::{ABORT, SET_CHUNK_SIZE};

/// A buffer that is larger is not kept for the next message.
const KEPT: usize = 64 * 1024;

/// What a peer may ask for.
#[derive(Clone, Copy, Debug)]
pub struct MessageLimits {
    /// The longest message, in bytes.
    pub message: usize,
    /// How many chunk streams there may be.
    pub streams: usize,
    /// How many bytes unfinished messages may hold together.
    pub memory: usize,
}

/// A message that is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// The chunk stream that it came on.
    pub csid: u32,
    /// Its kind, see [`message`](crate::rtmp::message).
    pub kind: u8,
    /// The message stream that it belongs to.
    pub stream: u32,
    /// Its time in milliseconds, from a zero of the peer's; wraps.
    pub timestamp: u32,
    /// Its content.
    pub payload: &'a [u8],
}

/// One chunk stream: what the next header may leave out.
#[derive(Debug, Default)]
struct Stream {
    csid: u32,
    kind: u8,
    stream: u32,
    len: usize,
    timestamp: u32,
    /// What a message adds that begins with format 3.
    delta: u32,
    /// The value behind the last header, if its timestamp was extended.
    extended: Option<u32>,
    /// What has come of a message; never empty between two chunks of one.
    partial: Vec<u8>,
}

/// A header that was read.
struct Header {
    csid: u32,
    format: u8,
    /// The bytes behind the basic header.
    fields: [u8; 11],
    /// The value behind them.
    extended: Option<u32>,
    /// Its length.
    len: usize,
}

/// Puts messages together.
///
/// Besides what the specification says:
///
/// - a chunk stream may begin with format 1, as if zeros had gone before (librtmp does);
/// - a message that begins with format 3 right after one with format 0 has the same timestamp. The
///   specification has it add the other's whole timestamp, which no encoder means;
/// - format 0, 1 or 2 in the middle of a message drops what has come of it;
/// - a format 3 chunk may repeat an extended timestamp or not: the bytes there tell.
#[derive(Debug)]
pub struct Reader {
    limits: MessageLimits,
    chunk_size: usize,
    /// Ordered by `csid`.
    streams: Vec<Stream>,
    /// The chunk whose payload is coming: its stream's place, and how many bytes it still has.
    chunk: Option<(usize, usize)>,
    /// Bytes in the streams' partial messages.
    held: usize,
    /// The message that was given out last; afterwards the buffer for the next one.
    done: Vec<u8>,
}

impl Reader {
    /// A reader for the bytes that follow a handshake.
    pub fn new(limits: MessageLimits) -> Reader {
        Reader {
            limits,
            chunk_size: DEFAULT_CHUNK_SIZE,
            streams: Vec::new(),
            chunk: None,
            held: 0,
            done: Vec::new(),
        }
    }

    /// Takes bytes up to the end of one message, and gives how many they were and the message. Without
    /// one, what was not taken (17 bytes at most) is the beginning of a header: it is to come again, with
    /// more behind it. After an error there is no going on.
    ///
    /// A message that is whole in `input` is not copied. Set Chunk Size and Abort are obeyed here,
    /// and not given out.
    pub fn read<'a>(&'a mut self, input: &'a [u8]) -> Result<(usize, Option<Message<'a>>), Error> {
        let done = std::mem::take(&mut self.done);
        self.keep(done);
        let mut at = 0;
        loop {
            let (place, left) = match self.chunk.take() {
                Some(chunk) => chunk,
                None => {
                    let Some(header) = self.header(&input[at..]) else { return Ok((at, None)) };
                    at += header.len;
                    let place = self.begin(&header)?;
                    let stream = &self.streams[place];
                    (place, self.chunk_size.min(stream.len - stream.partial.len()))
                }
            };
            let payload = &input[at..][..left.min(input.len() - at)];
            at += payload.len();
            // Those that need no copy count, too: how the bytes come must not matter.
            if self.held + payload.len() > self.limits.memory {
                return Err(Error::Memory);
            }
            let len = self.streams[place].len;
            let whole = payload.len() == len;
            if !whole {
                self.collect(place, payload);
                if payload.len() < left {
                    self.chunk = Some((place, left - payload.len()));
                    return Ok((at, None));
                }
                if self.streams[place].partial.len() < len {
                    continue;
                }
                self.done = self.take(place);
            }
            let Stream { csid, kind, stream, timestamp, .. } = self.streams[place];
            if kind == SET_CHUNK_SIZE || kind == ABORT {
                let done = std::mem::take(&mut self.done);
                self.control(kind, if whole { payload } else { &done })?;
                self.keep(done);
                continue;
            }
            let payload = if whole { payload } else { &self.done };
            return Ok((at, Some(Message { csid, kind, stream, timestamp, payload })));
        }
    }

    /// What is known of the peer's chunk streams: where it lies, not what it is.
    pub fn streams(&self) -> &[impl Sized + use<>] {
        &self.streams
    }

    /// Lends a buffer for messages that come in pieces: many readers can have one together.
    pub fn lend(&mut self, buffer: Vec<u8>) {
        self.keep(buffer);
    }

    /// Gives the buffer back that no unfinished message needs. The message that was given out last is over.
    pub fn reclaim(&mut self) -> Vec<u8> {
        let mut buffer = std::mem::take(&mut self.done);
        buffer.clear();
        buffer
    }

    /// A chunk's header, if it is all there.
    fn header(&self, input: &[u8]) -> Option<Header> {
        let (&first, mut rest) = input.split_first()?;
        let csid = match first & 63 {
            0 => 64 + u32::from(take::<1>(&mut rest)?[0]),
            1 => 64 + u32::from(u16::from_le_bytes(take(&mut rest)?)),
            csid => csid.into(),
        };
        let format = first >> 6;
        let mut fields = [0; 11];
        let (wanted, _) = fields.split_at_mut([11, 7, 3, 0][usize::from(format)]);
        wanted.copy_from_slice(rest.split_off(..wanted.len())?);
        let before = self.find(csid).ok().and_then(|place| self.streams[place].extended);
        let extended = match before {
            _ if format < 3 && u24(&fields) == EXTENDED => {
                Some(u32::from_be_bytes(take(&mut rest)?))
            }
            Some(value) if format == 3 => {
                let there = rest.len().min(4);
                if rest[..there] == value.to_be_bytes()[..there] {
                    take::<4>(&mut rest)?;
                }
                Some(value)
            }
            _ => None,
        };
        Some(Header { csid, format, fields, extended, len: input.len() - rest.len() })
    }

    fn find(&self, csid: u32) -> Result<usize, usize> {
        self.streams.binary_search_by_key(&csid, |stream| stream.csid)
    }

    /// Takes a header in, and gives the place of its stream.
    fn begin(&mut self, header: &Header) -> Result<usize, Error> {
        let Header { csid, format, fields, extended, .. } = header;
        let place = match self.find(*csid) {
            Ok(place) => place,
            Err(_) if *format > 1 => return Err(Error::NoHeader),
            Err(_) if self.streams.len() >= self.limits.streams => {
                return Err(Error::TooManyStreams);
            }
            Err(place) => {
                self.streams.insert(place, Stream { csid: *csid, ..Stream::default() });
                place
            }
        };
        if *format == 3 && !self.streams[place].partial.is_empty() {
            return Ok(place);
        }
        let dropped = self.take(place);
        self.keep(dropped);
        let stream = &mut self.streams[place];
        let [_, _, _, len @ .., kind, id0, id1, id2, id3] = fields;
        if *format < 2 {
            (stream.len, stream.kind) = (u24(len) as usize, *kind);
        }
        if *format == 0 {
            stream.stream = u32::from_le_bytes([*id0, *id1, *id2, *id3]);
        }
        if *format < 3 {
            stream.extended = *extended;
            stream.delta = extended.unwrap_or(u24(fields));
        }
        stream.timestamp = stream.timestamp.wrapping_add(stream.delta);
        if *format == 0 {
            (stream.timestamp, stream.delta) = (stream.delta, 0);
        }
        if stream.len > self.limits.message {
            return Err(Error::TooLong);
        }
        Ok(place)
    }

    /// Adds to a stream's partial message, which grows by what comes, whatever was announced.
    fn collect(&mut self, place: usize, payload: &[u8]) {
        let partial = &mut self.streams[place].partial;
        if partial.is_empty() && !payload.is_empty() {
            *partial = std::mem::take(&mut self.done);
        }
        partial.extend_from_slice(payload);
        self.held += payload.len();
    }

    /// Takes a stream's partial message out.
    fn take(&mut self, place: usize) -> Vec<u8> {
        let partial = std::mem::take(&mut self.streams[place].partial);
        self.held -= partial.len();
        partial
    }

    /// Keeps a buffer for the next message, unless it is large, or there is one already.
    fn keep(&mut self, mut buffer: Vec<u8>) {
        if buffer.capacity() <= KEPT && self.done.capacity() == 0 {
            buffer.clear();
            self.done = buffer;
        }
    }

    fn control(&mut self, kind: u8, payload: &[u8]) -> Result<(), Error> {
        let value = payload.first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
        if kind == SET_CHUNK_SIZE {
            self.chunk_size = match value {
                Some(size @ 1..=0x7FFF_FFFF) => LONGEST.min(size as usize),
                _ => return Err(Error::ChunkSize),
            };
        } else if let Some(Ok(place)) = value.map(|csid| self.find(csid)) {
            let dropped = self.take(place);
            self.keep(dropped);
        }
        Ok(())
    }
}

/// The next bytes, if they are there.
fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (bytes, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*bytes)
}

/// The first three bytes.
fn u24(bytes: &[u8]) -> u32 {
    bytes.iter().take(3).fold(0, |value, byte| value << 8 | u32::from(*byte))
}
