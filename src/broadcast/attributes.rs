//! What an append says.

use crate::hint::Hint;
use crate::owner::Owner;

/// What an append says of its record and of its channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// [`END`](crate::END), [`MARK`](crate::MARK), and bits of the caller's own from 16 on.
    pub flags: u32,
    /// Hash of an idempotency key; 0: none. While a record of this key is kept, another is not made.
    pub key: u64,
    /// Which of the records of its key it is, from 1; 0: the only one. In a channel the places of a key only
    /// go up: one that is not above those that are there has been already.
    pub place: u32,
    /// Up to here the channel was looked through for this key and place: it is not there.
    pub looked: Hint,
    /// How many records a newcomer gets at most; 0: none. More are kept for a moment, for readers that are
    /// just behind.
    pub max_count: u32,
    /// Milliseconds after which a record goes; 0: never.
    pub max_age: u64,
    /// Channels that there may be, should this be a new one.
    pub max_channels: u32,
    /// Records up to this seq may go.
    pub unneeded: u64,
    /// Whose record it is: of a channel that has another owner, or none any more, it is refused.
    pub owner: Option<Owner>,
}

impl Attributes {
    /// A record that is kept as long as there is room.
    pub const DEFAULT: Attributes = Attributes {
        flags: 0,
        key: 0,
        place: 0,
        looked: Hint::NONE,
        max_count: u32::MAX,
        max_age: 0,
        max_channels: u32::MAX,
        unneeded: 0,
        owner: None,
    };
}

impl Default for Attributes {
    fn default() -> Attributes {
        Attributes::DEFAULT
    }
}
