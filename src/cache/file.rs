//! An answer's file: opened to be given out, written as it comes.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::Path;
use std::rc::Rc;

use mem::{Buf, Str};
use proto::cached::{self, Cached};
use proto::http1::{AnswerHead, Parsed, parse_answer};
use sys::unnamed::Unnamed;

use crate::key::Key;
use crate::life::Life;
use crate::state::blocks;

/// So much is read at once: most heads, and small answers as a whole.
const FIRST: usize = 8 << 10;

/// A stored answer. Times are seconds since 1970.
pub struct Stored {
    /// The text of its key.
    key: Str,
    /// Where the body begins in its file.
    from: u64,
    /// When it was stored.
    pub stored: u64,
    /// Until when it is valid.
    pub valid_until: u64,
    /// How long behind that it may be given out while it is being updated.
    pub stale_updating: u64,
    /// And where nobody answers.
    pub stale_error: u64,
    /// Of which variant it is; zeros: there are none.
    pub variant: [u8; 16],
    /// Names of fields that it varies with.
    pub vary: Vec<u8>,
    /// Its tags.
    pub tags: Vec<u8>,
    /// Its head, as offsets into `bytes`.
    pub head: AnswerHead,
    /// The bytes of that.
    pub bytes: Str,
    /// The length of the body.
    pub length: u64,
    /// The body.
    pub body: Buf,
}

impl Stored {
    /// Opens the file at a path. `None`: there is none. The error: it is none of a cache's, is of another key, or cannot be read.
    ///
    /// A body of at most `in_memory` bytes is read.
    pub fn open(path: &Path, key: &Key, in_memory: usize) -> io::Result<Option<Stored>> {
        let file = match sys::descriptors::retry(|| open(path, false)) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let (bytes, len) = read_head(&file)?;
        let cached = cached::parse(&bytes).map_err(invalid)?;
        if cached.key != &key.text[..] {
            return Err(io::Error::other("it is the answer to another key"));
        }
        if file.metadata()?.len() != len as u64 + cached.body {
            return Err(io::Error::other("it is not as long as it says"));
        }
        let mut head = AnswerHead::default();
        let parsed = parse_answer(cached.head, &mut head);
        if parsed.ok() != Some(Parsed::Complete) {
            return Err(io::Error::other("the answer in it has no head"));
        }
        // What has come with the head need not be read again.
        let is_here = bytes.len() as u64 == len as u64 + cached.body;
        let body = match is_here || cached.body <= in_memory as u64 {
            true => Buf::memory(body(&file, &bytes, len, cached.body as usize)?),
            false => Buf::file(Rc::new(file), len as u64, cached.body),
        };
        Ok(Some(Stored::of(&cached, head, body)))
    }

    fn of(cached: &Cached<'_>, head: AnswerHead, body: Buf) -> Stored {
        Stored {
            key: Str::copy(cached.key),
            from: cached.size() as u64,
            stored: cached.stored,
            valid_until: cached.valid_until,
            stale_updating: cached.stale_updating.into(),
            stale_error: cached.stale_error.into(),
            variant: cached.variant,
            vary: cached.vary.to_vec(),
            tags: cached.tags.to_vec(),
            head,
            bytes: Str::copy(cached.head),
            length: cached.body,
            body,
        }
    }

    /// Whether it is valid at a time. What is from the future is not: somebody has set the clock.
    pub fn is_valid(&self, now: u64) -> bool {
        const SLACK: u64 = 60;
        now < self.valid_until && self.stored <= now + SLACK
    }

    /// Whether it was valid less than so many seconds before a time.
    pub fn is_within(&self, seconds: u64, now: u64) -> bool {
        seconds > 0 && now < self.valid_until.saturating_add(seconds)
    }

    /// Whether it is the answer to a key.
    pub fn is_of(&self, key: &Key) -> bool {
        self.key == key.text
    }

    /// The blocks of its file.
    pub fn blocks(&self) -> u32 {
        blocks(self.from + self.length)
    }

    /// Whether its body is in a file that is open.
    pub fn is_open(&self) -> bool {
        !matches!(self.body, Buf::Memory(_))
    }

    /// Bytes of memory that it takes.
    pub fn cost(&self) -> usize {
        let body = if matches!(self.body, Buf::Memory(_)) { self.length as usize } else { 0 };
        size_of::<Stored>() + self.bytes.len() + body + self.head.fields.list.len() * 32
    }
}

/// The body, of which a part may have come with the head.
fn body(file: &File, bytes: &[u8], from: usize, len: usize) -> io::Result<Str> {
    let mut body = vec![0; len];
    let known = bytes.len().saturating_sub(from).min(len);
    body[..known].copy_from_slice(&bytes[from..from + known]);
    file.read_exact_at(&mut body[known..], (from + known) as u64)?;
    Ok(Str::from(body))
}

/// Reads the beginning; less than that is all there is.
fn read_first(file: &File, bytes: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read_at(bytes, 0) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn invalid(why: cached::NotCached) -> io::Error {
    io::Error::new(
        ErrorKind::InvalidData,
        match why {
            cached::NotCached::Foreign => "it is not one of this cache",
            cached::NotCached::Truncated => "it has an end too early",
            cached::NotCached::Damaged => "it is damaged",
        },
    )
}

/// A pipe in the way is not waited for, nor is a link followed.
fn open(path: &Path, write: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(write);
    options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC).open(path)
}

/// The head of a file, with what may have come behind it, and how long it is.
fn read_head(file: &File) -> io::Result<(Vec<u8>, usize)> {
    let mut bytes = vec![0; FIRST];
    let count = read_first(file, &mut bytes)?;
    bytes.truncate(count);
    let len = cached::length(&bytes).map_err(invalid)?;
    if bytes.len() < len {
        bytes.resize(len, 0);
        file.read_exact_at(&mut bytes[count..], count as u64)?;
    }
    Ok((bytes, len))
}

/// The bytes of the head of the file at a path, and what may have come behind them.
pub fn head(path: &Path) -> io::Result<Vec<u8>> {
    read_head(&open(path, false)?).map(|(bytes, _)| bytes)
}

/// Writes down that an answer was found to be valid still.
pub fn renew(path: &Path, life: Life, now: u64) -> io::Result<()> {
    let file = open(path, true)?;
    let (bytes, _) = read_head(&file)?;
    let cached = cached::parse(&bytes).map_err(invalid)?;
    let renewed = Cached {
        stored: now,
        valid_until: life.valid_until,
        stale_updating: life.stale_updating,
        stale_error: life.stale_error,
        ..cached
    };
    let mut head = Vec::with_capacity(renewed.size());
    renewed.render(&mut head);
    file.write_all_at(&head, 0)
}

/// Whether an error says that a file is of no use, and not that it cannot be read just now.
pub fn is_unusable(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::Other | ErrorKind::UnexpectedEof)
        || error.raw_os_error() == Some(libc::ELOOP)
}

/// Whether what is at a path is a file of a cache.
pub fn is_ours(path: &Path) -> bool {
    let mut magic = [0; 8];
    let Ok(file) = open(path, false) else { return false };
    read_first(&file, &mut magic).is_ok_and(|count| cached::is_ours(&magic[..count]))
}

/// The body in a file that is being written.
pub struct WrittenBody {
    file: Rc<File>,
    from: u64,
}

impl WrittenBody {
    /// A part of it, which was written before.
    pub fn part(&self, at: u64, len: u64) -> Buf {
        Buf::file(self.file.clone(), self.from + at, len)
    }
}

/// A file that is being written. It has no name before it is whole.
pub struct Writing {
    file: Unnamed,
    shared: Rc<File>,
    /// Where the body begins.
    from: u64,
    written: u64,
}

impl Writing {
    /// Begins one in a directory, whose head will have so many bytes.
    pub fn begin(directory: &Path, head: usize) -> io::Result<Writing> {
        let file = match Unnamed::create(directory) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
                Unnamed::create(directory)?
            }
            file => file?,
        };
        let shared = Rc::new(file.file().try_clone()?);
        Ok(Writing { file, shared, from: head as u64, written: 0 })
    }

    /// Appends a piece of the body.
    pub fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.file().write_all_at(bytes, self.from + self.written)?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// What is written of the body, to be read whatever becomes of it.
    pub fn written_body(&self) -> WrittenBody {
        WrittenBody { file: self.shared.clone(), from: self.from }
    }

    /// How much of the body is written.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// It is whole: gets its head, and its name. Gives its size.
    pub fn finish(self, path: &Path, cached: &Cached<'_>) -> io::Result<u64> {
        let mut head = Vec::with_capacity(cached.size());
        cached.render(&mut head);
        if head.len() as u64 != self.from || cached.body != self.written {
            return Err(io::Error::other("it is not what was begun"));
        }
        self.file.file().write_all_at(&head, 0)?;
        // Whoever made what has its name, it is not ours to replace.
        if fs::symlink_metadata(path).is_ok() && !is_ours(path) {
            return Err(io::Error::new(ErrorKind::AlreadyExists, "something else has its name"));
        }
        self.file.install(path)?;
        Ok(self.from + self.written)
    }
}
