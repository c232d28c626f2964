//! Reading values in AMF0, and those in AMF3 among them.

use super::Value;
use super::decoder::{Decoder, Error};

impl<'a> Decoder<'a> {
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
}
