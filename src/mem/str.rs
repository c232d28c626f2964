//! A byte string that carries its length and shares the buffer that it was cut from.
//!
//! ```text
//!   Str { ptr, len, back }          back = 0: static bytes, no owner
//!          |          |
//!          |          +-- ptr - back is the block's header
//!   [header|......bytes......]
//! ```

use crate::bounds::within;
use crate::bufpool::{self, HEADER, Header};
use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Deref, RangeBounds};
use std::ptr::NonNull;
use std::slice;

/// An immutable byte string of 16 bytes: static, or a counted slice of a [`Block`](crate::Block).
///
/// Cloning and slicing copy no bytes. It is never assumed to be UTF-8.
pub struct Str {
    ptr: NonNull<u8>,
    len: u32,
    /// The distance from `ptr` back to the block's header; 0 for static bytes.
    back: u32,
}

const _: () = assert!(size_of::<Str>() == 16 && size_of::<Option<Str>>() == 16);

impl Str {
    /// The empty string.
    pub const EMPTY: Str = Str::from_static(b"");

    /// Wraps static bytes; costs nothing.
    ///
    /// # Panics
    /// If the bytes exceed 4 GiB; a compile error in a constant.
    pub const fn from_static(bytes: &'static [u8]) -> Str {
        assert!(bytes.len() <= u32::MAX as usize);
        // SAFETY: a reference is never null.
        let ptr = unsafe { NonNull::new_unchecked(bytes.as_ptr().cast_mut()) };
        Str { ptr, len: bytes.len() as u32, back: 0 }
    }

    /// # Safety
    /// `start..start + len` must be initialised bytes of the block that are not written while the
    /// string lives, and the caller gives one count of the block to it.
    pub(crate) unsafe fn from_block(head: NonNull<Header>, start: usize, len: usize) -> Str {
        // SAFETY: the caller owns a count, and `start` is inside the block.
        let ptr = unsafe { bufpool::data(head).add(start) };
        Str { ptr, len: len as u32, back: (HEADER + start) as u32 }
    }

    fn head(&self) -> Option<NonNull<Header>> {
        // SAFETY: a `back` that is not 0 leads to the header, in the same allocation.
        (self.back != 0).then(|| unsafe { self.ptr.sub(self.back as usize) }.cast())
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        // SAFETY: static bytes, or initialised bytes of a block that this string keeps alive and
        // that are not written while it does.
        unsafe { slice::from_raw_parts(self.ptr.as_ptr(), self.len as usize) }
    }

    /// The text, if the bytes are UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(self).ok()
    }

    /// A part of it, sharing the bytes.
    ///
    /// # Panics
    /// If the range is out of bounds.
    pub fn slice(&self, range: impl RangeBounds<usize>) -> Str {
        let range = within(range, self.len());
        if range.is_empty() {
            return Str::EMPTY;
        }
        let mut part = self.clone();
        // SAFETY: `within` has checked that the start is inside this string.
        part.ptr = unsafe { part.ptr.add(range.start) };
        part.len = range.len() as u32;
        if part.back != 0 {
            part.back += range.start as u32;
        }
        part
    }

    /// The string for bytes that were found inside this one, sharing them; `None` if `part` does
    /// not lie in it.
    pub fn slice_of(&self, part: &[u8]) -> Option<Str> {
        let start = part.as_ptr().addr().checked_sub(self.as_ptr().addr())?;
        let end = start.checked_add(part.len())?;
        (end <= self.len()).then(|| self.slice(start..end))
    }
}

impl Clone for Str {
    fn clone(&self) -> Str {
        if let Some(head) = self.head() {
            // SAFETY: this string owns a count, so the header is alive.
            unsafe { head.as_ref() }.retain();
        }
        Str { ..*self }
    }
}

impl Drop for Str {
    fn drop(&mut self) {
        if let Some(head) = self.head() {
            // SAFETY: this string owns one count and ends here.
            unsafe { bufpool::release(head) };
        }
    }
}

impl Deref for Str {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl AsRef<[u8]> for Str {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Borrow<[u8]> for Str {
    fn borrow(&self) -> &[u8] {
        self
    }
}

impl Default for Str {
    fn default() -> Str {
        Str::EMPTY
    }
}

impl PartialEq for Str {
    fn eq(&self, other: &Str) -> bool {
        **self == **other
    }
}

impl Eq for Str {}

impl PartialEq<[u8]> for Str {
    fn eq(&self, other: &[u8]) -> bool {
        **self == *other
    }
}

impl<const N: usize> PartialEq<&[u8; N]> for Str {
    fn eq(&self, other: &&[u8; N]) -> bool {
        **self == other[..]
    }
}

impl PartialEq<&[u8]> for Str {
    fn eq(&self, other: &&[u8]) -> bool {
        **self == **other
    }
}

impl PartialEq<&str> for Str {
    fn eq(&self, other: &&str) -> bool {
        **self == *other.as_bytes()
    }
}

impl PartialOrd for Str {
    fn partial_cmp(&self, other: &Str) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Str {
    fn cmp(&self, other: &Str) -> Ordering {
        self.as_bytes().cmp(other)
    }
}

/// As the slice hashes, so that a map with `Str` keys is searched by `&[u8]`.
impl Hash for Str {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.escape_ascii())
    }
}

/// The text as it is; bytes that are not UTF-8 become U+FFFD.
impl fmt::Display for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.utf8_chunks() {
            f.write_str(chunk.valid())?;
            if !chunk.invalid().is_empty() {
                f.write_str("\u{FFFD}")?;
            }
        }
        Ok(())
    }
}

impl From<&'static str> for Str {
    fn from(text: &'static str) -> Str {
        Str::from_static(text.as_bytes())
    }
}

impl From<&'static [u8]> for Str {
    fn from(bytes: &'static [u8]) -> Str {
        Str::from_static(bytes)
    }
}

impl From<Vec<u8>> for Str {
    fn from(bytes: Vec<u8>) -> Str {
        Str::copy(&bytes)
    }
}

impl From<String> for Str {
    fn from(text: String) -> Str {
        Str::copy(text.as_bytes())
    }
}
