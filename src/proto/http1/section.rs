//! The fields of an answer's head, or its trailers (RFC 9110 §6.3, §6.5), as offsets into the caller's buffer.
//!
//! ```text
//!   Name: value CRLF
//!   ...
//!   CRLF                the end of the section
//! ```
//!
//! nginx's rules for lines (`fields`), with tabs around a value taken away as well, as RFC 9110 §5.5 has it. It refuses what
//! one may read as another field than the other: folded lines, spaces in or behind a name, a CR that stands alone, NUL.

use super::fields::{self, Line};
use super::head::{Field, HeadLimits, Range32};
use super::{BadAnswer, Name, Parsed};
use memchr::memchr;

/// Fields that a section may have.
const MOST: usize = 1000;

/// nginx has no limits of an answer's lines, and keeps names that it would drop from a request.
const LIMITS: HeadLimits = HeadLimits {
    line: usize::MAX,
    headers: MOST,
    total: usize::MAX,
    underscores: true,
    ignore_invalid: false,
};

/// Fields in the order in which they were sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSection {
    /// The fields.
    pub list: Vec<Field>,
    /// How many bytes of the buffer have been understood; once complete, the body begins there. Where a line is refused, it
    /// begins there.
    pub end: usize,
    /// The bits of the names in `list`.
    seen: u64,
}

impl FieldSection {
    /// Makes it ready for the next; keeps its memory.
    pub fn clear(&mut self) {
        self.list.clear();
        (self.end, self.seen) = (0, 0);
    }

    /// The first field of that name; `Name::Other` finds the first unknown one.
    pub fn get(&self, id: Name) -> Option<&Field> {
        let seen = self.seen & id.bit() != 0;
        if seen { self.list.iter().find(|field| field.id == id) } else { None }
    }

    /// The value of the first field of that name.
    pub fn value<'b>(&self, id: Name, buf: &'b [u8]) -> Option<&'b [u8]> {
        self.get(id).map(|field| field.value.of(buf))
    }

    /// The values of all fields of that name.
    pub fn values<'b>(&self, id: Name, buf: &'b [u8]) -> impl Iterator<Item = &'b [u8]> {
        let seen = self.seen & id.bit() != 0;
        let list = if seen { &self.list[..] } else { &[] };
        list.iter().filter(move |field| field.id == id).map(|field| field.value.of(buf))
    }

    /// The values of all fields of a name that may be none of [`Name`], without regard to case.
    pub fn named<'b>(&self, name: &[u8], buf: &'b [u8]) -> impl Iterator<Item = &'b [u8]> {
        let same = move |field: &&Field| field.name.of(buf).eq_ignore_ascii_case(name);
        self.list.iter().filter(same).map(|field| field.value.of(buf))
    }

    /// Parses what has arrived of trailers: what follows a body in chunks whose decoder leaves them
    /// ([`Chunked::leave_trailers`](super::Chunked::leave_trailers)), from the first byte on.
    ///
    /// Call it again with a longer `buf` that begins with the same bytes until they are complete. Lines end with CRLF and
    /// nothing else, as those of the chunks do, so that they end where a decoder that skips them ends. Which of them may be
    /// passed on is up to the caller (RFC 9110 §6.5.1).
    pub fn parse_trailers(&mut self, buf: &[u8]) -> Result<Parsed, BadAnswer> {
        self.parse(buf, false)
    }

    /// Parses what has arrived of the fields of a head, which begin at [`FieldSection::end`].
    pub(crate) fn parse_head(&mut self, buf: &[u8]) -> Result<Parsed, BadAnswer> {
        self.parse(buf, true)
    }

    fn parse(&mut self, buf: &[u8], is_head: bool) -> Result<Parsed, BadAnswer> {
        // What offsets reach; whoever reads an answer stops long before.
        let buf = &buf[..buf.len().min(u32::MAX as usize)];
        loop {
            let rest = buf.get(self.end..).unwrap_or_default();
            // IIS may send a status line among the fields, and whoever writes a script, too: nginx passes over it.
            if is_head && rest.starts_with(b"HTTP/") {
                let Some(line) = memchr(b'\n', rest) else { return Ok(Parsed::Partial) };
                self.end += line + 1;
                continue;
            }
            let (field, len) = match fields::line(rest, &LIMITS).map_err(|_| BadAnswer::Field)? {
                Line::Partial => return Ok(Parsed::Partial),
                Line::Field(field, len) => (Some(field), len),
                Line::End(len) | Line::Odd(len) => (None, len),
            };
            if !is_head && !ends_strictly(&rest[..len]) {
                return Err(BadAnswer::Field);
            }
            if let Some(field) = field {
                if self.list.len() >= MOST {
                    return Err(BadAnswer::TooManyFields);
                }
                let field = field.at(self.end);
                let value = without_tabs(field.value, buf);
                self.seen |= field.id.bit();
                self.list.push(Field { value, ..field });
            }
            self.end += len;
            if field.is_none() {
                return Ok(Parsed::Complete);
            }
        }
    }
}

fn ends_strictly(line: &[u8]) -> bool {
    line.ends_with(b"\r\n") && !line.ends_with(b"\r\r\n")
}

/// The value without the tabs around it; spaces have been taken away.
fn without_tabs(value: Range32, buf: &[u8]) -> Range32 {
    let text = value.of(buf);
    if text.first() != Some(&b'\t') && text.last() != Some(&b'\t') {
        return value;
    }
    let is_space = |byte: &&u8| matches!(byte, b' ' | b'\t');
    let before = text.iter().take_while(is_space).count();
    let after = text[before..].iter().rev().take_while(is_space).count();
    Range32::new(value.start as usize + before, value.end as usize - after)
}
