//! A file of fragments, or one that is read as if it were: what is played is made of both.

use std::fs::File;
use std::io;
use std::sync::Arc;

use crate::play::flv::{Units, View};

/// It.
pub enum Medium {
    /// As it is.
    File(File),
    /// FLV.
    Flv(Box<View>),
}

impl Medium {
    /// A file; `units`: which is FLV.
    pub fn new(file: File, units: Option<Arc<Units>>) -> Medium {
        match units {
            Some(units) => Medium::Flv(Box::new(View::new(file, units))),
            None => Medium::File(file),
        }
    }

    /// Reads from a place on; fewer bytes than there is room for are all that there are.
    pub fn read_at(&mut self, out: &mut [u8], place: u64) -> io::Result<usize> {
        match self {
            Medium::File(file) => sys::file::read_at(file, out, place),
            Medium::Flv(view) => view.read_at(out, place),
        }
    }
}

/// Bytes of a body, which another thread reads piece by piece.
pub trait Pieces: Send + 'static {
    /// How many are left.
    fn left(&self) -> u64;

    /// The next ones, about `most`; empty: that was all.
    fn read(&mut self, most: usize) -> io::Result<Vec<u8>>;
}

/// A part of a medium.
pub struct Window {
    medium: Medium,
    at: u64,
    end: u64,
}

impl Window {
    /// The bytes from `at` to `end`.
    pub fn new(medium: Medium, at: u64, end: u64) -> Window {
        Window { medium, at, end }
    }
}

impl Pieces for Window {
    fn left(&self) -> u64 {
        self.end.saturating_sub(self.at)
    }

    fn read(&mut self, most: usize) -> io::Result<Vec<u8>> {
        let mut out = vec![0; self.left().min(most as u64) as usize];
        let count = self.medium.read_at(&mut out, self.at)?;
        if count < out.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.at += count as u64;
        Ok(out)
    }
}
