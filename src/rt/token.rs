//! The name of a slot at one time of its life.

/// A slot's index and generation in one word: what the poll set, the wakers and the timers know a
/// connection by. When the slot is given to another connection its generation changes, and whatever
/// still carries the old name is recognised as stale (the job of nginx's `instance` bit).
///
/// ```text
///  63            32 31      24 23                  0
/// ┌────────────────┬──────────┬─────────────────────┐
/// │   generation   │   loop   │        index        │
/// └────────────────┴──────────┴─────────────────────┘
/// ```
/// The loop's number matters only to a waker that is used on another thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token(u64);

/// Indices above this name something else than a slot.
pub(crate) const MAX_SLOTS: u32 = 0x00ff_0000;
/// The inbox of wakes from other threads.
pub(crate) const INBOX: u32 = 0x00ff_0000;
/// The first of the listeners.
pub(crate) const LISTENERS: u32 = 0x00ff_0001;
/// The first of the other descriptors that somebody waits for.
pub(crate) const SOURCES: u32 = 0x00ff_8000;

impl Token {
    pub(crate) fn new(ring: u8, index: u32, generation: u32) -> Token {
        debug_assert!(index < 1 << 24);
        Token(u64::from(generation) << 32 | u64::from(ring) << 24 | u64::from(index))
    }

    pub(crate) fn index(self) -> u32 {
        (self.0 & 0x00ff_ffff) as u32
    }

    pub(crate) fn ring(self) -> u8 {
        (self.0 >> 24) as u8
    }

    pub(crate) fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }

    pub(crate) fn word(self) -> u64 {
        self.0
    }

    pub(crate) fn from_word(word: u64) -> Token {
        Token(word)
    }
}

impl From<Token> for mio::Token {
    fn from(token: Token) -> mio::Token {
        mio::Token(token.0 as usize)
    }
}

impl From<mio::Token> for Token {
    fn from(token: mio::Token) -> Token {
        Token(token.0 as u64)
    }
}
