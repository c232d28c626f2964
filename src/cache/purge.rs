//! Answers that nobody is to get any more: of one key, of all keys that begin alike, of a tag.

use std::fs;
use std::path::{Path, PathBuf};

use proto::cached::{self, Cached};
use sys::clock::monotonic_ms;

use crate::file;
use crate::key::{self, Digest16, Key};
use crate::zone::Zone;

/// So many are purged in one turn; then others have theirs.
const TURN: usize = 50;

/// Which of many answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those with this key, whatever their variants.
    Key(Vec<u8>),
    /// Those whose keys begin so.
    Prefix(Vec<u8>),
    /// Those with one of these tags.
    Tags(Vec<Vec<u8>>),
}

impl Which {
    fn is(&self, cached: &Cached<'_>) -> bool {
        match self {
            Which::Key(key) => cached.key == key,
            Which::Prefix(prefix) => cached.key.starts_with(prefix),
            Which::Tags(tags) => {
                let mut own = cached.tags.split(|&byte| byte == b' ');
                own.any(|one| tags.iter().any(|tag| tag == one))
            }
        }
    }
}

impl Zone {
    /// Purges the answer to a key, all of its variants. `true`: there was one.
    pub async fn purge(&self, key: &Key) -> bool {
        let path = self.file(&key.digest);
        // The answer that has told of the others may be gone.
        if self.is_cold() || self.index().is_some_and(|index| index.is_varied()) {
            // It may be at hand, though its file is gone.
            let was_there = self.purge_one(&key.digest, &path);
            return self.purge_many(Which::Key(key.text.to_vec())).await > 0 || was_there;
        }
        self.purge_one(&key.digest, &path)
    }

    fn purge_one(&self, digest: &Digest16, path: &Path) -> bool {
        let was_there =
            self.index().is_some_and(|index| index.purge(digest)) || file::is_ours(path);
        self.kept.borrow_mut().remove(digest);
        if was_there {
            crate::zone::delete(path);
        }
        was_there
    }

    /// Purges many, and gives how many there were. All files are read for that, on another thread. When it is done, none of them is
    /// given out that was there when it began, and none is stored that was being fetched.
    pub async fn purge_many(&self, which: Which) -> usize {
        if let Some(index) = self.index() {
            index.purge_many(monotonic_ms());
        }
        let (path, levels) = (self.settings.path.clone(), self.settings.levels.clone());
        let found = rt::offload(move || {
            let mut found = Vec::new();
            walk(&path, &levels, &mut |path, digest| {
                if read(path, |cached| which.is(cached)) == Some(true) {
                    found.push(digest);
                }
            });
            found
        });
        let (found, mut count): (Vec<Digest16>, usize) = (found.await, 0);
        for some in found.chunks(TURN) {
            count += some.iter().filter(|one| self.purge_one(one, &self.file(one))).count();
            rt::yield_now().await;
        }
        count
    }
}

/// All files of a cache's directory.
fn walk(path: &Path, levels: &[usize], each: &mut impl FnMut(&Path, Digest16)) {
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        let path: PathBuf = entry.path();
        match levels.split_first() {
            Some((&digits, rest)) => {
                let is_level = crate::loader::is_level(&entry, digits);
                if is_level {
                    walk(&path, rest, each);
                }
            }
            None => {
                if let Some(digest) = entry.file_name().to_str().and_then(key::of_name) {
                    each(&path, digest);
                }
            }
        }
    }
}

/// What is asked of the head of a file; `None`: it has none.
fn read<T>(path: &Path, ask: impl FnOnce(&Cached<'_>) -> T) -> Option<T> {
    let bytes = file::head(path).ok()?;
    cached::parse(&bytes).ok().map(|cached| ask(&cached))
}
