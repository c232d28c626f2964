//! A body in another charset.

use http::{Coder, Error};

use crate::table::{Table, UNKNOWN};

/// What stands at the beginning of bytes that should be UTF-8.
#[derive(Debug, PartialEq, Eq)]
pub enum Decoded {
    /// A character, or more than there are.
    Character(u32),
    /// No character.
    Invalid,
    /// The beginning of one.
    Incomplete,
}

/// Decodes one, as nginx does, with how many bytes it is; there is at least one byte.
pub fn decode(bytes: &[u8]) -> (Decoded, usize) {
    let Some(&first) = bytes.first() else { return (Decoded::Incomplete, 0) };
    let (bits, least, more) = match first {
        0..=0x7f => return (Decoded::Character(first.into()), 1),
        0xc2..=0xdf => (first & 0x1f, 0x7f, 1),
        0xe0..=0xef => (first & 0x0f, 0x7ff, 2),
        0xf0..=0xf7 => (first & 0x07, 0xffff, 3),
        _ => return (Decoded::Invalid, 1),
    };
    if bytes.len() <= more {
        return (Decoded::Incomplete, 0);
    }
    let mut character = u32::from(bits);
    for (at, &byte) in bytes[1..=more].iter().enumerate() {
        if byte < 0x80 {
            // As nginx: the byte that does not belong to it is gone, too.
            return (Decoded::Invalid, at + 2);
        }
        character = character << 6 | u32::from(byte & 0x3f);
    }
    match character > least {
        true => (Decoded::Character(character), more + 1),
        false => (Decoded::Invalid, more + 1),
    }
}

/// Converts a body.
pub struct Recoder {
    table: Table,
    /// The beginning of a character.
    held: Vec<u8>,
    made: Vec<u8>,
}

impl Recoder {
    /// One by this table.
    pub fn new(table: Table) -> Recoder {
        Recoder { table, held: Vec::new(), made: Vec::new() }
    }
}

impl Coder for Recoder {
    const READ: usize = 32 << 10;

    fn take(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        match &self.table {
            Table::Single(table) => {
                self.made.extend(bytes.iter().map(|&byte| table[usize::from(byte)]));
            }
            Table::ToUtf8(table) => {
                bytes.iter().for_each(|&byte| self.made.extend(&table[usize::from(byte)]));
            }
            Table::FromUtf8(table) => {
                self.held.extend_from_slice(bytes);
                let mut at = 0;
                while at < self.held.len() {
                    let (decoded, len) = decode(&self.held[at..]);
                    at += len;
                    match decoded {
                        Decoded::Character(ascii @ 0..=0x7f) => self.made.push(ascii as u8),
                        Decoded::Character(character @ ..=0x10_ffff) => {
                            match table.get(&character) {
                                Some(byte) => self.made.push(*byte),
                                // What the charset does not have can be said in HTML.
                                None => self.made.extend(format!("&#{character};").bytes()),
                            }
                        }
                        Decoded::Character(_) | Decoded::Invalid => self.made.push(UNKNOWN),
                        Decoded::Incomplete => break,
                    }
                }
                self.held.drain(..at);
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// As nginx: half a character at the end is lost.
    fn finish(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn made(&mut self) -> &mut Vec<u8> {
        &mut self.made
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::rc::Rc;

    use super::*;

    #[test]
    fn characters_are_the_same_wherever_they_are_cut() {
        let table = Table::FromUtf8(Rc::new(HashMap::from([(0x44e, 0xc0), (0x20ac, 0x80)])));
        let body = "a\u{44e}\u{20ac}b\u{e9}\u{1f600}".as_bytes();
        let body = [body, b"\xff\xc3(\xf0\x80\x80\x80\xf7\xbf\xbf\xbf.\xe2\x82"].concat();
        let recoded = |size: usize| {
            let mut recoder = Recoder::new(table.clone());
            for piece in body.chunks(size) {
                recoder.take(piece).expect("taken");
            }
            recoder.finish().expect("finished");
            std::mem::take(recoder.made())
        };
        assert_eq!(recoded(body.len()), b"a\xc0\x80b&#233;&#128512;????.");
        for size in 1..body.len() {
            assert_eq!(recoded(size), recoded(body.len()), "{size}");
        }
    }
}
