//! Where the body of an answer ends.

use std::ops::Range;

use http::Cause;
use proto::http1;
use proto::memcached::End;

use super::records::BodyRecords;

/// What stands behind a value.
const END: u64 = b"\r\nEND\r\n".len() as u64;

/// How the body of an answer is framed.
pub enum Framing {
    /// As in HTTP/1, and as a script's that is in no records.
    Http(http1::Framing),
    /// In the records of FastCGI.
    Records(Box<BodyRecords>),
    /// A value of memcached.
    Value {
        /// What was kept with it.
        flags: u32,
        /// Bytes of it that are still to come,
        left: u64,
        /// and then this.
        end: End,
    },
}

/// What was found in what has come.
#[derive(Default)]
pub struct Piece {
    /// So many bytes are dealt with.
    pub consumed: usize,
    /// Those of them that belong to the body.
    pub data: Range<usize>,
    /// That was all of it.
    pub done: bool,
}

impl Framing {
    /// Bytes of the body that are still to come, if that is known.
    pub fn length(&self) -> Option<u64> {
        match self {
            Framing::Http(http1::Framing::None) => Some(0),
            Framing::Http(http1::Framing::Length(left)) => Some(*left),
            Framing::Http(http1::Framing::Chunked(_) | http1::Framing::Close) => None,
            Framing::Records(records) => records.left(),
            Framing::Value { left, .. } => Some(*left),
        }
    }

    /// So many bytes are still to come of what belongs to this answer, if that is known: no more are read.
    pub fn wanted(&self) -> Option<u64> {
        match self {
            Framing::Http(http1::Framing::Length(left)) => Some(*left),
            Framing::Value { left, .. } => Some(left.saturating_add(END)),
            _ => None,
        }
    }

    /// Whether it ends with the connection.
    pub fn ends_with_connection(&self) -> bool {
        matches!(self, Framing::Http(http1::Framing::Close))
    }

    /// Looks at the next bytes. `most`: so many may stand between chunks, and beside their data.
    pub fn decode(&mut self, bytes: &[u8], skipped: &mut u64, most: u64) -> Result<Piece, Cause> {
        let framing = match self {
            Framing::Http(framing) => framing,
            Framing::Records(records) => {
                let (consumed, data, done) = records.decode(bytes)?;
                return Ok(Piece { consumed, data, done });
            }
            Framing::Value { left: 0, end, .. } => {
                let consumed = end.decode(bytes);
                let consumed = consumed.map_err(|why| Cause::Invalid(why.to_string()))?;
                return Ok(Piece { consumed, data: 0..0, done: end.is_done() });
            }
            Framing::Value { left, .. } => {
                let count = (bytes.len() as u64).min(*left);
                *left -= count;
                return Ok(Piece {
                    consumed: count as usize,
                    data: 0..count as usize,
                    done: false,
                });
            }
        };
        Ok(match framing {
            http1::Framing::None => Piece { done: true, ..Piece::default() },
            http1::Framing::Length(left) => {
                let count = (bytes.len() as u64).min(*left);
                *left -= count;
                Piece { consumed: count as usize, data: 0..count as usize, done: *left == 0 }
            }
            http1::Framing::Close => {
                Piece { consumed: bytes.len(), data: 0..bytes.len(), done: false }
            }
            http1::Framing::Chunked(chunked) => {
                let invalid = |why: &str| Cause::Invalid(why.to_owned());
                let step = chunked.decode(bytes);
                let step = step.map_err(|_| invalid("upstream sent invalid chunked response"))?;
                // For each chunk, not for all of them: there are those that fill sizes up with spaces.
                let beside = chunked.skipped() - *skipped;
                if step.data.is_some() {
                    *skipped = chunked.skipped();
                }
                if beside > most {
                    return Err(invalid("upstream sent too much beside its chunks"));
                }
                Piece {
                    consumed: step.consumed,
                    data: step.data.unwrap_or_default(),
                    done: step.done,
                }
            }
        })
    }
}
