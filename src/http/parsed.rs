//! Small files that requests need as more than their bytes: users, keys. Each is read and parsed by another thread, and
//! again when it has changed.
//!
//! Whether it has changed is asked of the file for every request: by its size, its dates, its inode. Dates are as fine as the
//! kernel's clock ticks, so what was written to a moment before it was read may be written to again without a trace: it is
//! read again for each request until its dates are old enough.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::LocalKey;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lru::LruCache;
use sys::file::{Stat, Symlinks};

/// Files that are kept; of names with variables there may be any number.
const MOST: NonZeroUsize = NonZeroUsize::new(64).unwrap();
/// Dates that are so old tell of every change.
const SETTLED: Duration = Duration::from_secs(2);

/// Files that are parsed to a `T`.
pub struct Parsed<T> {
    parse: fn(&[u8]) -> T,
    known: RefCell<LruCache<Box<[u8]>, Known<T>>>,
}

struct Known<T> {
    stat: Stat,
    settled: bool,
    value: Arc<T>,
}

impl<T: Send + Sync + 'static> Parsed<T> {
    /// None yet.
    pub fn new(parse: fn(&[u8]) -> T) -> Parsed<T> {
        Parsed { parse, known: RefCell::new(LruCache::new(MOST)) }
    }

    /// What is known of a file, if it has not changed since. `None`: it is to be read. An error tells that there is none.
    pub fn known(&self, path: &[u8]) -> io::Result<Option<Arc<T>>> {
        let mut known = self.known.borrow_mut();
        let stat = match sys::file::stat_path(path) {
            Ok(stat) => stat,
            Err(error) => {
                known.pop(path);
                return Err(error);
            }
        };
        let same = known.get(path).filter(|known| known.settled && known.stat == stat);
        Ok(same.map(|known| known.value.clone()))
    }

    /// Reads a file of at most so many bytes, on another thread.
    pub async fn read(
        this: &'static LocalKey<Parsed<T>>,
        path: &[u8],
        longest: u64,
    ) -> io::Result<Arc<T>> {
        let path: Box<[u8]> = path.into();
        let parse = this.with(|this| this.parse);
        let there = path.clone();
        let (stat, settled, value) = rt::offload(move || load(&there, longest, parse)).await?;
        let known = Known { stat, settled, value: value.clone() };
        this.with(|this| this.known.borrow_mut().put(path, known));
        Ok(value)
    }
}

/// What a file was when it was read, whether it cannot have been written to since without a trace, and its value.
fn load<T>(path: &[u8], longest: u64, parse: fn(&[u8]) -> T) -> io::Result<(Stat, bool, Arc<T>)> {
    // By the clock of dates: one that jumps makes them new, or old ones of the future, which are not settled.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let file = sys::file::open(path, Symlinks::Follow)?;
    let stat = sys::file::stat(&file)?;
    if !stat.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let bytes = read(&file, longest)?;
    let is_old = |seconds: i64| {
        let date = Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX));
        date.checked_add(SETTLED).is_some_and(|date| date < now)
    };
    let settled = is_old(stat.ctime.0) && sys::file::stat(&file)? == stat;
    Ok((stat, settled, Arc::new(parse(&bytes))))
}

fn read(file: &File, longest: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(longest.saturating_add(1)).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > longest {
        true => Err(io::Error::other(format!("it has more than {longest} bytes"))),
        false => Ok(bytes),
    }
}
