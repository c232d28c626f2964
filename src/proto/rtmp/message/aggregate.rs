//! Several messages in one (RTMP 1.0 §7.1.6).
//!
//! ```text
//! kind (1) length (3) timestamp (3) its high byte (1) stream (3) payload (length) back (4)
//! kind (1) length (3) …
//! ```
//!
//! Each looks as a tag of an FLV file does. Their timestamps have a zero of their own: the first one
//! stands for the timestamp of the whole.

/// A message of an aggregate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// Its kind.
    pub kind: u8,
    /// Its time in milliseconds, on the same scale as the aggregate's.
    pub timestamp: u32,
    /// Its content.
    pub payload: &'a [u8],
}

/// The messages of an aggregate; see [`aggregate`].
#[derive(Clone, Debug)]
pub struct Aggregate<'a> {
    rest: &'a [u8],
    timestamp: u32,
    first: Option<u32>,
}

/// Takes the payload of an aggregate apart, whose message has this timestamp. One that is cut short
/// gives those that are whole.
pub fn aggregate(payload: &[u8], timestamp: u32) -> Aggregate<'_> {
    Aggregate { rest: payload, timestamp, first: None }
}

impl<'a> Iterator for Aggregate<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        let (header, rest) = std::mem::take(&mut self.rest).split_first_chunk()?;
        let [kind, l0, l1, l2, t1, t2, t3, t0, _, _, _] = *header;
        let len = u32::from_be_bytes([0, l0, l1, l2]) as usize;
        let (payload, rest) = rest.split_at_checked(len)?;
        // Nobody needs the way back, and the last one may lack it.
        self.rest = rest.get(4..).unwrap_or_default();
        let inner = u32::from_be_bytes([t0, t1, t2, t3]);
        let first = *self.first.get_or_insert(inner);
        let timestamp = self.timestamp.wrapping_add(inner.wrapping_sub(first));
        Some(Part { kind, timestamp, payload })
    }
}
