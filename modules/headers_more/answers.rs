//! Changes of an answer's header.

use http::{Filter, Request};
use mem::Str;

use crate::read::{Change, Mode, has_type, names};

/// In the order of writing.
pub struct Changes(pub Vec<Change>);

impl Filter for Changes {
    fn header(&self, request: &mut Request) -> Option<u16> {
        for change in &self.0 {
            let Change { statuses, types, mode, fields } = change;
            let status = request.response.status;
            let has_status = statuses.is_empty() || statuses.contains(&status);
            if !has_status || !has_type(types, request.response.content_type.as_deref()) {
                continue;
            }
            for (name, template) in fields {
                let value = template.as_ref().map(|template| template.evaluate(request));
                let value = value.filter(|value| !value.is_empty());
                change_field(request, name, value, *mode);
            }
        }
        None
    }
}

fn change_field(request: &mut Request, name: &str, value: Option<Str>, mode: Mode) {
    let response = &mut request.response;
    if names(name, b"server") {
        response.server = Some(value.clone().unwrap_or_default());
        if !name.ends_with('*') {
            return;
        }
    }
    match name.to_ascii_lowercase().as_str() {
        "content-type" => response.content_type = value,
        "location" => response.location = value,
        "etag" => response.etag = value,
        "last-modified" => {
            response.last_modified = None;
            response.last_modified_text = value;
        }
        "accept-ranges" if value.is_none() => {
            (response.accept_ranges, response.allow_ranges) = (false, false);
        }
        _ => {
            if mode != Mode::Add {
                response.headers.retain(|(field, _)| !names(name, field));
            }
            if let Some(value) = value {
                response.add_header(Str::copy(name.as_bytes()), value);
            }
        }
    }
}
