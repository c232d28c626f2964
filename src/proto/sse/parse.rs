//! Reading an event stream, as it comes (HTML standard §9.2.6).

use std::fmt;

/// An event that is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// Its type; empty: `message`.
    pub event: &'a [u8],
    /// The id that this block gives.
    pub id: Option<&'a [u8]>,
    /// The id that counts: this block's or an earlier one's.
    pub last_id: &'a [u8],
    /// Its data, lines joined by LF.
    pub data: &'a [u8],
}

/// An event, or a line, is longer than it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event is too large")
    }
}

impl std::error::Error for TooLarge {}

/// Takes a stream apart. Memory is bounded by the size given.
#[derive(Debug)]
pub struct Parser {
    max: usize,
    line: Vec<u8>,
    data: Vec<u8>,
    event: Vec<u8>,
    id: Option<Vec<u8>>,
    last_id: Vec<u8>,
    retry: Option<u64>,
    /// The byte before was CR: an LF that follows is part of the same line end.
    after_cr: bool,
    /// Nothing was read yet: a byte order mark is none of the stream's.
    first: bool,
}

const BOM: &[u8] = b"\xEF\xBB\xBF";

impl Parser {
    /// A stream whose events have at most `max` bytes.
    pub fn new(max: usize) -> Parser {
        Parser {
            max,
            line: Vec::new(),
            data: Vec::new(),
            event: Vec::new(),
            id: None,
            last_id: Vec::new(),
            retry: None,
            after_cr: false,
            first: true,
        }
    }

    /// The id that counts now.
    pub fn last_id(&self) -> &[u8] {
        &self.last_id
    }

    /// The last `retry`, in milliseconds.
    pub fn retry(&self) -> Option<u64> {
        self.retry
    }

    /// Takes the next bytes, and calls `on_event` with each event that they complete.
    pub fn feed(
        &mut self,
        input: &[u8],
        mut on_event: impl FnMut(Event<'_>),
    ) -> Result<(), TooLarge> {
        let mut rest = input;
        if self.after_cr && !rest.is_empty() {
            self.after_cr = false;
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        while let Some(end) = memchr::memchr2(b'\r', b'\n', rest) {
            self.take(&rest[..end])?;
            let cr = rest[end] == b'\r';
            rest = &rest[end + 1..];
            if cr {
                self.after_cr = rest.is_empty();
                rest = rest.strip_prefix(b"\n").unwrap_or(rest);
            }
            self.end_line(&mut on_event)?;
        }
        self.take(rest)
    }

    fn take(&mut self, part: &[u8]) -> Result<(), TooLarge> {
        // The names of fields do not count.
        if self.line.len() + part.len() > self.max + 64 {
            return Err(TooLarge);
        }
        self.line.extend_from_slice(part);
        Ok(())
    }

    fn end_line(&mut self, on_event: &mut impl FnMut(Event<'_>)) -> Result<(), TooLarge> {
        let line = std::mem::take(&mut self.line);
        let mut text = &line[..];
        if std::mem::replace(&mut self.first, false) {
            text = text.strip_prefix(BOM).unwrap_or(text);
        }
        let result = match text {
            [] => {
                self.dispatch(on_event);
                Ok(())
            }
            text => self.field(text),
        };
        self.line = line;
        self.line.clear();
        result
    }

    fn field(&mut self, line: &[u8]) -> Result<(), TooLarge> {
        let (name, value) = match memchr::memchr(b':', line) {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => {
                // What is kept has a line break more than the event will have.
                if self.data.len() + value.len() > self.max {
                    return Err(TooLarge);
                }
                self.data.extend_from_slice(value);
                self.data.push(b'\n');
            }
            b"event" => self.event = value.to_vec(),
            b"id" if !value.contains(&0) => self.id = Some(value.to_vec()),
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                let text = std::str::from_utf8(value).unwrap_or_default();
                self.retry = text.parse().ok().or(self.retry);
            }
            // A comment (no name), or a field that nobody knows.
            _ => {}
        }
        Ok(())
    }

    fn dispatch(&mut self, on_event: &mut impl FnMut(Event<'_>)) {
        let id = self.id.take();
        if let Some(id) = &id {
            self.last_id.clone_from(id);
        }
        if let Some((_, data)) = self.data.split_last() {
            on_event(Event { event: &self.event, id: id.as_deref(), last_id: &self.last_id, data });
        }
        self.data.clear();
        self.event.clear();
    }
}
