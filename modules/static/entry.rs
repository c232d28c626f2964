//! A file, opened: what an answer needs of it.

use std::fs::File;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use mem::{Block, Buf, Str};
use sys::file::Stat;

use crate::CacheLimits;

/// An opened file, or the content of a small one.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it was when it was opened.
    pub stat: Stat,
    /// `"mtime-size"` in hexadecimal.
    pub etag: Str,
    /// Whatever makes it another than this from now on shows in what `stat` says of it.
    pub lasting: bool,
    /// It would last, but for the file system, whose dates do not tell of every change.
    pub dateless: bool,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    Memory(Str),
    File(Rc<File>),
}

impl Entry {
    /// The entry of a file that is open, for one request.
    pub fn new(file: File) -> io::Result<Entry> {
        let stat = sys::file::stat(&file)?;
        let content = Content::File(Rc::new(file));
        Ok(Entry { stat, etag: etag(&stat), lasting: false, dateless: false, content })
    }

    /// The same to be kept for others. A small regular file is read.
    pub fn to_keep(file: File, limits: CacheLimits) -> io::Result<Entry> {
        let stat = sys::file::stat(&file)?;
        let small = stat.is_file() && stat.size <= limits.file;
        let settled = stat.is_file() && (!small || is_settled(&stat, limits.settle));
        let lasting = settled && sys::file::has_reliable_dates(&file);
        let content = match small {
            true => read(file, &stat, lasting)?,
            false => Content::File(Rc::new(file)),
        };
        Ok(Entry { stat, etag: etag(&stat), lasting, dateless: settled && !lasting, content })
    }

    /// Whether the content is in memory.
    pub fn in_memory(&self) -> bool {
        matches!(self.content, Content::Memory(_))
    }

    /// The whole content as a body.
    pub fn body(&self) -> Buf {
        match &self.content {
            Content::Memory(bytes) => Buf::memory(bytes.clone()),
            Content::File(file) => Buf::file(file.clone(), 0, self.stat.size),
        }
    }
}

fn etag(stat: &Stat) -> Str {
    Str::from(format!("\"{:x}-{:x}\"", stat.mtime, stat.size))
}

/// It has been left alone for `settle` milliseconds. A page that is written to by `mmap(2)` sets the dates
/// once, and again only after the kernel has written it back, which it does in half a minute
/// (`vm.dirty_expire_centisecs`); and two changes in quick succession may have one date.
fn is_settled(stat: &Stat, settle: u64) -> bool {
    let changed = Duration::from_secs(stat.ctime.0.max(0) as u64);
    let age = rt::wall().checked_sub(changed);
    age.is_some_and(|age| age >= Duration::from_millis(settle))
}

/// Reads a small file. If it is being written to meanwhile, the window of the open file is used
/// instead: its length is checked as it is sent. What does not last may be torn, as it is for whoever
/// reads such a file.
fn read(file: File, stat: &Stat, lasting: bool) -> io::Result<Content> {
    let size = stat.size as usize;
    let mut block = Block::take(size);
    let count = sys::file::read_at(&file, &mut block.spare_mut()[..size], 0)?;
    block.advance(count);
    match count == size && (!lasting || sys::file::stat(&file)? == *stat) {
        true => Ok(Content::Memory(Str::copy(block.filled()))),
        false => Ok(Content::File(Rc::new(file))),
    }
}
