//! A queue of output that a writer turns into `writev` and `sendfile`.

use crate::{Buf, Str};
use std::collections::VecDeque;
use std::fs::File;
use std::io::IoSlice;

/// Buffers in the order of sending.
///
/// None of them is empty.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    bufs: VecDeque<Buf>,
    len: u64,
}

impl Chain {
    /// An empty chain; allocates nothing.
    pub const fn new() -> Chain {
        Chain { bufs: VecDeque::new(), len: 0 }
    }

    /// Appends a buffer.
    pub fn push(&mut self, buf: Buf) {
        if !buf.is_empty() {
            self.len += buf.len();
            self.bufs.push_back(buf);
        }
    }

    /// Appends bytes in memory.
    pub fn push_str(&mut self, bytes: Str) {
        self.push(Buf::memory(bytes));
    }

    /// Moves all of `other` to the end of this chain.
    pub fn append(&mut self, other: &mut Chain) {
        other.bufs.drain(..).for_each(|buf| self.push(buf));
        other.len = 0;
    }

    /// How many bytes are left.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether no bytes are left.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The buffers in order.
    pub fn iter(&self) -> impl Iterator<Item = &Buf> {
        self.bufs.iter()
    }

    /// Takes the first buffer out.
    pub fn pop(&mut self) -> Option<Buf> {
        let buf = self.bufs.pop_front()?;
        self.len -= buf.len();
        Some(buf)
    }

    /// Describes the memory at the front, at most `max` bytes of it and up to the first file
    /// window, and returns how many slices of `out` it took.
    pub fn memory_prefix<'a>(&'a self, out: &mut [IoSlice<'a>], max: usize) -> usize {
        let mut left = max;
        let mut used = 0;
        for buf in &self.bufs {
            let Buf::Memory(bytes) = buf else { break };
            if left == 0 || used == out.len() {
                break;
            }
            let bytes = &bytes[..bytes.len().min(left)];
            out[used] = IoSlice::new(bytes);
            used += 1;
            left -= bytes.len();
        }
        used
    }

    /// The file window at the front as file, offset and length, if the next byte is in a file.
    pub fn front_file(&self) -> Option<(&File, u64, u64)> {
        match self.bufs.front()? {
            Buf::Memory(_) => None,
            Buf::File(window) => Some((&window.file, window.offset, window.len)),
        }
    }

    /// Drops the first `n` bytes.
    pub fn advance(&mut self, n: u64) {
        debug_assert!(n <= self.len, "advance past the end of a chain");
        let mut left = n.min(self.len);
        self.len -= left;
        while let Some(front) = self.bufs.front_mut() {
            if left < front.len() {
                front.advance(left);
                break;
            }
            left -= front.len();
            self.bufs.pop_front();
        }
    }

    /// A chain of the `len` bytes from `offset` on, sharing them; shorter if this
    /// chain ends before.
    pub fn slice(&self, offset: u64, len: u64) -> Chain {
        let mut part = Chain::new();
        let (mut skip, mut left) = (offset, len);
        for buf in &self.bufs {
            if left == 0 {
                break;
            }
            if skip >= buf.len() {
                skip -= buf.len();
                continue;
            }
            let end = buf.len().min(skip.saturating_add(left));
            let mut cut = buf.prefix(end);
            cut.advance(skip);
            left -= cut.len();
            skip = 0;
            part.push(cut);
        }
        part
    }

    /// Drops everything, and keeps the queue's memory for the next use.
    pub fn clear(&mut self) {
        self.bufs.clear();
        self.len = 0;
    }
}
