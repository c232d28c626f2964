//! A request inside the server, on behalf of another one: it goes through the phases of its own location, and its answer
//! goes to whoever has asked for it. It has no connection and no body of its own, and nobody is let in or kept out a
//! second time: the access phase is the main request's.

use std::ops::{Deref, DerefMut};

use mem::Str;
use proto::http1::Method;
use sys::log::Level;

use crate::request::Handler;
use crate::request::Request;
use crate::request::phases::{self, Outcome};
use crate::response::filters;

/// One in another in another, and so on, so often: it goes in circles (nginx's number).
const DEEPEST: u8 = 50;

/// A subrequest. It derefs to its request, whose `response` is there when it is done.
pub struct Subrequest {
    request: Box<Request>,
    waits: Option<&'static dyn Handler>,
}

impl Subrequest {
    /// Begins one with GET, and goes as far as that goes without waiting. `None`: subrequests go in circles, which is
    /// logged.
    pub fn new(parent: &Request, uri: Str, args: Str) -> Option<Subrequest> {
        if parent.nesting >= DEEPEST {
            let message = format_args!("subrequests cycle while processing \"{uri}\"");
            parent.error(Level::Error, message);
            return None;
        }
        let mut request = Box::new(Request::new(parent.connection, parent.listener));
        request.nesting = parent.nesting + 1;
        request.head.clone_from(&parent.head);
        request.bytes = parent.bytes.clone();
        request.host = parent.host.clone();
        request.told_peer = parent.told_peer;
        request.hosts = parent.hosts;
        request.server = parent.server;
        request.location = parent.server.location();
        request.started = parent.started;
        request.number = parent.number;
        // As in nginx: what one of them sets, the other sees.
        request.set = parent.set.clone();
        // Nor is what is counted of the client counted twice.
        request.lasting = parent.lasting.clone();
        request.id = parent.id.clone();
        request.internal = true;
        request.method = Method::Get;
        (request.uri, request.args) = (uri, args);
        let mut subrequest = Subrequest { request, waits: None };
        let outcome = phases::run(&mut subrequest.request);
        subrequest.go_on(outcome);
        Some(subrequest)
    }

    /// Whether its answer is there.
    pub fn is_done(&self) -> bool {
        self.waits.is_none()
    }

    /// Waits for its answer.
    pub async fn done(&mut self) {
        while let Some(handler) = self.waits.take() {
            let flow = handler.wait(&mut self.request).await;
            let outcome = phases::waited(&mut self.request, flow);
            self.go_on(outcome);
        }
    }

    fn go_on(&mut self, mut outcome: Outcome) {
        loop {
            match outcome {
                Outcome::Wait(handler) => return self.waits = Some(handler),
                Outcome::Close(status) => return self.request.response.status = status,
                Outcome::Respond => match filters::header(&mut self.request) {
                    Ok(()) => return self.respond(),
                    Err(other) => outcome = other,
                },
            }
        }
    }

    fn respond(&mut self) {
        let request = &mut *self.request;
        if request.response.takeover.take().is_some() || request.response.streaming {
            // What takes a connection over needs one.
            let message = format_args!("\"{}\" cannot be asked by a subrequest", request.uri);
            request.error(Level::Error, message);
            crate::response::errors::plain_page(request, 500);
        }
        filters::body(request);
    }
}

impl Deref for Subrequest {
    type Target = Request;

    fn deref(&self) -> &Request {
        &self.request
    }
}

impl DerefMut for Subrequest {
    fn deref_mut(&mut self) -> &mut Request {
        &mut self.request
    }
}
