//! Reading bits, the most significant first.

/// Bits that are still to be read.
#[derive(Clone, Debug)]
pub(crate) struct Bits<'a> {
    bytes: &'a [u8],
    /// How many bits of the first byte are read.
    used: u32,
}

impl<'a> Bits<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Bits<'a> {
        Bits { bytes, used: 0 }
    }

    pub(crate) fn flag(&mut self) -> Option<bool> {
        let (first, rest) = self.bytes.split_first()?;
        let bit = first >> (7 - self.used) & 1;
        self.used += 1;
        if self.used == 8 {
            (self.bytes, self.used) = (rest, 0);
        }
        Some(bit == 1)
    }

    /// A number of at most 32 bits.
    pub(crate) fn number(&mut self, bits: u32) -> Option<u32> {
        (0..bits).try_fold(0, |value: u32, _| Some(value << 1 | u32::from(self.flag()?)))
    }

    /// An unsigned Exp-Golomb code, `ue(v)` (H.264 §9.1), of a value below 2^32 - 1.
    pub(crate) fn unsigned(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros == 32 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.number(zeros)?)
    }

    /// A signed one, `se(v)`: 0, 1, -1, 2, -2 …
    pub(crate) fn signed(&mut self) -> Option<i32> {
        let code = self.unsigned()?;
        let size = (code / 2 + code % 2) as i32;
        Some(if code % 2 == 1 { size } else { -size })
    }
}

/// Without the 3 that keeps `00 00 0x` in a NAL unit from looking like the start of another (H.264 §7.4.1).
pub(crate) fn unescaped(payload: &[u8]) -> Vec<u8> {
    let (mut out, mut zeros) = (Vec::with_capacity(payload.len()), 0);
    for &byte in payload {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    out
}
