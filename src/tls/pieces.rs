//! Plaintext as it goes into records: short buffers together, long ones in parts.

use std::io::IoSlice;

/// What is left of some buffers.
pub(crate) struct Pieces<'b> {
    buffers: &'b [IoSlice<'b>],
    /// Of the first one, so much is gone.
    gone: usize,
}

impl<'b> Pieces<'b> {
    pub fn new(buffers: &'b [IoSlice<'b>], gone: usize) -> Pieces<'b> {
        let mut rest = Pieces { buffers, gone };
        rest.settle();
        rest
    }

    fn settle(&mut self) {
        while let Some(first) = self.buffers.first()
            && first.len() <= self.gone
        {
            self.gone -= first.len();
            self.buffers = &self.buffers[1..];
        }
    }

    /// The next piece, of at most `most` bytes; several buffers are put together in `gathered`.
    pub fn next<'p>(&mut self, most: usize, gathered: &'p mut Vec<u8>) -> Option<&'p [u8]>
    where
        'b: 'p,
    {
        let first = &self.buffers.first()?[self.gone..];
        if first.len() >= most || self.buffers.len() == 1 {
            let piece = &first[..first.len().min(most)];
            self.gone += piece.len();
            self.settle();
            return Some(piece);
        }
        gathered.clear();
        while gathered.len() < most
            && let Some(first) = self.buffers.first()
        {
            let part = &first[self.gone..];
            let part = &part[..part.len().min(most - gathered.len())];
            gathered.extend_from_slice(part);
            self.gone += part.len();
            self.settle();
        }
        Some(gathered)
    }
}
