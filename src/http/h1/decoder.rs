//! The body of a request: read by a handler, or read and thrown away.

use proto::http1::{Body, Chunked, Reject};

/// What is left of a body.
#[derive(Debug, Default)]
pub enum Decoder {
    /// Nothing: there was none, or it has been read.
    #[default]
    Done,
    /// So many bytes.
    Length(u64),
    /// Chunks.
    Chunks(Chunked),
}

/// A part of a body that has been found in the input.
#[derive(Debug, PartialEq, Eq)]
pub struct Part {
    /// Bytes of the input that are used up.
    pub consumed: usize,
    /// Where in the input the content is.
    pub content: std::ops::Range<usize>,
}

impl Decoder {
    /// The whole body that a head announced.
    pub fn new(body: Body) -> Decoder {
        match body {
            Body::None | Body::Length(0) => Decoder::Done,
            Body::Length(length) => Decoder::Length(length),
            Body::Chunked => Decoder::Chunks(Chunked::new()),
        }
    }

    /// Whether all of it has been read.
    pub fn is_done(&self) -> bool {
        matches!(self, Decoder::Done)
    }

    /// Bytes that are still to come, as far as is known.
    pub fn left(&self) -> u64 {
        match self {
            Decoder::Length(left) => *left,
            Decoder::Done | Decoder::Chunks(_) => 0,
        }
    }

    /// Bytes that have been skipped between the chunks, beyond what frames them.
    pub fn skipped(&self) -> u64 {
        match self {
            Decoder::Chunks(chunks) => chunks.skipped(),
            Decoder::Done | Decoder::Length(_) => 0,
        }
    }

    /// Takes the next part of the body from `input`.
    pub fn take(&mut self, input: &[u8]) -> Result<Part, Reject> {
        match self {
            Decoder::Done => Ok(Part { consumed: 0, content: 0..0 }),
            Decoder::Length(left) => {
                let count = input.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= count as u64;
                if *left == 0 {
                    *self = Decoder::Done;
                }
                Ok(Part { consumed: count, content: 0..count })
            }
            Decoder::Chunks(chunks) => {
                let step = chunks.decode(input)?;
                if step.done {
                    *self = Decoder::Done;
                }
                Ok(Part { consumed: step.consumed, content: step.data.unwrap_or(0..0) })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_ends_where_it_says() {
        let mut rest = Decoder::new(Body::Length(5));
        assert_eq!(rest.take(b"abc"), Ok(Part { consumed: 3, content: 0..3 }));
        assert_eq!(rest.left(), 2);
        assert_eq!(rest.take(b"deGET /"), Ok(Part { consumed: 2, content: 0..2 }));
        assert!(rest.is_done());
    }

    #[test]
    fn chunks_end_with_the_last_one() {
        let mut rest = Decoder::new(Body::Chunked);
        let mut input: &[u8] = b"3\r\nabc\r\n0\r\n\r\nGET /";
        let mut content = Vec::new();
        while !rest.is_done() {
            let part = rest.take(input).expect("well-formed");
            content.extend_from_slice(&input[part.content]);
            input = &input[part.consumed..];
        }
        assert_eq!((content.as_slice(), input), (&b"abc"[..], &b"GET /"[..]));
    }
}
