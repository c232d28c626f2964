//! What is known of an answer, in the two words of its entry.
//!
//! ```text
//! bits  63 … 32       31 … 8               7       6 … 0
//!       valid until │ blocks                                    the first
//!       used        │ version, or status │ there │ uses         the second
//! ```

/// Sizes are counted in so many bytes.
const BLOCK: u64 = 512;

/// Blocks of so many bytes.
pub fn blocks(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(BLOCK)).unwrap_or(u32::MAX)
}

/// Bytes of so many blocks.
pub fn bytes(blocks: u64) -> u64 {
    blocks * BLOCK
}

/// Fields of the second word.
const USED_AT: u32 = 32;
const SPOKEN_AT: u32 = 8;
const SPOKEN_BITS: u64 = 0xff_ffff;
const THERE: u64 = 1 << 7;
const USES_BITS: u64 = 0x7f;
/// So far uses are counted.
pub const MOST_USES: u8 = USES_BITS as u8;

/// What is known of an answer. Times are seconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Until when it is valid; 0: its file says that.
    pub valid_until: u32,
    /// The size of its file.
    pub blocks: u32,
    /// When it was asked for last.
    pub used: u32,
    /// Of what has a file: another one with each change of any answer.
    pub version: u32,
    /// Of what has none, not 0: that status is what was answered.
    pub status: u16,
    /// It has a file.
    pub is_there: bool,
    /// How often it was asked for, up to 127.
    pub uses: u8,
}

impl State {
    /// Of an entry's words.
    pub fn of(words: [u64; 2]) -> State {
        let [first, second] = words;
        let (is_there, spoken) = (second & THERE != 0, second >> SPOKEN_AT & SPOKEN_BITS);
        State {
            valid_until: (first >> 32) as u32,
            blocks: first as u32,
            used: (second >> USED_AT) as u32,
            version: if is_there { spoken as u32 } else { 0 },
            status: if is_there { 0 } else { spoken as u16 },
            is_there,
            uses: (second & USES_BITS) as u8,
        }
    }

    /// The words of its entry.
    pub fn words(self) -> [u64; 2] {
        let first = u64::from(self.valid_until) << 32 | u64::from(self.blocks);
        let spoken = if self.is_there { self.version } else { self.status.into() };
        let spoken = u64::from(spoken) & SPOKEN_BITS;
        let second = u64::from(self.used) << USED_AT
            | spoken << SPOKEN_AT
            | if self.is_there { THERE } else { 0 }
            | u64::from(self.uses);
        [first, second]
    }

    /// Whether what a worker has at hand of this state is what there is.
    pub fn is_same(self, other: State) -> bool {
        (self.version, self.valid_until, self.blocks)
            == (other.version, other.valid_until, other.blocks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_two_words() {
        let there = State {
            valid_until: u32::MAX,
            blocks: 7,
            used: u32::MAX - 1,
            version: SPOKEN_BITS as u32,
            status: 0,
            is_there: true,
            uses: MOST_USES,
        };
        let told = State { version: 0, status: 599, is_there: false, ..there };
        for state in [there, told, State::default()] {
            assert_eq!(State::of(state.words()), state);
        }
    }
}
