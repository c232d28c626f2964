//! Requests beside one that is being served: those that are asked on its behalf, and what stands for it while its body is
//! being made.

use mem::{Chain, Str};

use crate::body::Body;
use crate::request::Request;
use crate::response::Response;

/// What stands for an answer that is an error, or empty.
pub(crate) struct Substitute {
    pub body: Chain,
    pub content_type: Option<Str>,
}

impl Request {
    /// An empty one of the same client: with its head, at its server, and with the variables that are set and the state
    /// that lasts of the one that it belongs to.
    pub(crate) fn beside(&self) -> Box<Request> {
        let mut beside = Box::new(Request::new(self.connection, self.listener));
        beside.head.clone_from(&self.head);
        beside.bytes = self.bytes.clone();
        beside.host = self.host.clone();
        beside.told_peer = self.told_peer;
        beside.hosts = self.hosts;
        beside.server = self.server;
        beside.location = self.server.location();
        beside.started = self.started;
        beside.number = self.number;
        // As in nginx: what one of them sets, the other sees.
        beside.set = self.set.clone();
        // Nor is what is counted of the client counted twice.
        beside.lasting = self.lasting.clone();
        beside.id = self.id.clone();
        beside
    }

    /// What stands for it while its body is being made, which may be longer than it is at hand: it has the same variables,
    /// and subrequests are asked on behalf of it. It has no answer of its own but what is said of that.
    pub fn aside(&self) -> Box<Request> {
        let mut aside = self.beside();
        aside.location = self.location;
        aside.stage = self.stage;
        aside.nesting = self.nesting;
        aside.internal = self.internal;
        aside.method = self.method;
        (aside.uri, aside.args) = (self.uri.clone(), self.args.clone());
        aside.captures.clone_from(&self.captures);
        aside.limit_rate = self.limit_rate;
        aside.body_received = self.body_received;
        let (answer, known) = (&mut aside.response, &self.response);
        answer.status = known.status;
        answer.content_type = known.content_type.clone();
        answer.headers = known.headers.clone();
        answer.last_modified = known.last_modified;
        answer.etag = known.etag.clone();
        aside
    }

    /// Answers with what stands for an error of this request, if there is something.
    pub(crate) fn answer_substitute(&mut self) -> bool {
        let Some(substitute) = self.substitute.take() else { return false };
        let content_type = substitute.content_type;
        self.response = Response { status: 200, content_type, ..Response::default() };
        self.response.body = Body::Chain(substitute.body);
        true
    }
}
