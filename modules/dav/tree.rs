//! Files and trees on the disk. Symbolic links are not followed: where they lead is not ours to change.

use std::ffi::OsStr;
use std::fs::{self, FileTimes, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use http::Request;
use mem::Str;
use sys::unnamed::Unnamed;

use crate::aside::Aside;
use crate::dir::{make_dir_like, remove_any};
use crate::refusal::Refusal;

/// The file that a request is for, without a slash at its end.
pub fn path_of(request: &mut Request) -> Result<PathBuf, Refusal> {
    let uri = request.uri.clone();
    path_of_uri(request, &uri)
}

/// The file that another URI would be for here.
pub fn path_of_uri(request: &mut Request, uri: &Str) -> Result<PathBuf, Refusal> {
    let mapped = request.map_uri(uri);
    let mapped =
        mapped.map_err(|status| Refusal::new(status, format!("\"{uri}\" has no file here")))?;
    let path = &mapped.path[..];
    let end = path.iter().rposition(|&byte| byte != b'/').map_or(1, |at| at + 1);
    Ok(PathBuf::from(OsStr::from_bytes(&path[..end])))
}

fn system<'a>(what: &'a str, path: &'a Path) -> impl FnOnce(io::Error) -> Refusal + 'a {
    move |error| Refusal::of(&error, 404, what, path)
}

/// So deep is a tree at most that is copied or removed: whoever removes it has each level of it open.
const DEEPEST: usize = 100;

/// RFC 4918 §11.5: it is more than is kept of such here.
fn too_deep(path: &Path) -> Refusal {
    let path = path.display();
    Refusal::new(507, format!("\"{path}\" is deeper than {DEEPEST} directories in each other"))
}

/// Looks whether a tree is one that may be removed.
pub fn check_depth(path: &Path) -> Result<(), Refusal> {
    // Of a link only the link would go.
    if !fs::symlink_metadata(path).is_ok_and(|about| about.is_dir()) {
        return Ok(());
    }
    let mut left = vec![(path.to_owned(), 1)];
    while let Some((dir, depth)) = left.pop() {
        if depth > DEEPEST {
            return Err(too_deep(&dir));
        }
        // If it cannot be read, its removal reports the error.
        for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                left.push((entry.path(), depth + 1));
            }
        }
    }
    Ok(())
}

/// Removes what is at a path, a directory with all that is in it: it is gone at once, or, if something in it cannot be
/// removed, what is left has its place again.
pub fn remove(path: &Path) -> Result<(), Refusal> {
    check_depth(path)?;
    take_away(path)
}

/// The same of a tree of which it is known that it is not too deep.
pub fn take_away(path: &Path) -> Result<(), Refusal> {
    let aside = Aside::take(path).map_err(system("rename()", path))?;
    remove_any(aside.path()).map_err(system("rmdir()", path))?;
    aside.leave();
    Ok(())
}

/// Copies a file with its mode and its date; the copy is there when it is complete. A link is followed.
pub fn copy_file(from: &Path, to: &Path) -> Result<(), Refusal> {
    copy_regular(from, to, 0)
}

/// The same; `flags` are those of `open(2)`. What is no regular file is not even opened: that alone may do something to
/// a device. Should it become one just then, nobody waits for it.
fn copy_regular(from: &Path, to: &Path, flags: i32) -> Result<(), Refusal> {
    let regular = |about: &fs::Metadata| match about.is_file() {
        true => Ok(()),
        false => Err(Refusal::new(403, format!("\"{}\" is not a regular file", from.display()))),
    };
    regular(&fs::metadata(from).map_err(system("stat()", from))?)?;
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(flags | sys::file::NONBLOCK);
    let source = options.open(from).map_err(system("open()", from))?;
    let about = source.metadata().map_err(system("fstat()", from))?;
    regular(&about)?;
    let dir = to.parent().unwrap_or(Path::new("/"));
    let missing = |error: io::Error| Refusal::of(&error, 409, "open()", to);
    let copy = Unnamed::create(dir).map_err(missing)?;
    io::copy(&mut &source, &mut copy.file()).map_err(system("write()", to))?;
    copy.file().set_permissions(about.permissions()).map_err(system("fchmod()", to))?;
    if let Ok(modified) = about.modified() {
        let times = FileTimes::new().set_modified(modified);
        copy.file().set_times(times).map_err(system("futimens()", to))?;
    }
    copy.install(to).map_err(system("rename()", to))
}

/// Copies what is in a directory into another one. As nginx: special files are left out, and links, too. However deep it
/// is, one directory is open at a time.
pub fn copy_into(from: &Path, to: &Path) -> Result<(), Refusal> {
    let mut left = vec![(from.to_owned(), to.to_owned(), 1)];
    while let Some((from, to, depth)) = left.pop() {
        if depth > DEEPEST {
            return Err(too_deep(&from));
        }
        for entry in fs::read_dir(&from).map_err(system("opendir()", &from))? {
            let entry = entry.map_err(system("readdir()", &from))?;
            let kind = entry.file_type().map_err(system("lstat()", &from))?;
            let (source, target) = (entry.path(), to.join(entry.file_name()));
            if kind.is_dir() {
                make_dir_like(&target, &source).map_err(system("mkdir()", &target))?;
                left.push((source, target, depth + 1));
            } else if kind.is_file() {
                copy_regular(&source, &target, sys::file::NOFOLLOW)?;
            }
        }
    }
    Ok(())
}
