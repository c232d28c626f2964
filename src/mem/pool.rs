//! A request's arena: what a request builds is cut from one block after the other.

use crate::{Block, Str};
use std::fmt;

/// The usual size of a block. A longer string gets a longer block, which a reset gives back.
const CHUNK: usize = 4096;

/// An arena of strings.
///
/// A new pool allocates nothing. A string that outlives the pool keeps its block, so a reset never
/// takes bytes away from anybody.
#[derive(Default)]
pub struct Pool {
    chunk: Option<Block>,
}

impl Pool {
    /// An empty pool.
    pub const fn new() -> Pool {
        Pool { chunk: None }
    }

    /// Copies bytes into the pool.
    ///
    /// # Panics
    /// If the bytes exceed 2 GiB.
    pub fn copy(&mut self, bytes: &[u8]) -> Str {
        self.write(|writer| writer.push(bytes))
    }

    /// Renders `format_args!(…)` into the pool.
    pub fn format(&mut self, args: fmt::Arguments<'_>) -> Str {
        self.write(|writer| {
            // Only a `Display` of the caller can fail; the text up to there is kept.
            let _ = fmt::Write::write_fmt(writer, args);
        })
    }

    /// Builds a string piece by piece.
    pub fn write(&mut self, build: impl FnOnce(&mut Writer<'_>)) -> Str {
        let start = self.chunk.as_ref().map_or(0, Block::len);
        let mut writer = Writer { chunk: &mut self.chunk, start };
        build(&mut writer);
        writer.finish()
    }

    /// Ends the request: makes the memory ready for the next one. A block that is still shared is left to its strings.
    pub fn reset(&mut self) {
        match &mut self.chunk {
            Some(chunk) if chunk.is_unique() && chunk.capacity() <= CHUNK => chunk.clear(),
            chunk => *chunk = None,
        }
    }

    /// Gives all memory back.
    pub fn release(&mut self) {
        self.chunk = None;
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pool({:?})", self.chunk)
    }
}

/// A string under construction at the end of a [`Pool`]'s block.
///
/// The string is `chunk.filled()[start..]`. Nobody shares it yet, so when the block is full the
/// string moves to a larger one.
pub struct Writer<'a> {
    chunk: &'a mut Option<Block>,
    start: usize,
}

impl Writer<'_> {
    /// Appends bytes.
    ///
    /// # Panics
    /// If the string exceeds 2 GiB.
    pub fn push(&mut self, bytes: &[u8]) {
        let written = self.chunk.as_mut().is_some_and(|chunk| chunk.extend_from_slice(bytes));
        if !written {
            self.push_to_new(bytes);
        }
    }

    /// What has been written so far.
    pub fn written(&self) -> &[u8] {
        self.chunk.as_ref().map_or(&[], |chunk| &chunk.filled()[self.start..])
    }

    /// How many bytes have been written so far.
    pub fn len(&self) -> usize {
        self.written().len()
    }

    /// Whether nothing has been written so far.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[cold]
    fn push_to_new(&mut self, bytes: &[u8]) {
        let len = self.len() + bytes.len();
        // A string that has outgrown a block is likely to go on: twice its length is taken.
        let capacity = if self.is_empty() { len.max(CHUNK) } else { len.max(CHUNK / 2) * 2 };
        let mut chunk = Block::take(capacity);
        let fits = chunk.extend_from_slice(self.written()) && chunk.extend_from_slice(bytes);
        debug_assert!(fits);
        *self.chunk = Some(chunk);
        self.start = 0;
    }

    fn finish(self) -> Str {
        self.chunk.as_mut().map_or(Str::EMPTY, |chunk| chunk.share(self.start..))
    }
}

impl fmt::Write for Writer<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

impl std::io::Write for Writer<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
