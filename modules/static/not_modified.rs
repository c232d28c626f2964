//! Conditional requests: 304 when the client has the file already, 412 when it wants another.

use http::{Filter, Request};
use proto::conditional::{Conditions, Mode, Validators, Verdict};
use proto::http1::Name;

/// The filter.
pub struct NotModified {
    /// How `If-Modified-Since` compares.
    pub mode: Mode,
}

impl Filter for NotModified {
    fn header(&self, request: &mut Request) -> Option<u16> {
        if request.is_subrequest() || request.response.unconditional {
            return None;
        }
        let response = &request.response;
        if response.status != 200 || (response.last_modified.is_none() && response.etag.is_none()) {
            return None;
        }
        let conditions = Conditions {
            if_match: request.header(Name::IfMatch),
            if_none_match: request.header(Name::IfNoneMatch),
            if_modified_since: request.header(Name::IfModifiedSince),
            if_unmodified_since: request.header(Name::IfUnmodifiedSince),
        };
        let file =
            Validators { etag: response.etag.as_deref(), last_modified: response.last_modified };
        match conditions.evaluate(file, self.mode) {
            Verdict::Full => None,
            Verdict::PreconditionFailed => Some(412),
            Verdict::NotModified => {
                let response = &mut request.response;
                response.status = 304;
                response.content_type = None;
                response.content_length = None;
                response.allow_ranges = false;
                response
                    .headers
                    .retain(|(name, _)| !name.eq_ignore_ascii_case(b"content-encoding"));
                response.body.clear();
                response.file = false;
                None
            }
        }
    }
}
