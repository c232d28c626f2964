//! What an AV1 stream is: its configuration (AV1 in ISOBMFF §2.3.3) and the sequence header in it (AV1 §5.5).
//!
//! ```text
//! av1C   81  profile (3) level (5)  tier (1) high (1) twelve (1) …  …  units
//! unit   0 type (4) extension (1) has size (1) 0  [extension (8)]  [size (leb128)]  payload
//! ```

use crate::bits::Bits;

/// Units' types: that which has the sequence header, and that which begins each picture.
const SEQUENCE_HEADER: u8 = 1;
pub(crate) const TEMPORAL_DELIMITER: u8 = 2;

/// The codec's name with profile, level, tier and depth (AV1 in ISOBMFF §5); `None`: it is no `av1C`.
pub(super) fn name(record: &[u8]) -> Option<String> {
    let &[0x81, levels, depths, _, ..] = record else { return None };
    let (profile, level) = (levels >> 5, levels & 0x1F);
    let tier = if depths & 0x80 == 0 { 'M' } else { 'H' };
    let depth = match (depths & 0x40 != 0, depths & 0x20 != 0) {
        (false, _) => 8,
        (true, false) => 10,
        (true, true) => 12,
    };
    Some(format!("av01.{profile}.{level:02}{tier}.{depth:02}"))
}

/// Width and height that the sequence header in an `av1C` gives.
pub(super) fn size(record: &[u8]) -> Option<(u32, u32)> {
    let (_, unit) = Units::of(record.get(4..)?).find(|(kind, _)| *kind == SEQUENCE_HEADER)?;
    sequence_header(Units::payload(unit)?)
}

fn sequence_header(payload: &[u8]) -> Option<(u32, u32)> {
    let mut bits = Bits::new(payload);
    bits.number(4)?;
    if bits.flag()? {
        bits.number(5)?;
    } else {
        operating_points(&mut bits)?;
    }
    let (width, height) = (bits.number(4)? + 1, bits.number(4)? + 1);
    Some((bits.number(width)? + 1, bits.number(height)? + 1))
}

/// Passes over the timing and over the operating points.
fn operating_points(bits: &mut Bits<'_>) -> Option<()> {
    let mut delays = None;
    if bits.flag()? {
        bits.number(32)?;
        bits.number(32)?;
        if bits.flag()? {
            bits.unsigned()?;
        }
        if bits.flag()? {
            delays = Some(bits.number(5)? + 1);
            bits.number(32)?;
            bits.number(10)?;
        }
    }
    let displayed = bits.flag()?;
    for _ in 0..=bits.number(5)? {
        bits.number(12)?;
        if bits.number(5)? > 7 {
            bits.flag()?;
        }
        if let Some(width) = delays
            && bits.flag()?
        {
            bits.number(width)?;
            bits.number(width)?;
            bits.flag()?;
        }
        if displayed && bits.flag()? {
            bits.number(4)?;
        }
    }
    Some(())
}

/// The units of a picture or of a configuration: type, and the whole unit. What is damaged ends them.
pub(crate) struct Units<'a> {
    rest: &'a [u8],
}

impl<'a> Units<'a> {
    pub(crate) fn of(bytes: &'a [u8]) -> Units<'a> {
        Units { rest: bytes }
    }

    /// Where the payload begins, and its length; without a size it is all that is there.
    fn extent(bytes: &[u8]) -> Option<(usize, usize)> {
        let first = *bytes.first()?;
        let at = if first & 4 == 0 { 1 } else { 2 };
        if first & 2 == 0 {
            return Some((at, bytes.len().checked_sub(at)?));
        }
        let mut length = 0;
        for number in 0..4 {
            let byte = *bytes.get(at + number)?;
            length |= usize::from(byte & 0x7F) << (7 * number);
            if byte & 0x80 == 0 {
                let at = at + number + 1;
                return (length <= bytes.len() - at).then_some((at, length));
            }
        }
        None
    }

    fn payload(unit: &[u8]) -> Option<&[u8]> {
        let (at, length) = Units::extent(unit)?;
        unit.get(at..at + length)
    }
}

impl<'a> Iterator for Units<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (at, length) = Units::extent(self.rest)?;
        let (unit, rest) = self.rest.split_at_checked(at + length)?;
        self.rest = rest;
        Some((unit[0] >> 3 & 15, unit))
    }
}
