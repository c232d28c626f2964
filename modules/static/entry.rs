//! A file, opened: what an answer needs of it.

use std::fs::File;
use std::io;
use std::rc::Rc;

use mem::{Block, Buf, Str};
use sys::file::Stat;

/// An opened file, or the content of a small one.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it was when it was opened.
    pub stat: Stat,
    /// `"mtime-size"` in hexadecimal.
    pub etag: Str,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    Memory(Str),
    File(Rc<File>),
}

impl Entry {
    /// The entry of a file that is open. A regular one of at most `in_memory` bytes is read.
    pub fn new(file: File, in_memory: u64) -> io::Result<Entry> {
        let stat = sys::file::stat(&file)?;
        let etag = Str::from(format!("\"{:x}-{:x}\"", stat.mtime, stat.size));
        let content = match stat.is_file() && stat.size <= in_memory {
            true => read(file, &stat)?,
            false => Content::File(Rc::new(file)),
        };
        Ok(Entry { stat, etag, content })
    }

    /// Whether the content is in memory.
    pub fn in_memory(&self) -> bool {
        matches!(self.content, Content::Memory(_))
    }

    /// The whole content as a body.
    pub fn body(&self) -> Buf {
        match &self.content {
            Content::Memory(bytes) => Buf::memory(bytes.clone()).last(),
            Content::File(file) => Buf::file(file.clone(), 0, self.stat.size).last(),
        }
    }
}

/// Reads a small file. If it is being written to meanwhile, the window of the open file is used
/// instead: its length is checked as it is sent.
fn read(file: File, stat: &Stat) -> io::Result<Content> {
    let size = stat.size as usize;
    let mut block = Block::take(size);
    let count = sys::file::read_at(&file, &mut block.spare_mut()[..size], 0)?;
    block.advance(count);
    match count == size && sys::file::stat(&file)? == *stat {
        true => Ok(Content::Memory(Str::copy(block.filled()))),
        false => Ok(Content::File(Rc::new(file))),
    }
}
