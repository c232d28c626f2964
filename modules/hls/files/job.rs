//! What other threads do: files are written, listed, removed.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Whether another process has nothing to do with the files, as far as is known now. Whoever takes them over says so before it
/// writes the first.
pub type Ours<'a> = &'a dyn Fn() -> bool;

/// One step; steps are done in order.
pub enum Step {
    /// The directory is there; one that is made has this mode.
    Directory(PathBuf, u32),
    /// A file has these bytes, whole from its first moment on.
    Write {
        /// Where.
        path: PathBuf,
        /// What.
        bytes: Vec<u8>,
        /// If a file of this length is there, it is the one.
        keep: bool,
        /// Its rights.
        mode: u32,
    },
    /// A file is gone.
    Remove(PathBuf),
    /// The journal has lines for these files: before they are there.
    Note(PathBuf, Vec<PathBuf>),
    /// Of the files of a journal, as far as they are in these directories, some are kept, and the others are gone; with none
    /// the journal is gone, too.
    Keep {
        /// The journal.
        journal: PathBuf,
        /// The directories.
        directories: Vec<PathBuf>,
        /// The files.
        kept: BTreeSet<PathBuf>,
        /// Not if somebody has written to the journal since: then the files are theirs.
        unless_since: Option<SystemTime>,
    },
}

/// What became of steps: all were done, or the file that the first one was about that failed; and the memory of what was written.
pub type Done = (Result<(), (PathBuf, io::Error)>, Vec<Vec<u8>>);

/// Does all steps; stops at the first that fails, and when the files are another's.
pub fn run(steps: Vec<Step>, is_ours: Ours<'_>) -> Done {
    let mut buffers = Vec::new();
    let mut ours = steps.into_iter().take_while(|_| is_ours());
    let done = ours.try_for_each(|step| one(step, is_ours, &mut buffers));
    (done, buffers)
}

fn one(
    step: Step,
    is_ours: Ours<'_>,
    buffers: &mut Vec<Vec<u8>>,
) -> Result<(), (PathBuf, io::Error)> {
    match step {
        Step::Directory(path, mode) => {
            sys::folder::make_with(&path, mode).map(drop).map_err(|error| (path, error))
        }
        Step::Write { path, bytes, keep, mode } => {
            let written = match keep && has_length(&path, bytes.len() as u64) {
                true => Ok(()),
                false => write(&path, &bytes, mode, is_ours),
            };
            buffers.push(bytes);
            written.map_err(|error| (path, error))
        }
        Step::Remove(path) => remove(path),
        Step::Note(journal, paths) => note(&journal, &paths).map_err(|error| (journal, error)),
        Step::Keep { journal, directories, kept, unless_since } => {
            keep(journal, &directories, &kept, unless_since, is_ours)
        }
    }
}

fn remove(path: PathBuf) -> Result<(), (PathBuf, io::Error)> {
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err((path, error)),
        _ => Ok(()),
    }
}

/// No journal of ours is longer.
const MOST_NOTED: u64 = 64 << 20;

/// The lines for files in a journal: those beside it by their names.
fn lines<'a>(journal: &Path, paths: impl IntoIterator<Item = &'a PathBuf>) -> Vec<u8> {
    let beside = journal.parent().unwrap_or(Path::new(""));
    let mut lines = Vec::new();
    for path in paths {
        lines.extend_from_slice(path.strip_prefix(beside).unwrap_or(path).as_os_str().as_bytes());
        lines.push(b'\n');
    }
    lines
}

/// The journal, for one at a time: whoever holds it sees what the others have written, and they what it has. A link, a
/// directory, a pipe in its place is an error.
fn locked(journal: &Path, create: bool) -> io::Result<fs::File> {
    loop {
        let mut options = fs::OpenOptions::new();
        options.read(true).append(true).create(create).mode(0o600);
        options.custom_flags(sys::file::NOFOLLOW | sys::file::NONBLOCK);
        let file = options.open(journal)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("this is no regular file"));
        }
        sys::lock::exclusive(&file, true)?;
        let inode = file.metadata()?.ino();
        // It may have been replaced, or removed, meanwhile.
        if fs::symlink_metadata(journal).is_ok_and(|here| here.ino() == inode) {
            return Ok(file);
        }
    }
}

fn note(journal: &Path, paths: &[PathBuf]) -> io::Result<()> {
    let mut file = locked(journal, true)?;
    // A full disk may have left a line without its end.
    file.write_all(&[b"\n", &lines(journal, paths)[..]].concat())
}

fn keep(
    journal: PathBuf,
    directories: &[PathBuf],
    kept: &BTreeSet<PathBuf>,
    unless_since: Option<SystemTime>,
    is_ours: Ours<'_>,
) -> Result<(), (PathBuf, io::Error)> {
    let lock = match locked(&journal, unless_since.is_none()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        lock => lock.map_err(|error| (journal.clone(), error))?,
    };
    let written = lock.metadata().and_then(|about| about.modified()).ok();
    let is_theirs = unless_since.is_some_and(|since| written.is_none_or(|it| it >= since));
    if is_theirs || !is_ours() {
        return Ok(());
    }
    let noted = noted(&lock, &journal).map_err(|error| (journal.clone(), error))?;
    // Whatever it says: nothing is removed elsewhere.
    let is_near = |path: &PathBuf| {
        path.file_name().is_some()
            && directories.iter().any(|directory| path.parent() == Some(directory))
    };
    let gone = noted.into_iter().filter(|path| is_near(path) && !kept.contains(path));
    gone.flat_map(|path| [unfinished(&path), path]).try_for_each(remove)?;
    if kept.is_empty() {
        return remove(journal);
    }
    write(&journal, &lines(&journal, kept), 0o600, is_ours).map_err(|error| (journal, error))
}

/// The files that a journal tells of. A line that a power cut has left without its end is none.
fn noted(mut file: &fs::File, journal: &Path) -> io::Result<Vec<PathBuf>> {
    let mut text = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(MOST_NOTED).read_to_end(&mut text)?;
    let beside = journal.parent().unwrap_or(Path::new(""));
    let lines = text.split_inclusive(|&byte| byte == b'\n');
    let lines = lines.filter_map(|line| line.strip_suffix(b"\n")).filter(|line| !line.is_empty());
    Ok(lines.map(|line| beside.join(OsStr::from_bytes(line))).collect())
}

fn has_length(path: &Path, len: u64) -> bool {
    fs::symlink_metadata(path).is_ok_and(|known| known.is_file() && known.len() == len)
}

/// Under another name first: whoever reads the file has all of it, or what was there before.
fn write(path: &Path, bytes: &[u8], mode: u32, is_ours: Ours<'_>) -> io::Result<()> {
    let other = unfinished(path);
    // Held until it has its name: a worker that goes may write the same file still.
    let mut file = own(&other, mode)?;
    // Asked while it is held: what its successor writes comes later, and stays.
    if !is_ours() {
        return fs::remove_file(&other);
    }
    let written = file.write_all(bytes);
    written.and_then(|()| fs::rename(&other, path)).inspect_err(|_| {
        let _ = fs::remove_file(&other);
    })
}

/// What a file is called until it is whole: as nobody else calls theirs. What a crash has left of that name goes with the file, or
/// when it is written again.
fn unfinished(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default();
    path.with_file_name([OsStr::new("."), name, OsStr::new(".rserve")].join(OsStr::new("")))
}

/// A new file that nobody else writes, locked. Who writes one of that name is waited for; what a killed worker has left goes.
fn own(path: &Path, mode: u32) -> io::Result<fs::File> {
    let is_there = |file: &fs::File| {
        let inode = file.metadata()?.ino();
        io::Result::Ok(fs::symlink_metadata(path).is_ok_and(|here| here.ino() == inode))
    };
    loop {
        match fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path) {
            Ok(file) => {
                sys::lock::exclusive(&file, true)?;
                if is_there(&file)? {
                    return Ok(file);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let flags = sys::file::NOFOLLOW | sys::file::NONBLOCK;
                match fs::OpenOptions::new().read(true).custom_flags(flags).open(path) {
                    Ok(file) => {
                        sys::lock::exclusive(&file, true)?;
                        if is_there(&file)? {
                            fs::remove_file(path)?;
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
#[path = "job_tests.rs"]
mod tests;
