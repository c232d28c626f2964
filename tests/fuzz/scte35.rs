//! Sections of SCTE-35.

use proto::scte35::{Section, read};

/// The longest that five bytes of ticks can say, in milliseconds: 40 bits of 90 kHz.
const LONGEST_MS: u64 = (1 << 40) / 90;
/// Bytes before the command.
const HEAD: usize = 14;

/// Any bytes are a section or none, and only as long as they say.
pub fn scte35(data: &[u8]) {
    let said = read(data);
    let Some(Section { event, out, duration }) = said else { return };
    assert!(data.len() >= HEAD && data[0] == 0xFC);
    assert!(duration.is_none_or(|ms| ms <= LONGEST_MS), "{duration:?}");
    assert!(event.is_some() || out.is_none() && duration.is_none(), "{said:?}");
    assert_eq!(read(&data[..data.len() - 1]), None);
    assert_eq!(read(&[data, &[0]].concat()), None);
    // Where it belongs in time is not looked at.
    let mut moved = data.to_vec();
    moved[5..9].fill(0xA5);
    assert_eq!(read(&moved), said);
    let mut encrypted = moved;
    encrypted[4] |= 0x80;
    assert_eq!(read(&encrypted), Some(Section::default()));
}
