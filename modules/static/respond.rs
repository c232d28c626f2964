//! The content handler: a URI's file becomes the answer.

use std::io::ErrorKind;
use std::rc::Rc;

use http::{Flow, Handler, Happening, Request, Template};
use mem::Str;
use proto::http1::Method;
use sys::log::{Level, errno};

use crate::entry::Entry;
use crate::stored::{self, Stored};
use crate::{CacheLimits, cache};

/// Serves the files of one location.
pub struct Files {
    pub links: Rc<Links>,
    pub cache: CacheLimits,
    pub etag: bool,
    pub ranges: bool,
    /// Files that are compressed already, the best coding first.
    pub stored: Box<[Stored]>,
}

/// Which links may be on the way to a file.
pub struct Links {
    pub symlinks: Symlinks,
    /// The part of paths in which links are trusted.
    pub from: Option<Template>,
}

impl Links {
    /// The rule for a path.
    pub fn rule(&self, request: &mut Request, path: &Str) -> sys::file::Symlinks {
        if self.symlinks == Symlinks::Follow {
            return sys::file::Symlinks::Follow;
        }
        let from = self.from.as_ref().map(|from| from.evaluate(request));
        // As nginx: it has to end where a name ends, `/a` is no part of `/ab`.
        let trusted = |from: &Str| {
            path.strip_prefix(&from[..])
                .is_some_and(|rest| rest.is_empty() || rest[0] == b'/' || from.ends_with(b"/"))
        };
        let from = from.filter(trusted).map_or(0, |from| from.len());
        match self.symlinks {
            Symlinks::IfOwnerMatches => sys::file::Symlinks::IfOwnerMatches { from },
            _ => sys::file::Symlinks::Refuse { from },
        }
    }
}

/// Which links may be on the way to a path here (`disable_symlinks`): for others who open files and directories.
pub fn links(request: &mut Request, path: &Str) -> sys::file::Symlinks {
    match request.kept::<Rc<Links>>() {
        Some(links) => links.rule(request, path),
        None => sys::file::Symlinks::Follow,
    }
}

/// `disable_symlinks`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symlinks {
    Follow,
    Refuse,
    IfOwnerMatches,
}

impl Handler for Files {
    fn handle(&self, request: &mut Request) -> Flow {
        match request.method {
            Method::Get | Method::Head | Method::Post => {}
            _ => return not_allowed(request),
        }
        if request.uri.ends_with(b"/") {
            return Flow::Declined;
        }
        let path = match request.map_path() {
            Ok(mapped) => mapped.path,
            Err(status) => return Flow::Status(status),
        };
        if !self.stored.is_empty() && self.answer_stored(request, &path) {
            return Flow::Respond;
        }
        let entry = match self.open(request, &path) {
            Ok(entry) => entry,
            Err(error) => return failed(request, &path, &error),
        };
        request.trace(Happening::CheckRequest(&path, entry.stat.size));
        if entry.stat.is_dir() {
            return add_slash(request);
        }
        if !entry.stat.is_file() {
            request.error(Level::Crit, format_args!("\"{path}\" is not a regular file"));
            return Flow::Status(404);
        }
        if request.method == Method::Post {
            return not_allowed(request);
        }
        self.answer(request, &entry);
        Flow::Respond
    }
}

impl Files {
    fn open(&self, request: &mut Request, path: &Str) -> std::io::Result<Entry> {
        if self.links.symlinks == Symlinks::Follow {
            let known = if self.cache.memory > 0 { cache::get(path) } else { None };
            return known.map_or_else(|| cache::open(path, self.cache), Ok);
        }
        // What a link on the way leads to may change without a trace: nothing is kept.
        let symlinks = self.links.rule(request, path);
        Entry::new(sys::file::open(path, symlinks)?)
    }

    /// Answers with the compressed one that the client likes best, if there is one that it may get.
    fn answer_stored(&self, request: &mut Request, path: &Str) -> bool {
        if !matches!(request.method, Method::Get | Method::Head) {
            return false;
        }
        stored::preferred(&self.stored, request).into_iter().any(|(stored, accepts)| {
            let Some(entry) = self.look(request, path, stored.suffix) else { return false };
            if !stored.always {
                request.depends_on_encoding();
            }
            if !accepts || !entry.stat.is_file() {
                return false;
            }
            self.answer(request, &entry);
            request.response.allow_ranges = false;
            let coding = Str::from_static(stored.coding.as_bytes());
            request.response.add_header("Content-Encoding", coding);
            true
        })
    }

    fn look(&self, request: &mut Request, path: &Str, suffix: &str) -> Option<Entry> {
        let path = request.pool.copy(&[path, suffix.as_bytes()].concat());
        match self.open(request, &path) {
            Ok(entry) => Some(entry),
            Err(error) => {
                use ErrorKind::{InvalidFilename, NotADirectory, NotFound};
                if !matches!(error.kind(), NotFound | NotADirectory | InvalidFilename) {
                    let why = format_args!("open() \"{path}\" failed {}", errno(&error));
                    request.error(Level::Crit, why);
                }
                None
            }
        }
    }

    fn answer(&self, request: &mut Request, entry: &Entry) {
        let content_type = request.location().settings.type_of(&request.uri).clone();
        let response = &mut request.response;
        response.status = 200;
        response.content_type = Some(content_type);
        response.content_length = Some(entry.stat.size);
        response.last_modified = Some(entry.stat.mtime.max(0) as u64);
        response.etag = self.etag.then(|| entry.etag.clone());
        response.allow_ranges = self.ranges;
        response.body.push(entry.body());
        response.file = !entry.in_memory();
    }
}

fn not_allowed(request: &mut Request) -> Flow {
    request.response.add_header("Allow", Str::from("GET, HEAD"));
    Flow::Status(405)
}

/// A directory is asked for without its slash: say how it is spelled.
fn add_slash(request: &mut Request) -> Flow {
    let (uri, args) = (request.uri.clone(), request.args.clone());
    let mut escaped = Vec::with_capacity(uri.len() + 1);
    proto::uri::escape(&uri, &mut escaped);
    request.response.location = Some(request.pool.write(|location| {
        location.push(&escaped);
        location.push(b"/");
        if !args.is_empty() {
            location.push(b"?");
            location.push(&args);
        }
    }));
    Flow::Status(301)
}

fn failed(request: &Request, path: &Str, error: &std::io::Error) -> Flow {
    let (status, level) = match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename => {
            (404, Level::Error)
        }
        ErrorKind::PermissionDenied => (403, Level::Error),
        _ if sys::file::is_link_refusal(error) => (403, Level::Error),
        // A NUL in the path cannot come from a URI: nothing is called that.
        ErrorKind::InvalidInput => (404, Level::Error),
        _ => (500, Level::Crit),
    };
    if status != 404 || request.location().settings.log_not_found {
        request.error(level, format_args!("open() \"{path}\" failed {}", errno(error)));
    }
    Flow::Status(status)
}
