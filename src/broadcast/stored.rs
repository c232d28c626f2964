//! Records as they are outside of a zone: in a file, or on the way to a zone of another size.

/// A record with all that is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredRecord<'a> {
    /// The channel's name.
    pub channel: &'a [u8],
    /// Its number in the zone.
    pub seq: u64,
    /// Its number in its channel.
    pub number: u64,
    /// The zone's milliseconds when it was appended.
    pub time: u64,
    /// Hash of its idempotency key; 0: none.
    pub key: u64,
    /// Its place in what the key is for.
    pub place: u32,
    /// Its flags.
    pub flags: u32,
    /// Bytes of its head.
    pub head: u32,
    /// What its channel keeps.
    pub max_count: u32,
    /// Milliseconds after which it goes; 0: never.
    pub max_age: u64,
    /// All its bytes, the head's included.
    pub bytes: &'a [u8],
}
