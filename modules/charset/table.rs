//! Tables between two charsets, of which the second may be utf-8.

use std::collections::HashMap;
use std::rc::Rc;

/// What stands for a character that the other charset does not have.
pub const UNKNOWN: u8 = b'?';

/// How bytes become others.
#[derive(Clone, Debug)]
pub enum Table {
    /// One for one.
    Single(Rc<[u8; 256]>),
    /// Bytes to UTF-8.
    ToUtf8(Rc<[Vec<u8>; 256]>),
    /// Characters beyond ASCII to bytes.
    FromUtf8(Rc<HashMap<u32, u8>>),
}

/// A `charset_map`, in both directions.
#[derive(Debug)]
pub struct Map {
    pub from: String,
    pub to: String,
    pub there: Table,
    pub back: Table,
}

/// The table from one charset to another.
pub fn find(maps: &[Rc<Map>], from: &[u8], to: &[u8]) -> Option<Table> {
    let is = |name: &str, other: &[u8]| name.as_bytes().eq_ignore_ascii_case(other);
    maps.iter().find_map(|map| {
        if is(&map.from, from) && is(&map.to, to) {
            return Some(map.there.clone());
        }
        (is(&map.from, to) && is(&map.to, from)).then(|| map.back.clone())
    })
}

/// ASCII as it is, and nothing else.
pub fn ascii() -> [u8; 256] {
    std::array::from_fn(|byte| if byte < 0x80 { byte as u8 } else { UNKNOWN })
}
