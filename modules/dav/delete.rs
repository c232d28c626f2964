//! DELETE: a file, or a directory with all that is in it. A symbolic link goes, and what it points to stays.

use std::fs;

use http::{Flow, Request};

use crate::conf::Rules;
use crate::refusal::{Refusal, depth, refuse_body};
use crate::tree::{self, path_of};

/// The handler of DELETE.
pub async fn delete(rules: &Rules, request: &mut Request) -> Result<Flow, Refusal> {
    refuse_body(request)?;
    check_depth(rules, &request.uri)?;
    let path = path_of(request)?;
    let missing = |error: &std::io::Error| match error.kind() {
        std::io::ErrorKind::NotADirectory => 409,
        _ => 404,
    };
    let found = fs::symlink_metadata(&path);
    let found = found.map_err(|error| Refusal::of(&error, missing(&error), "DELETE", &path))?;
    let depth = depth(request)?;
    if !found.is_dir() && request.uri.ends_with(b"/") {
        let why = format!("DELETE \"{}\" failed: it is not a directory", path.display());
        return Err(Refusal::new(409, why));
    }
    if !found.is_dir() {
        if depth == Some(1) {
            return Err(Refusal::new(400, "\"Depth\" header must be 0 or infinity"));
        }
        // The end of a large file takes a while.
        let elsewhere = request.location().settings.aio_threads;
        let unlink = move || {
            let gone = fs::remove_file(&path);
            gone.map_err(|error| Refusal::of(&error, 404, "unlink()", &path))
        };
        return rt::offload_if(elsewhere, unlink).await.map(|()| Flow::Status(204));
    }
    if !request.uri.ends_with(b"/") {
        let why = format!("DELETE \"{}\" failed: it is a directory", path.display());
        return Err(Refusal::new(409, why));
    }
    if depth.is_some() {
        return Err(Refusal::new(400, "\"Depth\" header must be infinity"));
    }
    if request.uri.iter().all(|&byte| byte == b'/') {
        return Err(Refusal::new(403, "the root itself is not deleted"));
    }
    rt::offload(move || tree::remove(&path)).await?;
    Ok(Flow::Status(204))
}

/// `min_delete_depth`, counted as nginx does: slashes that something follows.
fn check_depth(rules: &Rules, uri: &[u8]) -> Result<(), Refusal> {
    let inner = &uri[..uri.len().saturating_sub(1)];
    let deep = inner.iter().filter(|&&byte| byte == b'/').count() as u64;
    match deep < rules.min_delete_depth {
        true => Err(Refusal::new(409, format!("insufficient URI depth:{deep} to DELETE"))),
        false => Ok(()),
    }
}
