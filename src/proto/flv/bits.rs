//! Reading bits, the most significant first.

/// Bits that are still to be read.
#[derive(Clone, Debug)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// How many bits of the first byte are read.
    used: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Bits<'a> {
        Bits { bytes, used: 0 }
    }

    pub(super) fn flag(&mut self) -> Option<bool> {
        let (first, rest) = self.bytes.split_first()?;
        let bit = first >> (7 - self.used) & 1;
        self.used += 1;
        if self.used == 8 {
            (self.bytes, self.used) = (rest, 0);
        }
        Some(bit == 1)
    }

    /// A number of at most 32 bits.
    pub(super) fn number(&mut self, bits: u32) -> Option<u32> {
        (0..bits).try_fold(0, |value: u32, _| Some(value << 1 | u32::from(self.flag()?)))
    }

    /// An unsigned Exp-Golomb code, `ue(v)` (H.264 §9.1), of a value below 2^32 - 1.
    pub(super) fn unsigned(&mut self) -> Option<u32> {
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
    pub(super) fn signed(&mut self) -> Option<i32> {
        let code = self.unsigned()?;
        let size = (code / 2 + code % 2) as i32;
        Some(if code % 2 == 1 { size } else { -size })
    }
}
