//! Writing values.

use super::Value;

/// Appends a number.
pub fn number(out: &mut Vec<u8>, number: f64) {
    out.push(0x00);
    out.extend_from_slice(&number.to_be_bytes());
}

/// Appends a boolean.
pub fn boolean(out: &mut Vec<u8>, value: bool) {
    out.extend_from_slice(&[0x01, value.into()]);
}

/// Appends a string, as a long one if it has to be.
pub fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    if u16::try_from(bytes.len()).is_ok() {
        out.push(0x02);
        short(out, bytes);
    } else {
        out.push(0x0C);
        long(out, bytes);
    }
}

/// Appends null.
pub fn null(out: &mut Vec<u8>) {
    out.push(0x05);
}

/// Appends undefined.
pub fn undefined(out: &mut Vec<u8>) {
    out.push(0x06);
}

/// Appends an object. Of a name, 65535 bytes are written at most.
pub fn object(out: &mut Vec<u8>, members: &[(&str, Value<'_>)]) {
    out.push(0x03);
    for (name, value) in members {
        short(out, name.as_bytes());
        value.encode(out);
    }
    out.extend_from_slice(END);
}

/// What members end with.
const END: &[u8] = &[0, 0, 9];

fn short(out: &mut Vec<u8>, bytes: &[u8]) {
    let len = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(&bytes[..len.into()]);
}

fn long(out: &mut Vec<u8>, bytes: &[u8]) {
    count(out, bytes.len());
    out.extend_from_slice(bytes);
}

fn count(out: &mut Vec<u8>, count: usize) {
    out.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes());
}

fn members(out: &mut Vec<u8>, members: &[(&[u8], Value<'_>)]) {
    for (name, value) in members {
        short(out, name);
        value.encode(out);
    }
    out.extend_from_slice(END);
}

impl Value<'_> {
    /// Appends the value.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Value::Number(value) => number(out, *value),
            Value::Boolean(value) => boolean(out, *value),
            Value::String(bytes) => string(out, bytes),
            Value::Object(named) => {
                out.push(0x03);
                members(out, named);
            }
            Value::Null => null(out),
            Value::Undefined => undefined(out),
            Value::Reference(index) => {
                out.push(0x07);
                out.extend_from_slice(&index.to_be_bytes());
            }
            Value::EcmaArray(named) => {
                out.push(0x08);
                count(out, named.len());
                members(out, named);
            }
            Value::StrictArray(values) => {
                out.push(0x0A);
                count(out, values.len());
                values.iter().for_each(|value| value.encode(out));
            }
            Value::Date(ms) => {
                out.push(0x0B);
                out.extend_from_slice(&ms.to_be_bytes());
                out.extend_from_slice(&[0, 0]);
            }
            Value::Unsupported => out.push(0x0D),
            Value::Xml(text) => {
                out.push(0x0F);
                long(out, text);
            }
            Value::Typed(class, named) => {
                out.push(0x10);
                short(out, class);
                members(out, named);
            }
        }
    }
}
