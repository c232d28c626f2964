//! A writable buffer from the pool, whose filled part may be shared while the rest is written.
//!
//! ```text
//!   0          filled          capacity
//!   |  shared    |    spare    |
//!   |  read-only |  this Block |
//! ```
//!
//! The filled part only grows while anybody shares it, so a `Str` never sees a byte change, and
//! the spare part belongs to the `Block` alone. Both are initialised, since blocks are zeroed once.

use crate::Str;
use crate::bounds::within;
use crate::bufpool::{self, Header};
use std::fmt;
use std::ops::{Range, RangeBounds};
use std::ptr::NonNull;
use std::slice;

/// A unique, writable buffer. See the module's drawing.
pub struct Block {
    head: NonNull<Header>,
    filled: u32,
}

const _: () = assert!(size_of::<Option<Block>>() == 16);

impl Block {
    /// Takes an empty block of at least `min_capacity` bytes from this thread's pool.
    ///
    /// # Panics
    /// If `min_capacity` exceeds 2 GiB.
    pub fn take(min_capacity: usize) -> Block {
        Block { head: bufpool::acquire(min_capacity), filled: 0 }
    }

    /// Allocates an empty block of exactly `capacity` bytes, for what lives long.
    pub(crate) fn exact(capacity: usize) -> Block {
        Block { head: bufpool::allocate(capacity), filled: 0 }
    }

    fn header(&self) -> &Header {
        // SAFETY: this Block owns a count, so the header is alive; it changes through Cells only.
        unsafe { self.head.as_ref() }
    }

    fn data(&self) -> NonNull<u8> {
        // SAFETY: this Block owns a count of the block.
        unsafe { bufpool::data(self.head) }
    }

    /// How many bytes it can hold.
    pub fn capacity(&self) -> usize {
        self.header().capacity()
    }

    /// How many bytes are filled.
    pub fn len(&self) -> usize {
        self.filled as usize
    }

    /// Whether nothing is filled.
    pub fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// How many bytes still fit.
    pub fn spare(&self) -> usize {
        self.capacity() - self.len()
    }

    /// Whether no `Str` shares it.
    pub fn is_unique(&self) -> bool {
        self.header().is_unique()
    }

    /// The filled part.
    pub fn filled(&self) -> &[u8] {
        // SAFETY: the first `filled` bytes are inside the block and initialised, and nothing
        // writes to them: only `clear`, `keep_from` with `&mut self` make them spare again.
        unsafe { slice::from_raw_parts(self.data().as_ptr(), self.len()) }
    }

    /// The part to write to. [`advance`](Self::advance) tells how much was written.
    pub fn spare_mut(&mut self) -> &mut [u8] {
        let spare = self.spare();
        // SAFETY: the bytes from `filled` to the end are inside the block and initialised. No `Str`
        // covers them: `share` is limited to the filled part, which shrinks only when unique.
        unsafe { slice::from_raw_parts_mut(self.data().add(self.len()).as_ptr(), spare) }
    }

    /// Counts the first `n` spare bytes as filled.
    ///
    /// # Panics
    /// If fewer than `n` bytes are spare.
    pub fn advance(&mut self, n: usize) {
        assert!(n <= self.spare(), "advance past the end of a block");
        self.filled += n as u32;
    }

    /// Appends all of `bytes`, or nothing if they do not fit.
    #[must_use]
    pub fn extend_from_slice(&mut self, bytes: &[u8]) -> bool {
        let Some(room) = self.spare_mut().get_mut(..bytes.len()) else { return false };
        room.copy_from_slice(bytes);
        self.advance(bytes.len());
        true
    }

    /// Empties it. If some `Str` still shares it, the bytes stay theirs and this becomes a fresh
    /// block of the same capacity.
    pub fn clear(&mut self) {
        self.keep_from(self.len());
    }

    /// Drops the first `from` filled bytes and moves the rest to the front, under the same rule
    /// as [`clear`](Self::clear).
    ///
    /// # Panics
    /// If fewer than `from` bytes are filled.
    pub fn keep_from(&mut self, from: usize) {
        assert!(from <= self.len(), "keep_from past the filled part");
        if from == 0 {
            return;
        }
        if !self.is_unique() {
            *self = self.moved(from, self.capacity());
            return;
        }
        let rest = self.len() - from;
        self.filled = 0;
        // Nobody shares the block and nothing is filled now, so all of it is spare.
        self.spare_mut().copy_within(from..from + rest, 0);
        self.filled = rest as u32;
    }

    /// Makes it hold at least `min_capacity` bytes; what is filled moves along.
    ///
    /// # Panics
    /// If `min_capacity` exceeds 2 GiB.
    pub fn grow(&mut self, min_capacity: usize) {
        if min_capacity > self.capacity() {
            *self = self.moved(0, min_capacity);
        }
    }

    /// A new block with the filled bytes from `from` on.
    fn moved(&self, from: usize, min_capacity: usize) -> Block {
        let mut block = Block::take(min_capacity);
        let fits = block.extend_from_slice(&self.filled()[from..]);
        debug_assert!(fits);
        block
    }

    /// A string of filled bytes that shares this block.
    ///
    /// # Panics
    /// If the range is not within the filled part.
    pub fn share(&mut self, range: impl RangeBounds<usize>) -> Str {
        let Range { start, end } = within(range, self.len());
        if start == end {
            return Str::EMPTY;
        }
        self.header().retain();
        // SAFETY: the range is filled, hence initialised and never written again while shared, and
        // the count just taken is the string's.
        unsafe { Str::from_block(self.head, start, end - start) }
    }

    /// Turns it into a string of all that is filled.
    pub fn freeze(mut self) -> Str {
        self.share(..)
    }
}

impl Str {
    /// Copies bytes into an allocation of their own. For strings that live as long as a request,
    /// [`Pool::copy`](crate::Pool::copy) is cheaper.
    ///
    /// # Panics
    /// If the bytes exceed 2 GiB.
    pub fn copy(bytes: &[u8]) -> Str {
        if bytes.is_empty() {
            return Str::EMPTY;
        }
        let mut block = Block::exact(bytes.len());
        let fits = block.extend_from_slice(bytes);
        debug_assert!(fits);
        block.freeze()
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: this Block owns one count and ends here.
        unsafe { bufpool::release(self.head) };
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Block({} of {}: \"{}\")",
            self.len(),
            self.capacity(),
            self.filled().escape_ascii()
        )
    }
}
