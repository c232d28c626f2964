//! Commands (RTMP 1.0 §7.2).
//!
//! ```text
//! name (string) transaction (number) argument (any)*
//! ```
//!
//! The first argument is the command object, mostly an object or null. In kind 17, a byte of 0 comes
//! before: a format of its own, and so far the only one in use.

use super::amf::{self, Decoder, Error, Value};
use super::message::COMMAND_AMF3;

/// A command, or the answer to one.
#[derive(Clone, Debug, PartialEq)]
pub struct Command<'a> {
    /// What is to be done; in answers `_result`, `_error` or `onStatus`.
    pub name: &'a [u8],
    /// The number that the answer repeats; 0: none is wanted.
    pub transaction: f64,
    /// What follows, the command object first.
    pub arguments: Vec<Value<'a>>,
}

impl<'a> Command<'a> {
    /// Reads the payload of a message of kind 17 or 20. A transaction that is missing is 0.
    pub fn parse(kind: u8, payload: &'a [u8]) -> Result<Command<'a>, Error> {
        let payload = match payload {
            [0, rest @ ..] if kind == COMMAND_AMF3 => rest,
            _ => payload,
        };
        let mut decoder = Decoder::new(payload);
        let name = match decoder.next()? {
            Some(Value::String(name)) => name,
            Some(_) => return Err(Error::Malformed),
            None => return Err(Error::Truncated),
        };
        let transaction = match decoder.next()? {
            Some(Value::Number(number)) => number,
            Some(_) => return Err(Error::Malformed),
            None => 0.0,
        };
        let mut arguments = Vec::new();
        while let Some(value) = decoder.next()? {
            arguments.push(value);
        }
        Ok(Command { name, transaction, arguments })
    }

    /// Appends the payload of a message of kind 20.
    pub fn encode(&self, out: &mut Vec<u8>) {
        encode(out, self.name, self.transaction, &self.arguments);
    }
}

/// Appends the payload of a message of kind 20, as [`Command::encode`].
pub fn encode(out: &mut Vec<u8>, name: &[u8], transaction: f64, arguments: &[Value<'_>]) {
    amf::string(out, name);
    amf::number(out, transaction);
    arguments.iter().for_each(|value| value.encode(out));
}
