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
    /// The file is other threads' (`aio threads`).
    by_threads: bool,
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
        let (held, short) = (Chain::new(), Vec::new());
        Spool { limit, dir, by_threads: false, held, short, file: None, len: 0 }
    }

    /// Whether other threads make, write and end the file.
    pub fn by_threads(mut self, by_threads: bool) -> Spool {
        self.by_threads = by_threads;
        self
    }

    /// Reads a body to its end. The error: the body's, or that of the file.
    pub async fn fill(&mut self, body: &mut Body) -> Result<(), Error> {
        while let Some(mut piece) = body.next(PIECE).await? {
            self.len += piece.len();
            self.hold(&mut piece);
            let most = if self.file.is_some() { PIECE } else { self.limit.max(PIECE) };
            if self.held.len() + self.short.len() as u64 >= most as u64 {
                self.write().await?;
            }
        }
        self.settle();
        match self.held.len() > self.limit as u64 || self.file.is_some() {
            true => self.write().await,
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
    async fn write(&mut self) -> Result<(), Error> {
        self.settle();
        if self.by_threads {
            return self.write_elsewhere().await;
        }
        let file = match self.file.take() {
            Some(file) => file,
            None => Unnamed::create(&self.dir)?,
        };
        let written = write_all(&mut self.held, file.file());
        self.file = Some(file);
        written
    }

    /// The same by another thread, which is given a copy: what was read is this one's.
    async fn write_elsewhere(&mut self) -> Result<(), Error> {
        let mut bytes = Vec::with_capacity(self.held.len() as usize);
        while !self.held.is_empty() {
            read_chain(&mut self.held, &mut bytes, PIECE)?;
        }
        let (file, dir) = (self.file.take(), self.dir.clone());
        let work = move || {
            let file = file.map_or_else(|| Unnamed::create(&dir), Ok)?;
            let written = file.file().write_all(&bytes);
            Ok::<_, io::Error>((file, written))
        };
        let (file, written) = rt::offload(work).await?;
        self.file = Some(file);
        Ok(written?)
    }

    /// As it is: in memory, or in the file.
    pub fn into_chain(mut self) -> Result<Chain, Error> {
        let mut chain = Chain::new();
        match &self.file {
            Some(file) => {
                let file = Rc::new(file.file().try_clone()?);
                chain.push(Buf::file(file, 0, self.len));
            }
            None => chain.append(&mut self.held),
        }
        Ok(chain)
    }

    /// As a file, whatever its length.
    pub async fn into_file(mut self) -> Result<Unnamed, Error> {
        self.write().await?;
        self.file.take().ok_or_else(|| Error::invalid("there is no file"))
    }
}

impl Drop for Spool {
    /// Closing a file without a name frees its blocks, which may take a while.
    fn drop(&mut self) {
        if let Some(file) = self.file.take().filter(|_| self.by_threads) {
            drop(rt::offload(move || drop(file)));
        }
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
