//! What an H.265 stream is: its decoder configuration (ISO 14496-15 §8.3.3.1) and its sequence parameter set
//! (H.265 §7.3.2.2).
//!
//! ```text
//! hvcC   1 space (2) tier (1) profile (5)  compatibility (32)  constraints (48)  level (8) … 21: …|(length size - 1)
//!        arrays (8) …
//! SPS    unit header (16)  VPS id (4) layers - 1 (3) nested (1)  profile, tier, level  id chroma … width height cropping …
//! ```

use crate::bits::{Bits, unescaped};
use std::fmt::Write;

/// Unit types.
pub(crate) const VPS: u8 = 32;
pub(crate) const SPS: u8 = 33;
pub(crate) const PPS: u8 = 34;

/// The type of a unit; its first byte tells.
pub(crate) fn kind(unit: &[u8]) -> Option<u8> {
    Some(unit.first()? >> 1 & 0x3F)
}

/// The codec's name with profile, tier, level and constraints (ISO 14496-15 §E.3); `None`: it is no `hvcC`.
pub(super) fn name(record: &[u8]) -> Option<String> {
    let &[version, profile, a, b, c, d, ..] = record.first_chunk::<23>()?;
    if version > 1 {
        return None;
    }
    let space = ["", "A", "B", "C"][usize::from(profile >> 6)];
    let compatibility = u32::from_be_bytes([a, b, c, d]).reverse_bits();
    let tier = if profile & 0x20 == 0 { 'L' } else { 'H' };
    let (profile, level) = (profile & 0x1F, record[12]);
    let mut name = format!("hvc1.{space}{profile}.{compatibility:X}.{tier}{level}");
    let constraints = &record[6..12];
    let used = constraints.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    for byte in &constraints[..used] {
        // A string takes what is written.
        let _ = write!(name, ".{byte:X}");
    }
    Some(name)
}

/// Width and height that a sequence parameter set gives, its unit header included; `None`: it is none.
pub(super) fn size(unit: &[u8]) -> Option<(u32, u32)> {
    if kind(unit)? != SPS {
        return None;
    }
    let bytes = unescaped(unit.get(2..)?);
    let mut bits = Bits::new(&bytes);
    bits.number(4)?;
    let layers = bits.number(3)?;
    bits.flag()?;
    profile_tier_level(&mut bits, layers)?;
    bits.unsigned()?;
    let (x, y) = match bits.unsigned()? {
        1 => (2, 2),
        2 => (2, 1),
        3 if bits.flag()? => (1, 1),
        0 | 3 => (1, 1),
        _ => return None,
    };
    let (width, height) = (bits.unsigned()?, bits.unsigned()?);
    let crop = if bits.flag()? {
        [bits.unsigned()?, bits.unsigned()?, bits.unsigned()?, bits.unsigned()?]
    } else {
        [0; 4]
    };
    let [left, right, top, bottom] = crop;
    let width = width.checked_sub(left.checked_add(right)?.checked_mul(x)?)?;
    let height = height.checked_sub(top.checked_add(bottom)?.checked_mul(y)?)?;
    (width > 0 && height > 0).then_some((width, height))
}

/// Passes over it (§7.3.3): 96 bits, then for each further layer whether it has a profile and a level, then these.
fn profile_tier_level(bits: &mut Bits<'_>, layers: u32) -> Option<()> {
    (0..3).try_for_each(|_| bits.number(32).map(drop))?;
    if layers == 0 {
        return Some(());
    }
    let mut long = 0;
    for _ in 0..layers {
        long += if bits.flag()? { 88 } else { 0 };
        long += if bits.flag()? { 8 } else { 0 };
    }
    bits.number(2 * (8 - layers))?;
    (0..long / 8).try_for_each(|_| bits.number(8).map(drop))
}
