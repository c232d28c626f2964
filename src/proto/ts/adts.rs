//! The header that a frame of AAC has in a transport stream (ISO 13818-7 §6.2).
//!
//! ```text
//! FFF (12) 0 00 1  profile (2) rate (4) 0 channels (3) 0000  length (13) 7FF (11) 00
//! ```

use crate::flv::aac::Config;

/// Bytes of it.
pub(super) const LEN: usize = 7;

/// What its length has room for, the header included.
pub(super) const LONGEST: usize = 0x1FFF;

const RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];

/// The header but for the length. What HE-AAC adds is found by decoders in the frames: it is LC at half of the rate here.
/// `None`: the header has no place for such a stream.
pub(super) fn of(config: &Config) -> Option<[u8; LEN]> {
    let profile @ 1..=4 = config.profile else { return None };
    let channels @ 1..=7 = config.layout else { return None };
    let rate = RATES.iter().position(|rate| *rate == config.core_rate)? as u8;
    let third = (profile - 1) << 6 | rate << 2 | channels >> 2;
    Some([0xFF, 0xF1, third, (channels & 3) << 6, 0, 0x1F, 0xFC])
}

/// The header of a frame; it is not longer than [`LONGEST`] with it.
pub(super) fn with_length(mut header: [u8; LEN], frame: usize) -> [u8; LEN] {
    let length = frame + LEN;
    header[3] |= (length >> 11) as u8 & 3;
    header[4] = (length >> 3) as u8;
    header[5] |= ((length & 7) << 5) as u8;
    header
}
