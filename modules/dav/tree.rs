//! Files and trees on the disk. Symbolic links are not followed: where they lead is not ours to change.

use std::ffi::OsStr;
use std::fs::{self, File, FileTimes};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use http::Request;
use mem::Str;
use sys::unnamed::Unnamed;

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

/// Removes a directory with all that is in it: it is gone at once, or, if something in it cannot be removed, what is
/// left has its place again.
pub fn remove(path: &Path) -> Result<(), Refusal> {
    let aside = Aside::take(path)?;
    let place = aside.path().to_owned();
    let removed = fs::remove_dir_all(&place);
    aside.has_its_place();
    removed.map_err(|error| {
        let _ = fs::rename(&place, path);
        Refusal::of(&error, 404, "rmdir()", path)
    })
}

/// Copies a file with its mode and its date; the copy is there when it is complete.
pub fn copy_file(from: &Path, to: &Path) -> Result<(), Refusal> {
    let source = File::open(from).map_err(system("open()", from))?;
    let about = source.metadata().map_err(system("fstat()", from))?;
    if !about.is_file() {
        return Err(Refusal::new(403, format!("\"{}\" is not a regular file", from.display())));
    }
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

/// Copies what is in a directory into another one. As nginx: links and special files are left out.
pub fn copy_into(from: &Path, to: &Path) -> Result<(), Refusal> {
    for entry in fs::read_dir(from).map_err(system("opendir()", from))? {
        let entry = entry.map_err(system("readdir()", from))?;
        let kind = entry.file_type().map_err(system("lstat()", from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if kind.is_dir() {
            make_dir_like(&target, &source).map_err(system("mkdir()", &target))?;
            copy_into(&source, &target)?;
        } else if kind.is_file() {
            copy_file(&source, &target)?;
        }
    }
    Ok(())
}

/// Makes a directory with this mode, whatever the process's mask is.
pub fn make_dir(path: &Path, mode: u32) -> io::Result<()> {
    fs::DirBuilder::new().mode(0o700).create(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// The same with the mode of another one; its owner may fill it.
fn make_dir_like(path: &Path, like: &Path) -> io::Result<()> {
    make_dir(path, fs::metadata(like)?.permissions().mode() & 0o7777 | 0o700)
}

/// Something beside its place, under a name that nobody asks for. What was made here is removed when this is dropped;
/// what was there before is removed by [`Aside::remove`] alone.
pub struct Aside {
    path: PathBuf,
    removes: bool,
}

/// So many names are tried.
const TRIES: usize = 100;

impl Aside {
    fn name(path: &Path) -> PathBuf {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        path.with_file_name(format!(".rserve-{}-{number}.aside", sys::process::pid()))
    }

    /// A new directory beside `path`, with the mode of another one.
    pub fn make(path: &Path, like: &Path) -> Result<Aside, Refusal> {
        for _ in 0..TRIES {
            let aside = Aside::name(path);
            match make_dir_like(&aside, like) {
                Ok(()) => return Ok(Aside { path: aside, removes: true }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(Refusal::of(&error, 409, "mkdir()", path)),
            }
        }
        Err(Refusal::new(500, format!("no name is free beside \"{}\"", path.display())))
    }

    /// Takes what is at `path` away from there.
    pub fn take(path: &Path) -> Result<Aside, Refusal> {
        for _ in 0..TRIES {
            let aside = Aside::name(path);
            if fs::symlink_metadata(&aside).is_ok() {
                continue;
            }
            fs::rename(path, &aside).map_err(system("rename()", path))?;
            return Ok(Aside { path: aside, removes: false });
        }
        Err(Refusal::new(500, format!("no name is free beside \"{}\"", path.display())))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// It has been moved to where it belongs, or is somebody else's now.
    pub fn has_its_place(mut self) {
        self.removes = false;
    }

    /// Gives it its place again. Where that fails it stays where it is: it is not ours to lose.
    pub fn put_back(self, path: &Path) {
        if let Err(error) = fs::rename(&self.path, path) {
            let (from, to, errno) = (self.path.display(), path.display(), sys::log::errno(&error));
            sys::log!(
                Alert,
                "rename(\"{from}\", \"{to}\") failed {errno}: it is kept under the first name"
            );
        }
    }

    /// Removes it.
    pub fn remove(mut self) -> Result<(), Refusal> {
        self.removes = false;
        remove_any(&self.path).map_err(system("unlink()", &self.path))
    }
}

fn remove_any(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path)?.is_dir() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if self.removes {
            let _ = remove_any(&self.path);
        }
    }
}
