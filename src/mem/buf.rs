//! A piece of output: bytes in memory, or a window of a file.

use crate::Str;
use std::fs::File;
use std::rc::Rc;

/// A part of an open file that is sent without being read into memory.
#[derive(Clone, Debug)]
pub struct Window {
    /// The file, kept open until the last window of it is gone.
    pub file: Rc<File>,
    /// Where the window begins.
    pub offset: u64,
    /// How long it is.
    pub len: u64,
}

/// A piece of output.
#[derive(Clone, Debug)]
pub enum Buf {
    /// Bytes in memory.
    Memory(Str),
    /// A part of a file.
    File(Window),
}

const _: () = assert!(size_of::<Buf>() <= 32);

impl Buf {
    /// Bytes in memory.
    pub fn memory(bytes: Str) -> Buf {
        Buf::Memory(bytes)
    }

    /// A window of a file.
    pub fn file(file: Rc<File>, offset: u64, len: u64) -> Buf {
        Buf::File(Window { file, offset, len })
    }

    /// How many bytes it stands for.
    pub fn len(&self) -> u64 {
        match self {
            Buf::Memory(bytes) => bytes.len() as u64,
            Buf::File(window) => window.len,
        }
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Drops its first `n` bytes; `n` must not exceed its length.
    pub(crate) fn advance(&mut self, n: u64) {
        debug_assert!(n <= self.len());
        match self {
            Buf::Memory(bytes) => *bytes = bytes.slice(n as usize..),
            Buf::File(window) => {
                window.offset += n;
                window.len -= n;
            }
        }
    }

    /// The first `n` bytes of it; `n` must not exceed its length.
    pub(crate) fn prefix(&self, n: u64) -> Buf {
        debug_assert!(n <= self.len());
        match self {
            Buf::Memory(bytes) => Buf::memory(bytes.slice(..n as usize)),
            Buf::File(window) => Buf::file(window.file.clone(), window.offset, n),
        }
    }
}
