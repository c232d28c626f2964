//! Where a word stands.

/// A place in the text. Lines and columns count from 1, in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The file: its number in [`Files`](crate::Files).
    pub file: u16,
    /// The line.
    pub line: u32,
    /// The first character on that line.
    pub column: u32,
    /// How many characters the word has in the text, quotes and escapes included.
    pub len: u32,
}
