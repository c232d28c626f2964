//! A request's body that is kept: for several who read it, and for `$request_body` and `$request_body_file`.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use mem::{Buf, Chain};
use sys::unix::Identity;

use crate::body::spool::Spool;
use crate::body::{Body, read_chain};
use crate::error::Error;

/// Where bodies lie that are kept in files (`client_body_temp_path`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// The directory.
    pub path: PathBuf,
    /// Digits of the names of directories in it, from the end of a file's number.
    pub levels: Vec<usize>,
}

/// Whether they are kept in files that have names (`client_body_in_file_only`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InFile {
    /// Long ones are, in files without.
    Off,
    /// And stay.
    On,
    /// And go with the request.
    Clean,
}

/// The body.
#[derive(Default)]
pub struct Kept {
    /// All of it, in memory or in a file.
    chain: Chain,
    file: Option<Named>,
}

/// A file with a name of its own.
struct Named {
    path: PathBuf,
    identity: Option<Identity>,
    goes: bool,
}

/// Digits of a file's number.
const DIGITS: u32 = 10;

impl Kept {
    /// Keeps a body: in memory up to `memory` bytes, or in a file.
    pub async fn fill(
        body: &mut Body,
        memory: usize,
        in_file: InFile,
        folder: &Folder,
    ) -> Result<Kept, Error> {
        let mut spool = Spool::new(memory, folder.path.clone());
        spool.fill(body).await?;
        if in_file == InFile::Off {
            return Ok(Kept { chain: spool.into_chain()?, file: None });
        }
        let (mut whole, mut bytes) = (spool.into_chain()?, Vec::new());
        let (file, path) = create(folder)?;
        let identity = file.metadata().ok().map(|found| Identity::from(&found));
        let named = Named { path, identity, goes: in_file == InFile::Clean };
        while !whole.is_empty() {
            bytes.clear();
            read_chain(&mut whole, &mut bytes, PIECE)?;
            io::Write::write_all(&mut &file, &bytes)?;
        }
        let len = file.metadata()?.len();
        let mut chain = Chain::new();
        chain.push(Buf::file(Rc::new(file), 0, len));
        Ok(Kept { chain, file: Some(named) })
    }

    /// It once more, to be read.
    pub fn body(&self) -> Body {
        Body::Chain(self.chain.slice(0, self.chain.len()))
    }

    /// Appends it, if it is in memory.
    pub fn write(&self, out: &mut Vec<u8>) -> bool {
        let in_memory = self.chain.iter().all(|buf| matches!(buf, Buf::Memory(_)));
        for buf in self.chain.iter().filter(|_| in_memory) {
            if let Buf::Memory(bytes) = buf {
                out.extend_from_slice(bytes);
            }
        }
        in_memory
    }

    /// The path of its file, if it has a name.
    pub fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(|named| &*named.path)
    }
}

/// So much is copied at once.
const PIECE: usize = 256 << 10;

/// A file that nobody has made before.
fn create(folder: &Folder) -> io::Result<(File, PathBuf)> {
    loop {
        let number = sys::random::number() % 10_u128.pow(DIGITS);
        let name = format!("{number:0width$}", width = DIGITS as usize);
        let (mut directory, mut end) = (folder.path.clone(), name.len());
        for digits in &folder.levels {
            directory.push(&name[end - digits..end]);
            end -= digits;
        }
        fs::create_dir_all(&directory)?;
        let path = directory.join(&name);
        match OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

impl Drop for Named {
    /// Only what was made here goes, not what has its name now.
    fn drop(&mut self) {
        if self.goes && Identity::of(&self.path).ok() == self.identity {
            let _ = fs::remove_file(&self.path);
        }
    }
}
