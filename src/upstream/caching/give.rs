//! An answer that is there already.

use cache::Stored;
use http::{Body, Flow, Request};
use mem::{Chain, Str};
use proto::http1::{Method, Name};

use crate::answer::Head;
use crate::caching::look::Outcome;
use crate::passing::Passing;
use crate::tries::Tries;

impl Passing {
    /// Gives it out.
    pub fn give(
        &self,
        request: &mut Request,
        stored: &Stored,
        outcome: Outcome,
        change: impl Fn(&mut Request, Name, &Str) -> Option<Str>,
    ) -> Flow {
        request.context::<Tries>().cache = Some(outcome);
        let head = Head { head: &stored.head, bytes: &stored.bytes };
        head.keep(request);
        if let Some(flow) = self.leads_elsewhere(request, head) {
            return flow;
        }
        self.obey(request, head);
        head.begin(request);
        self.copy_fields(request, head, change);
        let is_head = request.method == Method::Head;
        let response = &mut request.response;
        // It is asked here whether the client has it.
        response.unconditional = false;
        let modified = response.last_modified_text.as_deref().and_then(proto::date::parse);
        response.last_modified = modified;
        response.allow_ranges = response.status == 200;
        response.content_length = Some(stored.length).filter(|_| response.status != 304);
        if !is_head {
            let mut chain = Chain::new();
            chain.push(stored.body.clone());
            response.body = Body::Chain(chain);
        }
        Flow::Respond
    }
}
