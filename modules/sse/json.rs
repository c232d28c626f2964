//! Answers in JSON.

use serde::Serialize;

/// A value in JSON, as a line. These are structs of words and numbers: writing them to memory cannot fail.
pub fn line(value: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line
}
