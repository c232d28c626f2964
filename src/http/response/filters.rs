//! What filters make of an answer: of its header, which may replace it by an error's page, then of its body.

use mem::Str;

use crate::request::Request;
use crate::request::flow::Flow;
use crate::request::phases::{self, Outcome};
use crate::response::errors;

/// Filters the header. The error: the request goes another way first, to an error's page for instance.
pub fn header(request: &mut Request) -> Result<(), Outcome> {
    let Some(status) = each(request) else { return Ok(()) };
    // Of what was made only what explains the status is kept.
    let explains = |(name, _): &&(Str, Str)| &name[..] == b"Content-Range";
    let explanation = request.response.headers.iter().rfind(explains).cloned();
    request.response.reset();
    request.response.headers.extend(explanation);
    match errors::answer(request, status) {
        // The page's own header is filtered; its status is none that a filter replaces.
        Flow::Respond => {
            each(request);
            Ok(())
        }
        flow => Err(phases::resume(request, flow)),
    }
}

fn each(request: &mut Request) -> Option<u16> {
    if let Some(status) = request.forced_status.take() {
        request.response.status = status;
    }
    if let Some(forced) = request.forced_type.take().filter(|_| !request.response.plain) {
        request.response.content_type = Some(forced);
    }
    request.location().filters.iter().find_map(|filter| filter.header(request))
}

/// The header is decided: what filters make of the body.
pub fn body(request: &mut Request) {
    let filters = &request.location().body_filters;
    if filters.is_empty() || request.has_bodiless_answer() {
        return;
    }
    let mut body = std::mem::take(&mut request.response.body);
    for filter in filters {
        body = filter.body(request, body);
    }
    request.response.body = body;
}
