//! What an H.264 stream is: its decoder configuration (ISO 14496-15 §5.3.3.1) and the sequence
//! parameter set in it (H.264 §7.3.2.1.1).
//!
//! ```text
//! 1 profile compatibility level FC|(length size - 1) E0|count (1 byte each)
//!     length (2) sequence parameter set …
//!
//! 67 profile (8) constraints (8) level (8) id chroma … scaling lists … width height … cropping …
//! ```

use crate::bits::{Bits, unescaped};

/// An H.264 stream's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// profile_idc: 66 is Baseline, 77 Main, 100 High.
    pub profile: u8,
    /// The constraint flags.
    pub compatibility: u8,
    /// level_idc: ten times the level.
    pub level: u8,
    /// Width and height in pixels; `None`: there is no parameter set that can be read.
    pub size: Option<(u32, u32)>,
}

impl Config {
    /// Reads an AVCDecoderConfigurationRecord; `None`: it is none.
    pub fn of(record: &[u8]) -> Option<Config> {
        let (&[version, profile, compatibility, level, _, count], rest) =
            record.split_first_chunk()?;
        if version != 1 {
            return None;
        }
        let set = || {
            let (len, rest) = rest.split_first_chunk().filter(|_| count & 0x1F > 0)?;
            rest.get(..u16::from_be_bytes(*len).into())
        };
        Some(Config { profile, compatibility, level, size: set().and_then(size) })
    }

    /// The profile's name, as nginx-rtmp's pages have it, and a few more; empty: another one.
    pub fn profile_name(&self) -> &'static str {
        match self.profile {
            66 => "Baseline",
            77 => "Main",
            88 => "Extended",
            100 => "High",
            110 => "High 10",
            122 => "High 4:2:2",
            244 => "High 4:4:4",
            _ => "",
        }
    }
}

/// Width and height that a sequence parameter set gives, its NAL header included; `None`: it is none.
pub fn size(nal: &[u8]) -> Option<(u32, u32)> {
    Some(sequence(nal)?.0)
}

/// Frames a second that a sequence parameter set promises; `None`: it does not tell, or is none.
pub fn frame_rate(nal: &[u8]) -> Option<f64> {
    sequence(nal)?.1
}

/// Size, and frame rate if it is told.
fn sequence(nal: &[u8]) -> Option<((u32, u32), Option<f64>)> {
    let (header, payload) = nal.split_first()?;
    if header & 0x1F != 7 {
        return None;
    }
    let bytes = unescaped(payload);
    let mut bits = Bits::new(&bytes);
    let profile = bits.number(8)?;
    bits.number(16)?;
    bits.unsigned()?;
    let chroma = if has_chroma(profile) { chroma(&mut bits)? } else { Some((2, 2)) };
    order(&mut bits)?;
    // The number of reference frames; whether frame numbers may have gaps.
    bits.unsigned()?;
    bits.flag()?;
    let width = macroblocks(&mut bits)?;
    let height = macroblocks(&mut bits)?;
    let frames = bits.flag()?;
    if !frames {
        bits.flag()?;
    }
    // A field has half of the lines, and its map counts those.
    let fields = if frames { 1 } else { 2 };
    bits.flag()?;
    let crop = if bits.flag()? {
        [bits.unsigned()?, bits.unsigned()?, bits.unsigned()?, bits.unsigned()?]
    } else {
        [0; 4]
    };
    let (x, y) = chroma.unwrap_or((1, 1));
    let [left, right, top, bottom] = crop;
    let width = width.checked_sub(left.checked_add(right)?.checked_mul(x)?)?;
    let height = height
        .checked_mul(fields)?
        .checked_sub(top.checked_add(bottom)?.checked_mul(y)?.checked_mul(fields)?)?;
    (width > 0 && height > 0).then(|| ((width, height), rate(&mut bits)))
}

/// Frames a second: the usability information tells of ticks, two of them a frame (§E.1.1, §E.2.1).
fn rate(bits: &mut Bits<'_>) -> Option<f64> {
    let there = bits.flag()?;
    if !there {
        return None;
    }
    // The shape of a pixel, the overscan.
    if bits.flag()? && bits.number(8)? == 255 {
        bits.number(32)?;
    }
    if bits.flag()? {
        bits.flag()?;
    }
    // The signal with its colours, the place of colour samples.
    if bits.flag()? {
        bits.number(4)?;
        if bits.flag()? {
            bits.number(24)?;
        }
    }
    if bits.flag()? {
        bits.unsigned()?;
        bits.unsigned()?;
    }
    if !bits.flag()? {
        return None;
    }
    let (tick, scale) = (bits.number(32)?, bits.number(32)?);
    let rate = f64::from(scale) / (2.0 * f64::from(tick));
    (rate > 0.0 && rate <= 1000.0).then_some(rate)
}

/// A number of macroblocks less one, as pixels.
fn macroblocks(bits: &mut Bits<'_>) -> Option<u32> {
    bits.unsigned()?.checked_add(1)?.checked_mul(16)
}

/// Whether the parameter sets of this profile tell the chroma format; others have 4:2:0.
fn has_chroma(profile: u32) -> bool {
    matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135)
}

/// How many pixels, across and down, cropping counts in (table 6-1); `None`: single ones, for colours
/// are absent or apart. Passes over the rest of what such profiles have.
fn chroma(bits: &mut Bits<'_>) -> Option<Option<(u32, u32)>> {
    let format = bits.unsigned()?;
    let apart = format == 3 && bits.flag()?;
    // Depth of luma and chroma; whether lossless coding is different.
    bits.unsigned()?;
    bits.unsigned()?;
    bits.flag()?;
    if bits.flag()? {
        for list in 0..if format == 3 { 12 } else { 8 } {
            if bits.flag()? {
                scaling_list(bits, if list < 6 { 16 } else { 64 })?;
            }
        }
    }
    match format {
        0 => Some(None),
        1 => Some(Some((2, 2))),
        2 => Some(Some((2, 1))),
        3 if apart => Some(None),
        3 => Some(Some((1, 1))),
        _ => None,
    }
}

/// Passes over a scaling list (§7.3.2.1.1.1): it ends early once the next scale is 0.
fn scaling_list(bits: &mut Bits<'_>, len: usize) -> Option<()> {
    let mut scale: i32 = 8;
    for _ in 0..len {
        scale = scale.checked_add(bits.signed()?)?.rem_euclid(256);
        if scale == 0 {
            break;
        }
    }
    Some(())
}

/// Passes over the length of frame numbers, and over the order of pictures.
fn order(bits: &mut Bits<'_>) -> Option<()> {
    bits.unsigned()?;
    match bits.unsigned()? {
        0 => {
            bits.unsigned()?;
        }
        1 => {
            bits.flag()?;
            bits.signed()?;
            bits.signed()?;
            for _ in 0..bits.unsigned()? {
                bits.signed()?;
            }
        }
        _ => {}
    }
    Some(())
}
