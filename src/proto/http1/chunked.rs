//! A body in chunks (RFC 9112, 7.1): decoded as it arrives, and what frames one that is sent.
//!
//! ```text
//!   1*HEX [ ;extension ] CRLF     the size
//!   data CRLF                     that many bytes
//!   ...
//!   0 [ ;extension ] CRLF         the last chunk
//!   trailer-field CRLF ...        skipped, or left
//!   CRLF
//! ```
//!
//! Line ends are strict: where one end of a connection takes a bare LF and the other does not,
//! a request can be hidden in the difference.

use super::Reject;
use memchr::memchr;
use std::io::Write;
use std::ops::Range;

/// What stands behind the data of a chunk.
pub const CHUNK_END: &[u8] = b"\r\n";
/// The last chunk of a body without trailers.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Appends what stands before `len` bytes of data, which are some: a chunk of none would be the last.
pub fn chunk_head(len: usize, out: &mut Vec<u8>) {
    debug_assert!(len > 0, "a chunk of no bytes is the last one");
    let _ = write!(out, "{len:x}\r\n");
}

const INVALID: Reject = Reject::new(400, "client sent invalid chunked body");

/// Where in the drawing the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ChunkState {
    /// Before the first digit of a size.
    Start,
    Size,
    Extension,
    SizeEnd,
    Data,
    DataCr,
    DataLf,
    /// At the start of a trailer line.
    TrailerStart,
    Trailer,
    TrailerEnd,
    /// After the CR of the empty line.
    End,
    Done,
}

/// The decoder of one body.
#[derive(Clone, Debug)]
pub struct Chunked {
    state: ChunkState,
    /// The size being read, then the bytes of the chunk that are still to come.
    left: u64,
    skipped: u64,
    /// Whether the body ends for it where the trailers begin.
    leaves_trailers: bool,
}

/// What [`Chunked::decode`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// How many bytes of the input are dealt with.
    pub consumed: usize,
    /// Which of them are data.
    pub data: Option<Range<usize>>,
    /// Whether the body has ended; what is not consumed belongs to the next request, or is trailers that are left.
    pub done: bool,
}

impl Default for Chunked {
    fn default() -> Chunked {
        Chunked::new()
    }
}

impl Chunked {
    /// A decoder at the start of a body.
    pub const fn new() -> Chunked {
        Chunked { state: ChunkState::Start, left: 0, skipped: 0, leaves_trailers: false }
    }

    /// The same decoder, but what follows the line of the last chunk is left to the caller: the trailers and the empty line
    /// behind them, for [`FieldSection::parse_trailers`](super::FieldSection::parse_trailers). To be said at the start.
    pub const fn leave_trailers(self) -> Chunked {
        Chunked { leaves_trailers: true, ..self }
    }

    /// How many bytes of extensions and trailers have been skipped: whoever limits a body limits them, too.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Whether the body has ended.
    pub fn is_done(&self) -> bool {
        self.state == ChunkState::Done
    }

    /// Decodes up to the end of the first piece of data in `input`, or all of `input` if there is
    /// none. Call it again with what was not consumed, until it is used up or the body is done.
    pub fn decode(&mut self, input: &[u8]) -> Result<Step, Reject> {
        let mut at = 0;
        while at < input.len() && self.state != ChunkState::Done {
            if self.state == ChunkState::Data {
                let len = self.left.min((input.len() - at) as u64) as usize;
                self.left -= len as u64;
                if self.left == 0 {
                    self.state = ChunkState::DataCr;
                }
                return Ok(Step { consumed: at + len, data: Some(at..at + len), done: false });
            }
            at += match self.state {
                ChunkState::Extension | ChunkState::Trailer => self.skip(&input[at..])?,
                _ => 0,
            };
            if let Some(&byte) = input.get(at) {
                self.state = self.next(byte)?;
                at += 1;
            }
        }
        Ok(Step { consumed: at, data: None, done: self.is_done() })
    }

    /// The length of what precedes the CR; a bare LF in it is refused.
    fn skip(&mut self, input: &[u8]) -> Result<usize, Reject> {
        let len = memchr(b'\r', input).unwrap_or(input.len());
        self.skipped = self.skipped.saturating_add(len as u64);
        if memchr(b'\n', &input[..len]).is_some() { Err(INVALID) } else { Ok(len) }
    }

    fn next(&mut self, byte: u8) -> Result<ChunkState, Reject> {
        match (self.state, byte) {
            (ChunkState::Start | ChunkState::Size, byte) if byte.is_ascii_hexdigit() => {
                self.digit(byte)
            }
            (ChunkState::Size, b';' | b' ' | b'\t') => Ok(ChunkState::Extension),
            (ChunkState::Size | ChunkState::Extension, b'\r') => Ok(ChunkState::SizeEnd),
            (ChunkState::SizeEnd, b'\n') => {
                // Such a chunk's end could not be counted to.
                if self.left > i64::MAX as u64 - 5 {
                    return Err(INVALID);
                }
                Ok(match self.left {
                    0 if self.leaves_trailers => ChunkState::Done,
                    0 => ChunkState::TrailerStart,
                    _ => ChunkState::Data,
                })
            }
            (ChunkState::DataCr, b'\r') => Ok(ChunkState::DataLf),
            (ChunkState::DataLf, b'\n') => Ok(ChunkState::Start),
            (ChunkState::TrailerStart, b'\r') => Ok(ChunkState::End),
            (ChunkState::TrailerStart, byte) if byte != b'\n' => {
                // Counted, so that lines without end are bounded, too.
                self.skipped = self.skipped.saturating_add(1);
                Ok(ChunkState::Trailer)
            }
            (ChunkState::Trailer, b'\r') => Ok(ChunkState::TrailerEnd),
            (ChunkState::TrailerEnd, b'\n') => Ok(ChunkState::TrailerStart),
            (ChunkState::End, b'\n') => Ok(ChunkState::Done),
            _ => Err(INVALID),
        }
    }

    /// Adds a digit to the size, which must stay a signed file offset.
    fn digit(&mut self, byte: u8) -> Result<ChunkState, Reject> {
        let digit = char::from(byte).to_digit(16).ok_or(INVALID)?;
        self.left = match self.left {
            left if left > (i64::MAX as u64) >> 4 => return Err(INVALID),
            left => left << 4 | u64::from(digit),
        };
        Ok(ChunkState::Size)
    }
}
