//! What a VP9 stream is: its configuration (VP Codec ISO Media File Format Binding) and the head of a key frame (VP9 §6.2).
//!
//! ```text
//! vpcC   [01 000000]  profile (8) level (8)  depth (4) chroma (3) range (1) …      some have the box's version and flags before it
//! frame  10 (2) profile (2, the low bit first) [0 (1)]  0 (1) 0 (1) shown (1) resilient (1)  498342
//!        [depth (1)] colours (3) …  width - 1 (16) height - 1 (16)
//! ```

use crate::bits::Bits;

const SYNC: u32 = 0x49_8342;
/// Colours that are not divided into brightness and others.
const RGB: u32 = 7;

/// A configuration without version and flags. A profile is at most 3, and a level is never 0: it is never taken for these.
pub(super) fn record(config: &[u8]) -> &[u8] {
    config.strip_prefix(&[1, 0, 0, 0]).unwrap_or(config)
}

/// The codec's name with profile, level and depth; `None`: it is no `vpcC`.
pub(super) fn name(config: &[u8]) -> Option<String> {
    let &[profile, level, depth, ..] = record(config) else { return None };
    Some(format!("vp09.{profile:02}.{level:02}.{:02}", depth >> 4))
}

/// Width and height that a key frame has; `None`: it is none.
pub(super) fn size(frame: &[u8]) -> Option<(u32, u32)> {
    let mut bits = Bits::new(frame);
    let marker = bits.number(2)?;
    let profile = bits.number(1)? | bits.number(1)? << 1;
    if profile == 3 {
        bits.flag()?;
    }
    // It shows another frame; it needs others.
    if marker != 2 || bits.flag()? || bits.flag()? {
        return None;
    }
    bits.number(2)?;
    if bits.number(24)? != SYNC {
        return None;
    }
    if profile >= 2 {
        bits.flag()?;
    }
    let (rgb, odd) = (bits.number(3)? == RGB, profile & 1 == 1);
    bits.number(match (rgb, odd) {
        (false, false) => 1,
        (false, true) => 4,
        (true, false) => 0,
        (true, true) => 1,
    })?;
    Some((bits.number(16)? + 1, bits.number(16)? + 1))
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes() {
        // What libvpx writes.
        assert_eq!(size(b"\x82\x49\x83\x42\x00\x28\x10\x16\x96"), Some((642, 362)));
        assert_eq!(size(b"\x82\x49\x83\x42\x00\x28\x10\x16"), None);
        assert_eq!(size(b"\x86\x00\x40\x92\x9c\x92\x10\x16\x96"), None);
        assert_eq!(size(b""), None);
    }
}
