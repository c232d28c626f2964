//! A request's body, kept until somebody wants it: a short one in memory, a longer one in a file that has no name.

use std::fs::File;
use std::io::{self, IoSlice, Write};
use std::path::PathBuf;
use std::rc::Rc;

use mem::{Buf, Chain, Str};
use sys::unnamed::Unnamed;

use crate::body::{Body, read_chain};
use crate::error::Error;

/// So much is written at once.
const PIECE: usize = 256 << 10;
/// A piece that is shorter is copied: a buffer that it is a part of is not kept for it.
const SHORT: usize = 2 << 10;
/// Slices of one system call.
const SLICES: usize = 64;

/// What has come of a body. It uses no more memory than its limit, or a piece, and what is read at once.
pub struct Spool {
    /// So many bytes stay in memory.
    limit: usize,
    /// Where the file is made.
    dir: PathBuf,
    /// As it was read: what is long is not copied on its way to the file.
    held: Chain,
    /// What follows that, of short pieces: each would keep a buffer of its own.
    short: Vec<u8>,
    file: Option<Unnamed>,
    len: u64,
}

impl Spool {
    /// An empty one. `limit`: how much may stay in memory; `dir`: whose file system has room for the rest.
    pub fn new(limit: usize, dir: PathBuf) -> Spool {
        Spool { limit, dir, held: Chain::new(), short: Vec::new(), file: None, len: 0 }
    }

    /// Reads a body to its end. The error: the body's, or that of the file.
    pub async fn fill(&mut self, body: &mut Body) -> Result<(), Error> {
        while let Some(mut piece) = body.next(PIECE).await? {
            self.len += piece.len();
            self.hold(&mut piece);
            let most = if self.file.is_some() { PIECE } else { self.limit.max(PIECE) };
            if self.held.len() + self.short.len() as u64 >= most as u64 {
                self.write()?;
            }
        }
        self.settle();
        match self.held.len() > self.limit as u64 || self.file.is_some() {
            true => self.write(),
            false => Ok(()),
        }
    }

    fn hold(&mut self, piece: &mut Chain) {
        while let Some(buf) = piece.pop() {
            match &buf {
                Buf::Memory(bytes) if bytes.len() < SHORT => self.short.extend_from_slice(bytes),
                _ => {
                    self.settle();
                    self.held.push(buf);
                }
            }
        }
    }

    /// The short pieces become one.
    fn settle(&mut self) {
        if !self.short.is_empty() {
            self.held.push_str(Str::from(std::mem::take(&mut self.short)));
        }
    }

    /// Bytes that it has.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Writes what is in memory to the file.
    fn write(&mut self) -> Result<(), Error> {
        self.settle();
        let file = match self.file.take() {
            Some(file) => file,
            None => Unnamed::create(&self.dir)?,
        };
        let written = write_all(&mut self.held, file.file());
        self.file = Some(file);
        written
    }

    /// As a body again.
    pub fn into_body(self) -> Result<Body, Error> {
        let Some(file) = self.file else { return Ok(Body::Chain(self.held)) };
        let mut chain = Chain::new();
        chain.push(Buf::file(Rc::new(file.file().try_clone()?), 0, self.len));
        Ok(Body::Chain(chain))
    }

    /// As a file, whatever its length.
    pub fn into_file(mut self) -> Result<Unnamed, Error> {
        self.write()?;
        self.file.ok_or_else(|| Error::invalid("there is no file"))
    }
}

fn write_all(chain: &mut Chain, mut file: &File) -> Result<(), Error> {
    while !chain.is_empty() {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let count = match chain.memory_prefix(&mut slices, usize::MAX) {
            0 => {
                // A window of a file: what a source gives need not be in memory.
                let mut bytes = Vec::new();
                read_chain(chain, &mut bytes, PIECE)?;
                file.write_all(&bytes)?;
                continue;
            }
            count => count,
        };
        match file.write_vectored(&slices[..count]) {
            Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
            Ok(written) => chain.advance(written as u64),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
