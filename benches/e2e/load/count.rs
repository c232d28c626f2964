//! What the load reads of an event: one byte that says that it is complete, and when it was sent.
//!
//! ```text
//! data: xxxxxxxxxxxx00000000001234567890|
//!       padding     nanoseconds         mark
//! ```
//! The server shall be what is slow, so nothing is parsed: neither heads nor chunks nor the fields of
//! an event contain a `|`. A byte cannot be cut in two either, so reads need no memory of each other.

/// The last byte of an event's data.
pub const MARK: u8 = b'|';
/// Digits before the mark.
pub const DIGITS: usize = 20;
/// The shortest data.
pub const SHORTEST: usize = DIGITS + 1;

/// How many events end in these bytes.
pub fn events(bytes: &[u8]) -> u64 {
    // Blocks whose count fits a byte are added up by vector instructions.
    let block = |block: &[u8]| u64::from(block.iter().map(|&b| u8::from(b == MARK)).sum::<u8>());
    bytes.chunks(255).map(block).sum()
}

/// When the last event that ends in these bytes was sent; `None` if a read has cut its time.
pub fn last_time(bytes: &[u8]) -> Option<u64> {
    let end = bytes.iter().rposition(|&byte| byte == MARK)?;
    let digits = &bytes[end.checked_sub(DIGITS)?..end];
    let add =
        |sum: u64, &digit: &u8| digit.is_ascii_digit().then(|| sum * 10 + u64::from(digit - b'0'));
    digits.iter().try_fold(0, add)
}

/// Appends data of `size` bytes that was sent at `time`.
pub fn data(out: &mut Vec<u8>, size: usize, time: u64) {
    out.resize(out.len() + size - SHORTEST, b'x');
    out.extend_from_slice(format!("{time:0DIGITS$}").as_bytes());
    out.push(MARK);
}

#[test]
fn what_is_written_is_counted() {
    let mut bytes = Vec::new();
    for time in 0..20 {
        bytes.extend_from_slice(b"id: 1-2\ndata: ");
        data(&mut bytes, 150, time);
        bytes.extend_from_slice(b"\n\n");
    }
    assert_eq!(events(&bytes), 20);
    assert_eq!(last_time(&bytes), Some(19));
    for cut in 0..bytes.len() {
        assert_eq!(events(&bytes[..cut]) + events(&bytes[cut..]), 20);
    }
}

#[test]
fn a_time_that_was_cut_is_none() {
    assert_eq!(last_time(b"0000000000000000012|"), None);
    assert_eq!(last_time(b"00000000000000000012|"), Some(12));
    assert_eq!(last_time(b"x000000000000000001 |"), None);
    assert_eq!(last_time(b""), None);
}
