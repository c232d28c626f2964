//! PUT: the body becomes a file, which is there when it is complete.

use std::fs::{self, FileTimes, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use conf::Access;
use http::{Cause, ErrorPhase, Flow, Request, Spool};
use sys::unnamed::Unnamed;

use crate::conf::Rules;
use crate::refusal::Refusal;
use crate::tree::path_of;

/// The handler of PUT.
pub async fn put(rules: &Rules, request: &mut Request) -> Result<Flow, Refusal> {
    if request.uri.ends_with(b"/") {
        return Err(Refusal::new(409, "cannot PUT to a collection"));
    }
    if request.headers_named("content_range").next().is_some() {
        return Err(Refusal::new(501, "PUT with range is unsupported"));
    }
    let path = path_of(request)?;
    let dir = path.parent().map(Path::to_owned).unwrap_or_default();
    let there = dir.ancestors().find(|dir| dir.is_dir()).map(Path::to_owned).unwrap_or_default();
    if there != dir && !rules.create_full_put_path {
        let why = format!("the directory \"{}\" does not exist", dir.display());
        return Err(Refusal::new(409, why));
    }
    let existed = match fs::symlink_metadata(&path) {
        Ok(there) if there.is_dir() => {
            let why = format!("\"{}\" could not be created: it is a directory", path.display());
            return Err(Refusal::new(409, why));
        }
        found => found.is_ok(),
    };
    let settings = &request.location().settings;
    let (memory, elsewhere) = (settings.client_body_buffer_size as usize, settings.aio_threads);
    let mut spool = Spool::new(memory, there).by_threads(elsewhere);
    let filled = spool.fill(&mut request.take_body()).await;
    let failed = |error: http::Error| match error {
        http::Error { phase: ErrorPhase::Answer, cause: Cause::Io(error) } => {
            Refusal::of(&error, 409, "open() or write()", &path)
        }
        error => {
            Refusal::new(error.status(), format!("\"{}\" is not written: {error}", path.display()))
        }
    };
    filled.map_err(failed)?;
    let file = spool.into_file().await.map_err(failed)?;
    let date = request.headers_named("date").next().and_then(proto::date::parse);
    let complete = Complete { file, access: rules.access, date };
    rt::offload_if(elsewhere, move || complete.install(&path)).await?;
    request.response.set_empty(if existed { 204 } else { 201 });
    if !existed {
        tell_location(request);
    }
    Ok(Flow::Respond)
}

/// A body that has come, and what becomes of it.
struct Complete {
    file: Unnamed,
    access: Access,
    /// Seconds since 1970.
    date: Option<u64>,
}

impl Complete {
    /// Gives it its place, and makes that first.
    fn install(self, path: &Path) -> Result<(), Refusal> {
        let system = |what| move |error| Refusal::of(&error, 409, what, path);
        let file = self.file.file();
        file.set_permissions(Permissions::from_mode(self.access.file()))
            .map_err(system("fchmod()"))?;
        if let Some(date) = self.date {
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(date);
            let times = FileTimes::new().set_modified(time).set_accessed(time);
            file.set_times(times).map_err(system("futimens()"))?;
        }
        let dir = path.parent().unwrap_or(Path::new("/"));
        let made = sys::folder::make_with(dir, self.access.directory());
        let made = made.map_err(|error| Refusal::of(&error, 409, "mkdir()", dir))?;
        self.file.install(path).map_err(|error| {
            made.iter().rev().for_each(|dir| drop(fs::remove_dir(dir)));
            system("rename()")(error)
        })
    }
}

/// Where what was made is.
pub fn tell_location(request: &mut Request) {
    let mut escaped = Vec::new();
    proto::uri::escape(&request.uri, &mut escaped);
    request.response.location = Some(request.pool.copy(&escaped));
}
