//! What another thread does with the file: steps, in order.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;

use super::open::{Failed, at};

/// Work on what is there already.
pub type Edit = Box<dyn FnOnce(&File) -> Result<(), Failed> + Send>;

/// Work that makes it longer: it gives its length.
pub type Extend = Box<dyn FnOnce(&File) -> Result<u64, Failed> + Send>;

/// One step of a job.
pub enum Step {
    /// One piece in one buffer, or its beginning in one and the rest in another.
    Append {
        /// Where it goes.
        at: u64,
        /// Its beginning.
        bytes: Vec<u8>,
        /// Its rest.
        rest: Vec<u8>,
    },
    /// Something is done to what is there.
    Edit(Edit),
    /// It is made longer.
    Extend(Extend),
    /// It is cut.
    Truncate(u64),
    /// It outlives a loss of power.
    Sync,
    /// It gets another name.
    Rename(PathBuf),
}

/// What a job has done.
pub struct Done {
    /// Where the file is now.
    pub path: PathBuf,
    /// The end of what was appended, if something was; a cut counts.
    pub end: Option<u64>,
    /// What could not be done: then all behind it was not, either.
    pub failed: Option<Failed>,
    /// Another file, or none, is at its path.
    pub replaced: bool,
    /// The file's device and inode.
    pub id: Option<(u64, u64)>,
    /// What was written, to be used again.
    pub spare: Vec<Vec<u8>>,
}

/// Does a job, in another thread.
pub fn run(file: &File, path: PathBuf, id: Option<(u64, u64)>, steps: Vec<Step>) -> Done {
    let of = |about: fs::Metadata| (about.dev(), about.ino());
    let id = id.or_else(|| file.metadata().map(of).ok());
    let mut done = Done { path, end: None, failed: None, replaced: false, id, spare: Vec::new() };
    for step in steps {
        if let Err(failed) = one(file, &mut done, step) {
            done.failed = Some(failed);
            break;
        }
    }
    let here = fs::symlink_metadata(&done.path).map(of).ok();
    done.replaced = here.is_none() || here != done.id;
    done
}

fn one(file: &File, done: &mut Done, step: Step) -> Result<(), Failed> {
    match step {
        Step::Append { at: mut end, bytes, rest } => {
            for buffer in [bytes, rest] {
                at("write", file.write_all_at(&buffer, end))?;
                end += buffer.len() as u64;
                done.spare.push(buffer);
            }
            done.end = Some(end);
        }
        Step::Edit(edit) => edit(file)?,
        Step::Extend(extend) => done.end = Some(extend(file)?),
        Step::Truncate(len) => {
            at("ftruncate", file.set_len(len))?;
            done.end = Some(len);
        }
        Step::Sync => at("fsync", file.sync_data())?,
        Step::Rename(to) => {
            at("rename", fs::rename(&done.path, &to))?;
            done.path = to;
        }
    }
    Ok(())
}
