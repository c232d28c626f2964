//! Reading values.

use super::{Value, amf3};
use std::fmt;

/// How deep values may be inside each other.
pub const DEPTH: usize = 16;

/// How many values a message may have, those inside others included.
pub const VALUES: usize = 4096;

/// Why a value cannot be read. Where the next one begins is unknown then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The message ends in the middle of it.
    Truncated,
    /// Values are inside each other more than [`DEPTH`] deep.
    TooDeep,
    /// There are more than [`VALUES`].
    TooMany,
    /// A type that nothing is known of, or something that is not what its type says.
    Malformed,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::Truncated => "a value is cut short",
            Error::TooDeep => "values are too deep inside each other",
            Error::TooMany => "too many values",
            Error::Malformed => "a value of an unknown type",
        })
    }
}

impl std::error::Error for Error {}

/// Reads the values of a message, one after the other.
#[derive(Debug)]
pub struct Decoder<'a> {
    pub(super) rest: &'a [u8],
    /// How many values there still may be.
    budget: usize,
    pub(super) tables: amf3::Tables<'a>,
}

impl<'a> Decoder<'a> {
    /// A decoder for the payload of a message.
    pub fn new(payload: &'a [u8]) -> Decoder<'a> {
        Decoder { rest: payload, budget: VALUES, tables: amf3::Tables::default() }
    }

    /// The next value; `None`: the message is at its end. After an error there is none.
    // An iterator of results would give the same error forever, or hide it.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<Value<'a>>, Error> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let value = self.value(0);
        if value.is_err() {
            self.rest = &[];
        }
        value.map(Some)
    }

    fn value(&mut self, depth: usize) -> Result<Value<'a>, Error> {
        let kind = self.byte()?;
        self.spend(depth)?;
        Ok(match kind {
            0x00 => Value::Number(self.number()?),
            0x01 => Value::Boolean(self.byte()? != 0),
            0x02 => Value::String(self.short()?),
            0x03 => Value::Object(self.members(depth)?),
            0x05 => Value::Null,
            0x06 => Value::Undefined,
            0x07 => Value::Reference(u16::from_be_bytes(self.array()?)),
            0x08 => Value::EcmaArray(self.ecma_array(depth)?),
            0x0A => Value::StrictArray(self.strict_array(depth)?),
            0x0B => {
                let ms = self.number()?;
                self.bytes(2)?;
                Value::Date(ms)
            }
            0x0C => Value::String(self.long()?),
            0x0D => Value::Unsupported,
            0x0F => Value::Xml(self.long()?),
            0x10 => Value::Typed(self.short()?, self.members(depth)?),
            0x11 => self.amf3(depth + 1)?,
            _ => return Err(Error::Malformed),
        })
    }

    fn members(&mut self, depth: usize) -> Result<Vec<(&'a [u8], Value<'a>)>, Error> {
        let mut members = Vec::new();
        while !self.end() {
            members.push((self.short()?, self.value(depth + 1)?));
        }
        Ok(members)
    }

    /// The count is a guess of the sender's; some end the array with the message (Envivio).
    fn ecma_array(&mut self, depth: usize) -> Result<Vec<(&'a [u8], Value<'a>)>, Error> {
        self.bytes(4)?;
        let mut members = Vec::new();
        while !self.rest.is_empty() && !self.end() {
            members.push((self.short()?, self.value(depth + 1)?));
        }
        Ok(members)
    }

    fn strict_array(&mut self, depth: usize) -> Result<Vec<Value<'a>>, Error> {
        let count = u32::from_be_bytes(self.array()?);
        let mut values = Vec::new();
        for _ in 0..count {
            values.push(self.value(depth + 1)?);
        }
        Ok(values)
    }

    /// Passes over what members end with, if it is next.
    fn end(&mut self) -> bool {
        let rest = self.rest.strip_prefix(&[0, 0, 9]);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Counts a value, or something that takes as much memory.
    pub(super) fn spend(&mut self, depth: usize) -> Result<(), Error> {
        if depth > DEPTH {
            return Err(Error::TooDeep);
        }
        self.budget = self.budget.checked_sub(1).ok_or(Error::TooMany)?;
        Ok(())
    }

    pub(super) fn byte(&mut self) -> Result<u8, Error> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn number(&mut self) -> Result<f64, Error> {
        self.array().map(f64::from_be_bytes)
    }

    pub(super) fn bytes(&mut self, len: usize) -> Result<&'a [u8], Error> {
        self.rest.split_off(..len).ok_or(Error::Truncated)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(Error::Truncated)?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn short(&mut self) -> Result<&'a [u8], Error> {
        let len = u16::from_be_bytes(self.array()?);
        self.bytes(len.into())
    }

    fn long(&mut self) -> Result<&'a [u8], Error> {
        let len = u32::from_be_bytes(self.array()?);
        self.bytes(len as usize)
    }
}
