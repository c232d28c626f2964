//! What a viewer is known by: its number, signed, so that nobody makes up another's.
//!
//! ```text
//! number (12 hexadecimal digits: a script can have it) signature (16)
//! ```

use crate::running::Running;

const NUMBER: usize = 12;
const LEN: usize = NUMBER + 16;

/// One for a viewer that has none.
pub fn new(running: &Running) -> String {
    let number = (fastrand::u64(..) >> 16).max(1);
    format!("{number:012x}{:016x}", signature(running, number))
}

/// The number in a token of ours.
pub fn read(running: &Running, token: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(token).ok().filter(|text| {
        text.len() == LEN && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })?;
    let (number, signed) = text.split_at(NUMBER);
    let number = u64::from_str_radix(number, 16).ok()?;
    let signed = u64::from_str_radix(signed, 16).ok()?;
    (signed == signature(running, number)).then_some(number)
}

/// A hash with a secret that the zone's processes have, and nobody else.
fn signature(running: &Running, number: u64) -> u64 {
    running.hub.attachment.zone().key(format!("viewer {number}").as_bytes())
}
