//! What may be the name of a stream.

/// Bytes of a name: with its application's, it names a channel.
const LONGEST: usize = 160;

/// Whether a stream may have this name.
pub fn is_valid(name: &[u8]) -> bool {
    (1..=LONGEST).contains(&name.len()) && !name.iter().any(u8::is_ascii_control)
}
