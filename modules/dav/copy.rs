//! COPY and MOVE: a file, or a directory with all that is in it. The copy is made beside its place and then takes it.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use http::{Flow, Request};
use proto::http1::Method;

use crate::aside::{Aside, exchange};
use crate::destination::{destination, may_overwrite};
use crate::dir::remove_any;
use crate::refusal::{Refusal, depth, refuse_body};
use crate::tree::{self, path_of, path_of_uri};

/// The handler of COPY and MOVE.
pub async fn copy(request: &mut Request) -> Result<Flow, Refusal> {
    refuse_body(request)?;
    let to = destination(request)?;
    if request.uri.ends_with(b"/") != to.ends_with(b"/") {
        let why = "both URI and Destination URI should be either collections or non-collections";
        return Err(Refusal::new(409, why));
    }
    let moves = request.method == Method::Move;
    let depth = depth(request)?;
    match depth {
        None => {}
        Some(0) if !moves => {}
        Some(_) if moves => return Err(Refusal::new(400, "\"Depth\" header must be infinity")),
        Some(_) => return Err(Refusal::new(400, "\"Depth\" header must be 0 or infinity")),
    }
    let overwrite = may_overwrite(request)?;
    let (source, target) = (path_of(request)?, path_of_uri(request, &to)?);
    let is_collection = request.uri.ends_with(b"/");
    let job = Job { source, target, is_collection, overwrite, moves, deep: depth.is_none() };
    rt::offload(move || job.run()).await.map(Flow::Status)
}

/// What another thread does.
struct Job {
    source: PathBuf,
    target: PathBuf,
    is_collection: bool,
    overwrite: bool,
    moves: bool,
    deep: bool,
}

impl Job {
    /// The status that says what was done.
    fn run(self) -> Result<u16, Refusal> {
        let there = match fs::symlink_metadata(&self.target) {
            Ok(there) if there.is_dir() && !self.is_collection => {
                let why = format!("\"{}\" is a collection", self.target.display());
                return Err(Refusal::new(409, why));
            }
            Ok(_) if !self.overwrite => {
                let why = format!("\"{}\" could not be created: it exists", self.target.display());
                return Err(Refusal::new(412, why));
            }
            Ok(_) => true,
            Err(error) if error.kind() == ErrorKind::NotFound => false,
            Err(error) => return Err(Refusal::of(&error, 409, "lstat()", &self.target)),
        };
        let source = fs::symlink_metadata(&self.source);
        let source = source.map_err(|error| Refusal::of(&error, 404, "lstat()", &self.source))?;
        if source.is_dir() && !self.is_collection {
            let why = format!("\"{}\" is collection", self.source.display());
            return Err(Refusal::new(400, why));
        }
        if !source.is_dir() && self.is_collection {
            let why = format!("\"{}\" is not a collection", self.source.display());
            return Err(Refusal::new(404, why));
        }
        self.check_places()?;
        match source.is_dir() {
            true => self.run_dir(there).map(|()| 201),
            false => self.run_file().map(|()| 204),
        }
    }

    /// A tree in itself has no end, and a file on itself would be lost.
    fn check_places(&self) -> Result<(), Refusal> {
        let source = fs::canonicalize(&self.source).unwrap_or_else(|_| self.source.clone());
        let parent = self.target.parent().unwrap_or(Path::new("/"));
        let parent = fs::canonicalize(parent);
        let parent =
            parent.map_err(|error| Refusal::of(&error, 409, "realpath()", &self.target))?;
        let target = parent.join(self.target.file_name().unwrap_or_default());
        match target.starts_with(&source) || source.starts_with(&target) {
            true => {
                Err(Refusal::new(403, "the source and the destination are one, or in each other"))
            }
            false => Ok(()),
        }
    }

    fn run_file(&self) -> Result<(), Refusal> {
        if self.moves {
            match fs::rename(&self.source, &self.target) {
                Err(error) if error.kind() == ErrorKind::CrossesDevices => {}
                result => {
                    return result
                        .map_err(|error| Refusal::of(&error, 409, "rename()", &self.target));
                }
            }
        }
        tree::copy_file(&self.source, &self.target)?;
        match self.moves {
            // As nginx: 500, whatever the reason, and the copy stays.
            true => fs::remove_file(&self.source).map_err(|error| {
                Refusal::of(&error, 404, "unlink()", &self.source).with_status(500)
            }),
            false => Ok(()),
        }
        .map_err(|refusal| self.both_stand(refusal))
    }

    /// What is at the target stays until the new one is complete; never is there nothing.
    fn run_dir(&self, there: bool) -> Result<(), Refusal> {
        if there {
            tree::check_depth(&self.target)?;
        }
        if self.moves {
            match put(&self.source, &self.target, there) {
                // What was replaced has the source's name, but only for this moment: it is no place to write to.
                Ok(()) if there => {
                    return tree::take_away(&self.source).map_err(|refusal| {
                        refusal.noting("it has what was replaced, and could not be removed")
                    });
                }
                Err(error) if error.kind() == ErrorKind::CrossesDevices => {}
                result => return result.map_err(|error| self.not_put(&error)),
            }
        }
        let copied = self.copied()?;
        put(copied.path(), &self.target, there).map_err(|error| self.not_put(&error))?;
        match there {
            true => {
                // What was replaced has its name.
                let removed = remove_any(copied.path());
                removed.map_err(|error| Refusal::of(&error, 404, "rmdir()", copied.path()))?;
            }
            false => copied.leave(),
        }
        match self.moves {
            true => tree::remove(&self.source).map_err(|refusal| self.both_stand(refusal)),
            false => Ok(()),
        }
    }

    fn not_put(&self, error: &io::Error) -> Refusal {
        Refusal::of(error, 409, "rename()", &self.target)
    }

    /// A move has come to its end but for the source.
    fn both_stand(&self, refusal: Refusal) -> Refusal {
        let (source, target) = (self.source.display(), self.target.display());
        refusal.noting(&format!("\"{source}\" stays beside what it became, \"{target}\""))
    }

    /// A copy of the source beside the target.
    fn copied(&self) -> Result<Aside, Refusal> {
        let made = Aside::make(&self.target, &self.source);
        let aside = made.map_err(|error| Refusal::of(&error, 409, "mkdir()", &self.target))?;
        if self.deep {
            tree::copy_into(&self.source, aside.path())?;
        }
        Ok(aside)
    }
}

/// Puts a tree at its place; what was there is where the tree was.
fn put(from: &Path, to: &Path, there: bool) -> io::Result<()> {
    match there {
        true => exchange(from, to),
        false => fs::rename(from, to),
    }
}
