//! What a record says of its channel, in its flags.

/// The channel has ended with this record.
pub const END: u32 = 1;

/// A reader may begin with this record: what comes before it is not needed.
pub const MARK: u32 = 2;
