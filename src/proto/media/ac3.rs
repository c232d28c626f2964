//! The header of a frame of AC-3 or of Enhanced AC-3 (ETSI TS 102 366 §4.4, §E.1.3), and what MP4 has of it (§F.4, §F.6).
//!
//! ```text
//! AC-3    0B77 CRC (16) rate (2) size (6) id (5) mode (3) channels (3) [levels (2) …] low frequencies (1)
//! E-AC-3  0B77 type (2) stream (3) words - 1 (11) rate (2) blocks (2) channels (3) low frequencies (1) id (5)
//! dac3    rate (2) id (5) mode (3) channels (3) low frequencies (1) size / 2 (5) 0 (5)
//! dec3    kbit/s (13) 0 (3)  rate (2) id (5) 0 (2) mode (3) channels (3) low frequencies (1) 0 (3) 0 (4) 0 (1)
//! ```

use crate::bits::Bits;

/// What it tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub rate: u32,
    pub channels: u8,
    pub samples: u32,
    pub enhanced: bool,
    /// The content of `dac3` or `dec3`.
    pub config: Vec<u8>,
}

const RATES: [u32; 3] = [48_000, 44_100, 32_000];
const CHANNELS: [u8; 8] = [2, 1, 2, 3, 3, 4, 4, 5];

/// From this id on it is the enhanced one.
const ENHANCED: u32 = 11;

impl Header {
    pub(crate) fn of(frame: &[u8]) -> Option<Header> {
        let bytes = frame.strip_prefix(b"\x0B\x77")?;
        match u32::from(*bytes.get(3)?) >> 3 {
            ..ENHANCED => Header::plain(Bits::new(&bytes[2..])),
            _ => Header::enhanced(Bits::new(bytes)),
        }
    }

    fn plain(mut bits: Bits<'_>) -> Option<Header> {
        let (rate, size, id, mode) =
            (bits.number(2)?, bits.number(6)?, bits.number(5)?, bits.number(3)?);
        let channels = bits.number(3)?;
        // Levels of the middle and of the surrounding channels, or whether there are such in two.
        for there in [channels & 1 == 1 && channels != 1, channels & 4 != 0, channels == 2] {
            bits.number(if there { 2 } else { 0 })?;
        }
        let low = bits.number(1)?;
        let config =
            rate << 22 | id << 17 | mode << 14 | channels << 11 | low << 10 | size >> 1 << 5;
        Some(Header {
            rate: *RATES.get(rate as usize)?,
            channels: CHANNELS[channels as usize] + low as u8,
            samples: 1536,
            enhanced: false,
            config: config.to_be_bytes()[1..].to_vec(),
        })
    }

    fn enhanced(mut bits: Bits<'_>) -> Option<Header> {
        bits.number(5)?;
        let (size, rate, blocks) = (bits.number(11)? + 1, bits.number(2)?, bits.number(2)?);
        let (channels, low, id) = (bits.number(3)?, bits.number(1)?, bits.number(5)?);
        // The fourth rate is half of another, which stands where the number of blocks did; these are six then.
        let (hertz, samples) = match rate {
            3 => (RATES.get(blocks as usize)? / 2, 1536),
            rate => (RATES[rate as usize], [256, 512, 768, 1536][blocks as usize]),
        };
        let kbits = u64::from(size) * 16 * u64::from(hertz) / u64::from(samples) / 1000;
        let kbits = kbits.min(0x1FFF);
        let stream = u64::from(rate << 22 | id << 17 | channels << 9 | low << 8);
        let config = kbits << 27 | stream;
        Some(Header {
            rate: hertz,
            channels: CHANNELS[channels as usize] + low as u8,
            samples,
            enhanced: true,
            config: config.to_be_bytes()[3..].to_vec(),
        })
    }
}
