//! From a URI to a file: `root` and `alias`.

use mem::Str;
use sys::log::Level;

use crate::location::Kind;
use crate::request::Request;

/// A file's path, and how much of it the configuration vouches for.
#[derive(Clone, Debug)]
pub struct MappedPath {
    /// The path.
    pub path: Str,
    /// Length of the part that came from `root` or `alias`.
    pub root_len: usize,
}

/// The path of `uri` in the request's location; the error is a status.
pub fn map(request: &mut Request, uri: &Str) -> Result<MappedPath, u16> {
    let location = request.location;
    let settings = &location.settings;
    let root = settings.root.evaluate(request);
    let (rest, regex_alias) = match (settings.alias, &location.kind) {
        (false, _) => (uri.clone(), false),
        (true, Kind::Regex(_)) => (Str::EMPTY, true),
        (true, _) => {
            let prefix = location.pattern.len();
            if request.uri_changed && !uri.starts_with(&location.pattern) {
                request.error(
                    Level::Alert,
                    format_args!(
                        "\"alias\" cannot be used in location \"{}\" where URI was rewritten",
                        location.pattern
                    ),
                );
                return Err(500);
            }
            (uri.slice(prefix.min(uri.len())..), false)
        }
    };
    let root = match (settings.root_relative, &settings.prefix) {
        (true, prefix) if !root.starts_with(b"/") => request.pool.write(|path| {
            path.push(prefix);
            path.push(b"/");
            path.push(&root);
        }),
        _ => root,
    };
    // A root's trailing slash is not doubled by the URI's leading one.
    let root = match root.strip_suffix(b"/") {
        Some(trimmed) if !settings.alias => root.slice(..trimmed.len()),
        _ => root,
    };
    if regex_alias {
        return Ok(MappedPath { root_len: root.len(), path: root });
    }
    let path = request.pool.write(|path| {
        path.push(&root);
        path.push(&rest);
    });
    Ok(MappedPath { root_len: root.len(), path })
}
