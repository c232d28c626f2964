//! Whether a page has commands, and what its header says then.

use std::rc::Rc;

use http::{Body, BodyFilter, Filter, Lookup, MediaTypes, Request};

use crate::page::{Limits, Page};

/// Which answers.
pub struct Headers {
    pub types: MediaTypes,
    pub last_modified: bool,
}

/// How.
pub struct Bodies {
    pub limits: Rc<Limits>,
    pub lookup: Lookup<Request>,
}

/// It was decided that commands are looked for in this answer.
#[derive(Default)]
struct Looked(bool);

impl Filter for Headers {
    fn header(&self, request: &mut Request) -> Option<u16> {
        let response = &request.response;
        let wanted = !response.streaming && !response.has_no_body() && self.types.has(response);
        if wanted || request.known_context::<Looked>().is_some() {
            request.context::<Looked>().0 = wanted;
        }
        if wanted && !request.is_subrequest() {
            request.response.change_body();
            request.response.change_version(self.last_modified);
        }
        None
    }
}

impl BodyFilter for Bodies {
    fn body(&self, request: &mut Request, body: Body) -> Body {
        match request.known_context::<Looked>() {
            Some(Looked(true)) => {
                let body = body.by_threads(request.location().settings.aio_threads);
                Page::body(request.aside(), body, self.limits.clone(), self.lookup.clone())
            }
            _ => body,
        }
    }
}
