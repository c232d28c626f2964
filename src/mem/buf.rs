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

/// Where the bytes of a [`Buf`] are.
#[derive(Clone, Debug)]
pub enum Data {
    /// In memory.
    Memory(Str),
    /// In a file.
    File(Window),
}

/// A piece of output with its marks.
#[derive(Clone, Debug)]
pub struct Buf {
    /// The bytes.
    pub data: Data,
    /// Whether all up to its end has to be sent now, without waiting for more.
    pub flush: bool,
    /// Whether it ends the response.
    pub last: bool,
}

const _: () = assert!(size_of::<Buf>() <= 40);

impl Buf {
    /// Bytes in memory, without marks.
    pub fn memory(bytes: Str) -> Buf {
        Buf { data: Data::Memory(bytes), flush: false, last: false }
    }

    /// A window of a file, without marks.
    pub fn file(file: Rc<File>, offset: u64, len: u64) -> Buf {
        Buf { data: Data::File(Window { file, offset, len }), flush: false, last: false }
    }

    /// The same with the flush mark.
    pub fn flush(self) -> Buf {
        Buf { flush: true, ..self }
    }

    /// The same with the last mark.
    pub fn last(self) -> Buf {
        Buf { last: true, ..self }
    }

    /// How many bytes it stands for.
    pub fn len(&self) -> u64 {
        match &self.data {
            Data::Memory(bytes) => bytes.len() as u64,
            Data::File(window) => window.len,
        }
    }

    /// Whether it has no bytes; it may still carry marks.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Drops its first `n` bytes; `n` must not exceed its length.
    pub(crate) fn advance(&mut self, n: u64) {
        debug_assert!(n <= self.len());
        match &mut self.data {
            Data::Memory(bytes) => *bytes = bytes.slice(n as usize..),
            Data::File(window) => {
                window.offset += n;
                window.len -= n;
            }
        }
    }

    /// The first `n` bytes of it, without marks; `n` must not exceed its length.
    pub(crate) fn prefix(&self, n: u64) -> Buf {
        debug_assert!(n <= self.len());
        match &self.data {
            Data::Memory(bytes) => Buf::memory(bytes.slice(..n as usize)),
            Data::File(window) => Buf::file(window.file.clone(), window.offset, n),
        }
    }
}
