//! The head of a request (RFC 9112, 2–5) as offsets into the caller's buffer.

use super::name::{Name, SINGLE};
use super::{Method, Reject};

/// How much a client may send.
#[derive(Clone, Copy, Debug)]
pub struct HeadLimits {
    /// Bytes of the request line, and of each field line, with the line end.
    pub line: usize,
    /// Number of fields.
    pub headers: usize,
    /// Bytes of the whole head.
    pub total: usize,
    /// Whether `_` is a proper character of a field name.
    pub underscores: bool,
    /// Whether fields with odd names are dropped; else they are kept.
    pub ignore_invalid: bool,
}

impl Default for HeadLimits {
    fn default() -> HeadLimits {
        let (line, total) = (8 << 10, 33 << 10);
        HeadLimits { line, headers: 1000, total, underscores: false, ignore_invalid: true }
    }
}

/// A range of bytes in the caller's buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range32 {
    /// The offset of the first byte.
    pub start: u32,
    /// The offset after the last byte.
    pub end: u32,
}

impl Range32 {
    /// The head is bounded by `HeadLimits::total`, so offsets fit.
    pub(super) fn new(start: usize, end: usize) -> Range32 {
        Range32 { start: start as u32, end: end as u32 }
    }

    /// The bytes in `buf`; none if it is shorter than the buffer that was parsed.
    #[inline]
    pub fn of(self, buf: &[u8]) -> &[u8] {
        buf.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// How many bytes.
    pub fn len(self) -> usize {
        self.end.saturating_sub(self.start) as usize
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// The protocol version, as far as it makes a difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// A request line without version: the answer is the bare body.
    V09,
    /// HTTP/1.0.
    V10,
    /// HTTP/1.1 and any later minor version.
    #[default]
    V11,
    /// HTTP/2: a stream of a connection that carries several.
    V20,
}

/// A field of the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name as sent.
    pub name: Range32,
    /// The value without the spaces around it.
    pub value: Range32,
    /// Which field it is.
    pub id: Name,
}

/// A request's head as offsets into the buffer that it was read into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The method.
    pub method: Method,
    /// The method's name.
    pub method_name: Range32,
    /// The request target as sent.
    pub target: Range32,
    /// The target without scheme and host: `$request_uri`.
    pub uri: Range32,
    /// The raw path; begins with `/`, except for CONNECT, where it is empty.
    pub path: Range32,
    /// What is between `?` and the fragment.
    pub args: Range32,
    /// `host[:port]` of an absolute target; it wins over the Host field.
    pub host_in_target: Option<Range32>,
    /// The version.
    pub version: Version,
    /// The version as sent, e.g. `HTTP/1.1`.
    pub protocol: Range32,
    /// The first line without its end.
    pub request_line: Range32,
    /// The fields in order.
    pub fields: Vec<Field>,
    /// How many fields were dropped because of their names.
    pub dropped: usize,
    /// How many bytes of the buffer have been understood; once complete, the body begins there.
    pub len: usize,
    /// The bits of the names in `fields`.
    seen: u64,
}

/// How far [`parse`](super::parse) has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// The head ends at [`Head::len`].
    Complete,
    /// More bytes are needed.
    Partial,
}

impl Head {
    /// Makes it ready for the next request; keeps its memory.
    pub fn clear(&mut self) {
        let fields = std::mem::take(&mut self.fields);
        *self = Head { fields, ..Head::default() };
        self.fields.clear();
    }

    /// The first field of that name; `Name::Other` finds the first unknown one.
    pub fn get(&self, id: Name) -> Option<&Field> {
        let seen = self.seen & id.bit() != 0;
        if seen { self.fields.iter().find(|field| field.id == id) } else { None }
    }

    /// The value of the first field of that name.
    pub fn value<'b>(&self, id: Name, buf: &'b [u8]) -> Option<&'b [u8]> {
        self.get(id).map(|field| field.value.of(buf))
    }

    /// The values of all fields of that name.
    pub fn values<'b>(&self, id: Name, buf: &'b [u8]) -> impl Iterator<Item = &'b [u8]> {
        let seen = self.seen & id.bit() != 0;
        let fields = if seen { &self.fields[..] } else { &[] };
        fields.iter().filter(move |field| field.id == id).map(|field| field.value.of(buf))
    }

    /// Adds a field that the client has not sent.
    pub fn add(&mut self, field: Field) {
        self.seen |= field.id.bit();
        self.fields.push(field);
    }

    /// Takes fields away.
    pub fn remove(&mut self, mut unwanted: impl FnMut(&Field) -> bool) {
        self.fields.retain(|field| !unwanted(field));
        self.seen = self.fields.iter().fold(0, |seen, field| seen | field.id.bit());
    }

    pub(super) fn push(&mut self, field: Field, limits: &HeadLimits) -> Result<(), Reject> {
        if SINGLE_BITS & self.seen & field.id.bit() != 0 {
            return Err(DUPLICATE);
        }
        if self.fields.len() >= limits.headers {
            return Err(TOO_MANY);
        }
        self.seen |= field.id.bit();
        self.fields.push(field);
        Ok(())
    }
}

const SINGLE_BITS: u64 = {
    let (mut bits, mut i) = (0, 0);
    while i < SINGLE.len() {
        bits |= 1 << SINGLE[i] as u8;
        i += 1;
    }
    bits
};

const DUPLICATE: Reject =
    Reject::new(400, "client sent duplicate header line while reading client request headers");
const TOO_MANY: Reject =
    Reject::new(400, "client sent too many header lines while reading client request headers");
