//! What is read of a message, and what may still be read of it.

use std::fmt;

use super::tables::Tables;

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
    pub(super) tables: Tables<'a>,
}

impl<'a> Decoder<'a> {
    /// A decoder for the payload of a message.
    pub fn new(payload: &'a [u8]) -> Decoder<'a> {
        Decoder { rest: payload, budget: VALUES, tables: Tables::default() }
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

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(Error::Truncated)?;
        self.rest = rest;
        Ok(*bytes)
    }

    pub(super) fn short(&mut self) -> Result<&'a [u8], Error> {
        let len = u16::from_be_bytes(self.array()?);
        self.bytes(len.into())
    }

    pub(super) fn long(&mut self) -> Result<&'a [u8], Error> {
        let len = u32::from_be_bytes(self.array()?);
        self.bytes(len as usize)
    }
}
