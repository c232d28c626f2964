//! MKCOL: a directory is made.

use std::path::Path;

use http::{Flow, Request};

use crate::conf::Rules;
use crate::put::tell_location;
use crate::refusal::{Refusal, refuse_body};
use crate::tree::path_of;

/// The handler of MKCOL.
pub async fn mkcol(rules: &Rules, request: &mut Request) -> Result<Flow, Refusal> {
    refuse_body(request)?;
    if !request.uri.ends_with(b"/") {
        return Err(Refusal::new(409, "MKCOL can create a collection only"));
    }
    let path = path_of(request)?;
    let made = sys::folder::make_one(&path, rules.access.directory());
    made.map_err(|error| Refusal::of(&error, 409, "mkdir()", Path::new(&path)))?;
    request.response.set_empty(201);
    tell_location(request);
    Ok(Flow::Respond)
}
