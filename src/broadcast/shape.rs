//! How a zone is divided.

/// What the one who makes a zone says of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Bytes of a block: records are packed into blocks, and blocks are what is given back.
    pub block_size: usize,
    /// Processes that can be attached at the same time.
    pub rows: usize,
    /// Channels, at most.
    pub channels: usize,
    /// Slots that readers may reserve, of channels that nobody has published to.
    pub readers: usize,
    /// Names that are waited for and patterns, together in all processes, that are counted exactly; half as many
    /// addresses.
    pub counted: usize,
}
