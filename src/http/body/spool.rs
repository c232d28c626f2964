//! A request's body, kept until somebody wants it: a short one in memory, a longer one in a file that has no name.

use std::io::Write;
use std::path::PathBuf;
use std::rc::Rc;

use mem::{Buf, Chain, Str};
use sys::unnamed::Unnamed;

use crate::body::Body;
use crate::error::Error;

/// So much is read at once.
const PIECE: usize = 64 << 10;

/// What has come of a body. It uses no more memory than its limit and one piece.
pub struct Spool {
    /// So many bytes stay in memory.
    limit: usize,
    /// Where the file is made.
    dir: PathBuf,
    memory: Vec<u8>,
    file: Option<Unnamed>,
    len: u64,
}

impl Spool {
    /// An empty one. `limit`: how much may stay in memory; `dir`: whose file system has room for the rest.
    pub fn new(limit: usize, dir: PathBuf) -> Spool {
        Spool { limit, dir, memory: Vec::new(), file: None, len: 0 }
    }

    /// Reads a body to its end. The error: the body's, or that of the file.
    pub async fn fill(&mut self, body: &mut Body) -> Result<(), Error> {
        loop {
            let before = self.memory.len();
            let more = body.read(&mut self.memory, PIECE).await?;
            self.len += (self.memory.len() - before) as u64;
            if self.memory.len() > self.limit || self.file.is_some() {
                self.write()?;
            }
            if !more {
                return Ok(());
            }
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
        let file = match self.file.take() {
            Some(file) => file,
            None => Unnamed::create(&self.dir)?,
        };
        let written = file.file().write_all(&self.memory);
        self.file = Some(file);
        self.memory.clear();
        Ok(written?)
    }

    /// As a body again.
    pub fn into_body(self) -> Result<Body, Error> {
        let mut chain = Chain::new();
        match self.file {
            Some(file) => chain.push(Buf::file(Rc::new(file.file().try_clone()?), 0, self.len)),
            None => chain.push_str(Str::from(self.memory)),
        }
        Ok(Body::Chain(chain))
    }

    /// As a file, whatever its length.
    pub fn into_file(mut self) -> Result<Unnamed, Error> {
        if self.file.is_none() || !self.memory.is_empty() {
            self.write()?;
        }
        self.file.ok_or_else(|| Error::invalid("there is no file"))
    }
}
