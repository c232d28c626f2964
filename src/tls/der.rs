//! DER (X.690): values with their tags and lengths.
//!
//! ```text
//! tag (1) │ length: 0…127, or 0x80 + n and n bytes │ value
//! ```
//!
//! Not x509-cert: it refuses serial numbers, strings and times that OpenSSL takes and nginx shows, its OCSP is yet another
//! crate, and what of certificates is told here needs the values' own bytes anyway. What decides on trust is webpki's.

/// Tags of what is read here.
pub mod tag {
    pub const BOOLEAN: u8 = 0x01;
    pub const INTEGER: u8 = 0x02;
    pub const BIT_STRING: u8 = 0x03;
    pub const OCTET_STRING: u8 = 0x04;
    pub const NULL: u8 = 0x05;
    pub const OID: u8 = 0x06;
    pub const ENUMERATED: u8 = 0x0a;
    pub const UTC_TIME: u8 = 0x17;
    pub const GENERALIZED_TIME: u8 = 0x18;
    pub const SEQUENCE: u8 = 0x30;
    pub const SET: u8 = 0x31;
    /// `[n] EXPLICIT`, or a constructed `[n] IMPLICIT`.
    pub const fn explicit(number: u8) -> u8 {
        0xa0 | number
    }
    /// `[n] IMPLICIT` of a plain type.
    pub const fn implicit(number: u8) -> u8 {
        0x80 | number
    }
}

/// What is wrong with DER: where it stands, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "malformed {}", self.0)
    }
}

impl std::error::Error for Malformed {}

/// One value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Value<'a> {
    pub tag: u8,
    pub bytes: &'a [u8],
    /// With its tag and length.
    pub whole: &'a [u8],
}

/// Takes value after value.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    /// What this is, for errors.
    what: &'static str,
}

impl<'a> Reader<'a> {
    pub fn new(rest: &'a [u8], what: &'static str) -> Reader<'a> {
        Reader { rest, what }
    }

    pub fn malformed(&self) -> Malformed {
        Malformed(self.what)
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next value, whatever it is.
    pub fn any(&mut self) -> Result<Value<'a>, Malformed> {
        let value = split(self.rest).ok_or(self.malformed())?;
        self.rest = &self.rest[value.whole.len()..];
        Ok(value)
    }

    /// The next value, of this tag.
    pub fn value(&mut self, tag: u8) -> Result<Value<'a>, Malformed> {
        self.any().and_then(|value| match value.tag == tag {
            true => Ok(value),
            false => Err(self.malformed()),
        })
    }

    /// The next value, if it is of this tag.
    pub fn optional(&mut self, tag: u8) -> Result<Option<Value<'a>>, Malformed> {
        match self.rest.first() {
            Some(first) if *first == tag => self.any().map(Some),
            _ => Ok(None),
        }
    }

    /// What is in the next value, of this tag.
    pub fn inside(&mut self, tag: u8) -> Result<Reader<'a>, Malformed> {
        self.value(tag).map(|value| Reader { rest: value.bytes, what: self.what })
    }

    /// What is in the next value, if it is of this tag.
    pub fn optional_inside(&mut self, tag: u8) -> Result<Option<Reader<'a>>, Malformed> {
        let value = self.optional(tag)?;
        Ok(value.map(|value| Reader { rest: value.bytes, what: self.what }))
    }

    /// The bytes of the next value, a string of whole bytes of bits.
    pub fn bits(&mut self) -> Result<&'a [u8], Malformed> {
        match self.value(tag::BIT_STRING)?.bytes.split_first() {
            Some((0, bytes)) => Ok(bytes),
            _ => Err(self.malformed()),
        }
    }

    /// Nothing may follow.
    pub fn end(&self) -> Result<(), Malformed> {
        match self.is_empty() {
            true => Ok(()),
            false => Err(self.malformed()),
        }
    }
}

/// The first value.
fn split(bytes: &[u8]) -> Option<Value<'_>> {
    let (&[tag, first], rest) = bytes.split_first_chunk()?;
    // Tags of several bytes are in nothing that is read here, nor lengths that end somewhere.
    if tag & 0x1f == 0x1f {
        return None;
    }
    let digits = match first {
        0..=0x7f => 0,
        0x81..=0x84 => usize::from(first & 0x7f),
        _ => return None,
    };
    let len = match digits {
        0 => usize::from(first),
        _ => rest.get(..digits)?.iter().fold(0, |len, digit| len << 8 | usize::from(*digit)),
    };
    let start = 2 + digits;
    let end = start.checked_add(len)?;
    Some(Value { tag, bytes: bytes.get(start..end)?, whole: &bytes[..end] })
}

/// Writes a value of these parts.
pub fn write(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = vec![tag];
    if len < 0x80 {
        out.push(len as u8);
    } else {
        let digits = len.to_be_bytes();
        let zeros = digits.iter().take_while(|digit| **digit == 0).count();
        out.push(0x80 | (digits.len() - zeros) as u8);
        out.extend_from_slice(&digits[zeros..]);
    }
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}
