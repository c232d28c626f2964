//! What goes into a DATA frame: a string of ours, which is copied once, beside the frame's head.

use bytes::Buf;
use mem::Str;

/// A piece of an answer's body.
#[derive(Debug, Default)]
pub struct Piece {
    bytes: Str,
    at: usize,
}

impl From<Str> for Piece {
    fn from(bytes: Str) -> Piece {
        Piece { bytes, at: 0 }
    }
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    fn chunk(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    fn advance(&mut self, count: usize) {
        self.at = (self.at + count).min(self.bytes.len());
    }
}
