//! A `charset_map` block as it is written: two bytes in a line, or a byte and the UTF-8 of its character, in hex.

use std::collections::HashMap;
use std::rc::Rc;

use ::conf::{Error, Setting};

use crate::recode::{Decoded, decode};
use crate::table::{Map, Table, ascii};

/// The longest character of UTF-8.
const LONGEST: usize = 4;

/// Reads one.
pub fn map(setting: &Setting<'_>, known: &[Rc<Map>]) -> Result<Map, Error> {
    let (from, to) = (setting.arg(0), setting.arg(1));
    let between = format!("\"charset_map\" between the same charsets \"{from}\" and \"{to}\"");
    if from.eq_ignore_ascii_case(to) {
        return Err(setting.error(between));
    }
    let is = |name: &str, other: &str| name.eq_ignore_ascii_case(other);
    if known.iter().any(|map| is(&map.from, from) && is(&map.to, to)) {
        let message = format!("duplicate \"charset_map\" between \"{from}\" and \"{to}\"");
        return Err(setting.error(message));
    }
    let mut lines = Vec::new();
    for node in setting.block() {
        let line = Setting::new(node, setting.context(), setting.env());
        let [value] = line.args() else { return Err(line.error("invalid parameters number")) };
        let byte = hex(&node.name.text).and_then(|bytes| bytes.try_into().ok());
        let [byte] = byte.ok_or_else(|| invalid(&line, &node.name.text))?;
        let value = hex(&value.text).ok_or_else(|| invalid(&line, &value.text))?;
        lines.push((byte, value, line));
    }
    let (there, back) = match is(to, "utf-8") {
        true => with_utf8(lines)?,
        false => with_bytes(lines)?,
    };
    Ok(Map { from: from.to_owned(), to: to.to_owned(), there, back })
}

type Line<'a> = (u8, Vec<u8>, Setting<'a>);

fn invalid(line: &Setting<'_>, value: &str) -> Error {
    line.error(format!("invalid value \"{value}\""))
}

fn with_bytes(lines: Vec<Line<'_>>) -> Result<(Table, Table), Error> {
    let (mut there, mut back) = (ascii(), ascii());
    for (byte, value, line) in lines {
        let [other] = value[..] else { return Err(invalid(&line, line.arg(0))) };
        there[usize::from(byte)] = other;
        back[usize::from(other)] = byte;
    }
    Ok((Table::Single(Rc::new(there)), Table::Single(Rc::new(back))))
}

fn with_utf8(lines: Vec<Line<'_>>) -> Result<(Table, Table), Error> {
    let mut there = ascii().map(|byte| vec![byte]);
    let mut back = HashMap::new();
    for (byte, value, line) in lines {
        // nginx's tables have the characters of two bytes.
        let character = match decode(&value) {
            (Decoded::Character(character), _) if character <= 0xffff => character,
            (Decoded::Character(_) | Decoded::Invalid | Decoded::Incomplete, _) => {
                return Err(invalid(&line, line.arg(0)));
            }
        };
        if value.len() > LONGEST {
            return Err(invalid(&line, line.arg(0)));
        }
        there[usize::from(byte)] = value;
        back.insert(character, byte);
    }
    Ok((Table::ToUtf8(Rc::new(there)), Table::FromUtf8(Rc::new(back))))
}

/// Hex digits, two for a byte; one alone is a byte, too.
fn hex(text: &str) -> Option<Vec<u8>> {
    match text.len() % 2 {
        0 => proto::hex::decode(text.as_bytes()).filter(|bytes| !bytes.is_empty()),
        _ => proto::hex::decode(format!("0{text}").as_bytes()),
    }
}
