//! Values in AMF3 among those in AMF0 (AMF3 specification, 2013).
//!
//! ```text
//! 00 undefined   03 true              06 length XML     09 count names and values, values
//! 01 null        04 integer           07 … as 0B        0A traits, values, names and values
//! 02 false       05 number (8)        08 0 date (8)     0B length XML
//!                06 length string                       0C length bytes
//!
//! integers and lengths: 7 bits a byte, the first bit says that more follow; a fourth has 8 bits
//! lengths: the last bit is 1; with 0, the others name an earlier string, object or traits
//! ```
//!
//! Vectors, dictionaries and objects that write themselves are not read: their length is not known
//! from outside.

use super::Value;
use super::decoder::{Decoder, Error};
use super::tables::Traits;

impl<'a> Decoder<'a> {
    pub(super) fn amf3(&mut self, depth: usize) -> Result<Value<'a>, Error> {
        let kind = self.byte()?;
        self.spend(depth)?;
        Ok(match kind {
            0x00 => Value::Undefined,
            0x01 => Value::Null,
            0x02 => Value::Boolean(false),
            0x03 => Value::Boolean(true),
            // 29 bits, the first of them the sign.
            0x04 => Value::Number(f64::from((self.u29()? << 3) as i32 >> 3)),
            0x05 => Value::Number(self.number()?),
            0x06 => Value::String(self.text()?),
            0x07 | 0x0B => match self.length()? {
                Ok(len) => Value::Xml(self.bytes(len)?),
                Err(reference) => reference,
            },
            0x08 => match self.length()? {
                Ok(_) => Value::Date(self.number()?),
                Err(reference) => reference,
            },
            0x09 => match self.length()? {
                Ok(count) => self.array3(count, depth)?,
                Err(reference) => reference,
            },
            0x0A => match self.length()? {
                Ok(traits) => self.object3(traits, depth)?,
                Err(reference) => reference,
            },
            0x0C => match self.length()? {
                Ok(len) => Value::String(self.bytes(len)?),
                Err(reference) => reference,
            },
            _ => return Err(Error::Malformed),
        })
    }

    fn u29(&mut self) -> Result<u32, Error> {
        let mut value = 0;
        for _ in 0..3 {
            let byte = self.byte()?;
            value = value << 7 | u32::from(byte & 0x7F);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Ok(value << 8 | u32::from(self.byte()?))
    }

    /// A length or a count, or the reference that is there instead.
    fn length(&mut self) -> Result<Result<usize, Value<'a>>, Error> {
        let value = self.u29()?;
        let reference = || Value::Reference((value >> 1).try_into().unwrap_or(u16::MAX));
        Ok(if value & 1 == 1 { Ok(value as usize >> 1) } else { Err(reference()) })
    }

    fn text(&mut self) -> Result<&'a [u8], Error> {
        let value = self.u29()? as usize;
        if value & 1 == 0 {
            return self.tables.strings.get(value >> 1).copied().ok_or(Error::Malformed);
        }
        let text = self.bytes(value >> 1)?;
        if !text.is_empty() {
            self.spend(0)?;
            self.tables.strings.push(text);
        }
        Ok(text)
    }

    /// Names and values, up to an empty name.
    fn named(
        &mut self,
        members: &mut Vec<(&'a [u8], Value<'a>)>,
        depth: usize,
    ) -> Result<(), Error> {
        loop {
            let name = self.text()?;
            if name.is_empty() {
                return Ok(());
            }
            members.push((name, self.amf3(depth + 1)?));
        }
    }

    /// Of an array with both kinds of members, those with names are kept.
    fn array3(&mut self, count: usize, depth: usize) -> Result<Value<'a>, Error> {
        let (mut members, mut values) = (Vec::new(), Vec::new());
        self.named(&mut members, depth)?;
        for _ in 0..count {
            values.push(self.amf3(depth + 1)?);
        }
        Ok(if members.is_empty() { Value::StrictArray(values) } else { Value::EcmaArray(members) })
    }

    fn object3(&mut self, traits: usize, depth: usize) -> Result<Value<'a>, Error> {
        let Traits { class, names, dynamic } = self.traits(traits)?;
        let mut members = Vec::new();
        for name in names {
            members.push((name, self.amf3(depth + 1)?));
        }
        if dynamic {
            self.named(&mut members, depth)?;
        }
        Ok(if class.is_empty() { Value::Object(members) } else { Value::Typed(class, members) })
    }

    /// `count (25) dynamic (1) external (1) 1`, or the place in the table and 0.
    fn traits(&mut self, value: usize) -> Result<Traits<'a>, Error> {
        if value & 1 == 0 {
            return self.tables.traits.get(value >> 1).cloned().ok_or(Error::Malformed);
        }
        if value & 2 != 0 {
            return Err(Error::Malformed);
        }
        let mut traits = Traits { class: self.text()?, dynamic: value & 4 != 0, names: Vec::new() };
        for _ in 0..value >> 3 {
            self.spend(0)?;
            traits.names.push(self.text()?);
        }
        self.tables.traits.push(traits.clone());
        Ok(traits)
    }
}
