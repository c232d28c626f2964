//! Hexadecimal digits.

/// The bytes that they stand for, two of them for each; `None`: one is no digit, or stands alone.
pub fn decode(digits: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some((digit(*high)? << 4 | digit(*low)?) as u8)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_read() {
        assert_eq!(decode(b""), Some(Vec::new()));
        assert_eq!(decode(b"00fFA9"), Some(vec![0, 0xFF, 0xA9]));
        for none in [&b"f"[..], b"fff", b"0x", b"+f", b" f", b"fg", b"\xc3\xa4"] {
            assert_eq!(decode(none), None, "{none:?}");
        }
    }
}
