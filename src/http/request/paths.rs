//! From a URI to a file: `root` and `alias`.

use mem::Str;
use sys::log::Level;

use super::Request;
use crate::block::settings::Alias;

/// A file's path, and how much of it the configuration vouches for.
#[derive(Clone, Debug)]
pub struct MappedPath {
    /// The path.
    pub path: Str,
    /// Length of the part that came from `root` or `alias`.
    pub root_len: usize,
}

impl Request {
    /// The value of `root` or `alias` here.
    pub fn root(&self) -> Vec<u8> {
        let mut root = Vec::new();
        write_root(self, &mut root);
        root
    }

    /// The file that the URI stands for here.
    pub fn map_path(&mut self) -> Result<MappedPath, u16> {
        let uri = self.uri.clone();
        map(self, &uri)
    }

    /// The file that another URI would stand for here.
    pub fn map_uri(&mut self, uri: &Str) -> Result<MappedPath, u16> {
        map(self, uri)
    }
}

/// The path of `uri` in the request's location; the error is a status.
pub fn map(request: &mut Request, uri: &Str) -> Result<MappedPath, u16> {
    let mut path = std::mem::take(&mut request.scratch);
    path.clear();
    let root_len = write(request, uri, &mut path);
    let mapped = root_len.map(|root_len| MappedPath { path: request.pool.copy(&path), root_len });
    request.scratch = path;
    mapped
}

/// Appends the path of `uri` to an empty `path` and gives the length of its trusted part.
pub fn write(request: &Request, uri: &[u8], path: &mut Vec<u8>) -> Result<usize, u16> {
    write_root(request, path);
    if request.location().words.root.climbs(path) {
        return Err(climbs(request, path));
    }
    let rest = match &request.location().settings.alias {
        None => {
            // A root's trailing slash is not doubled by the URI's leading one.
            if path.ends_with(b"/") {
                path.pop();
            }
            uri
        }
        Some(_) if request.broke_off => return Err(rewritten(request)),
        // The expression's captures make the whole path.
        Some(Alias::Whole) if !request.below_alias => return Ok(path.len()),
        Some(Alias::Whole) => uri,
        Some(Alias::Prefix(prefix)) => match uri.strip_prefix(&prefix[..]) {
            // Of `/img../x` in a location `/img` the rest is no path below the alias.
            Some(rest) if path.ends_with(b"/") && (rest.starts_with(b"../") || rest == b"..") => {
                return Err(climbs(request, uri));
            }
            Some(rest) => rest,
            None => return Err(rewritten(request)),
        },
    };
    let root_len = path.len();
    path.extend_from_slice(rest);
    Ok(root_len)
}

/// The answer where it is not known which part of the URI an alias replaces.
fn rewritten(request: &Request) -> u16 {
    let pattern = &request.location().pattern;
    let message =
        format_args!("\"alias\" cannot be used in location \"{pattern}\" where URI was rewritten");
    request.error(Level::Alert, message);
    500
}

/// The answer to a path that leads out of the directory that is written.
fn climbs(request: &Request, path: &[u8]) -> u16 {
    let path = String::from_utf8_lossy(path);
    let message = format_args!("\"{path}\" leads out of the directory that is written here");
    request.error(Level::Error, message);
    404
}

/// Appends the value of `root` or `alias`, made absolute.
pub fn write_root(request: &Request, path: &mut Vec<u8>) {
    let location = request.location();
    location.words.root.write(request, path, |_, _, _| {});
    if location.words.root_relative && !path.starts_with(b"/") {
        path.splice(..0, location.settings.prefix.iter().copied().chain([b'/']));
    }
}
