//! What is beside its place: a tree that is not complete, or one that is on its way out.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sys::{hidden, rename};

use crate::dir::{make_dir_like, remove_any};

/// Something under a name that nobody asks for.
pub struct Aside {
    path: PathBuf,
    then: Then,
}

/// What becomes of it when it is dropped.
enum Then {
    /// It was made here: it is removed.
    Remove,
    /// It has stood at this place: it gets it again.
    GiveBack(PathBuf),
    /// It is somebody else's now.
    Leave,
}

const ENDING: &str = ".aside";

fn dir_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

impl Aside {
    /// A new directory beside `path`, with the mode of another one.
    pub fn make(path: &Path, like: &Path) -> io::Result<Aside> {
        let make = |aside: &Path| make_dir_like(aside, like);
        let ((), aside) = hidden::with_name(dir_of(path), ENDING, make)?;
        Ok(Aside { path: aside, then: Then::Remove })
    }

    /// Takes what is at `path` away from there.
    pub fn take(path: &Path) -> io::Result<Aside> {
        let take = |aside: &Path| rename::to_free_name(path, aside);
        let ((), aside) = hidden::with_name(dir_of(path), ENDING, take)?;
        Ok(Aside { path: aside, then: Then::GiveBack(path.to_owned()) })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// It has been moved to where it belongs, or is gone.
    pub fn leave(mut self) {
        self.then = Then::Leave;
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.then, Then::Leave) {
            Then::Remove => match remove_any(&self.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    let (path, errno) = (self.path.display(), sys::log::errno(&error));
                    sys::log!(Alert, "\"{path}\" could not be removed {errno}: it is nobody's");
                }
                _ => {}
            },
            Then::GiveBack(place) => {
                // Where that fails it stays where it is: it is not ours to lose.
                if let Err(error) = rename::to_free_name(&self.path, &place) {
                    kept(&self.path, &place, &error);
                }
            }
            Then::Leave => {}
        }
    }
}

fn kept(path: &Path, place: &Path, error: &io::Error) {
    let (from, to, errno) = (path.display(), place.display(), sys::log::errno(error));
    sys::log!(
        Alert,
        "rename(\"{from}\", \"{to}\") failed {errno}: it is kept under the first name"
    );
}

/// What is at `new` takes the place of what is at `old`, which is at `new` then.
pub fn exchange(new: &Path, old: &Path) -> io::Result<()> {
    match rename::exchange(new, old) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => by_turns(new, old),
        result => result,
    }
}

/// The same where the file system cannot do it at once: for a moment nothing is at `old`.
fn by_turns(new: &Path, old: &Path) -> io::Result<()> {
    let aside = Aside::take(old)?;
    fs::rename(new, old)?;
    let path = aside.path().to_owned();
    aside.leave();
    if let Err(error) = rename::to_free_name(&path, new) {
        kept(&path, new, &error);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory with two trees in it.
    fn stage(name: &str) -> (PathBuf, PathBuf, PathBuf) {
        let stage = std::env::temp_dir().join(format!("{name}-{}", sys::process::pid()));
        let _ = fs::remove_dir_all(&stage);
        let (new, old) = (stage.join("new"), stage.join("old"));
        for tree in [&new, &old] {
            fs::create_dir_all(tree).expect("a directory");
            fs::write(tree.join("file"), tree.as_os_str().as_encoded_bytes()).expect("a file");
        }
        (stage, new, old)
    }

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).expect("a directory").flatten();
        let mut names: Vec<_> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    fn text(tree: &Path) -> PathBuf {
        PathBuf::from(fs::read_to_string(tree.join("file")).expect("text"))
    }

    #[test]
    fn each_tree_gets_the_place_of_the_other() {
        for (name, swap) in [("at-once", exchange as fn(&Path, &Path) -> _), ("by-turns", by_turns)]
        {
            let (stage, new, old) = stage(name);
            swap(&new, &old).expect("exchanged");
            assert_eq!((text(&old), text(&new)), (new, old), "{name}");
            assert_eq!(names(&stage), ["new", "old"], "{name}");
            fs::remove_dir_all(stage).expect("removed");
        }
    }

    /// Between the turns the new one cannot be moved: what has stood there stands there again.
    #[test]
    fn what_was_taken_is_given_back() {
        let (stage, new, old) = stage("given-back");
        let missing = stage.join("missing");
        for swap in [exchange, by_turns] {
            let error = swap(&missing, &old).expect_err("there is nothing to put there");
            assert_eq!(error.kind(), io::ErrorKind::NotFound);
            assert_eq!(
                (text(&old), names(&stage)),
                (old.clone(), vec!["new".into(), "old".into()])
            );
        }
        // Whatever ends who has taken it, a panic for one.
        let aside = Aside::take(&old).expect("taken");
        assert!(!old.exists());
        drop(aside);
        assert_eq!(text(&old), old);
        // Its place is another's now: neither is lost.
        let aside = Aside::take(&old).expect("taken");
        let kept = aside.path().to_owned();
        fs::create_dir(&old).expect("a directory");
        drop(aside);
        assert_eq!((names(&old), text(&kept)), (vec![], old));
        assert_eq!(text(&new), new);
        fs::remove_dir_all(stage).expect("removed");
    }
}
