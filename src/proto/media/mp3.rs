//! The header of an MPEG audio frame (ISO 11172-3 §2.4.1.3, ISO 13818-3).
//!
//! ```text
//! sync (11) version (2) layer (2) …(1) | bit rate (4) rate (2) … | mode (2) …
//! ```

/// What it tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub rate: u32,
    pub channels: u8,
    pub samples: u32,
}

impl Header {
    pub(crate) fn of(frame: &[u8]) -> Option<Header> {
        let &[0xFF, second, third, fourth, ..] = frame else { return None };
        if second & 0xE0 != 0xE0 {
            return None;
        }
        // Version 2 has half of the rates, and the unofficial 2.5 a quarter.
        let shift = match second >> 3 & 3 {
            3 => 0,
            2 => 1,
            0 => 2,
            _ => return None,
        };
        let rate = [44_100, 48_000, 32_000].get(usize::from(third >> 2 & 3))? >> shift;
        let samples = match second >> 1 & 3 {
            3 => 384,
            2 => 1152,
            1 if shift == 0 => 1152,
            1 => 576,
            _ => return None,
        };
        let channels = if fourth >> 6 == 3 { 1 } else { 2 };
        Some(Header { rate, channels, samples })
    }
}
