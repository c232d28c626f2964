//! A request inside the server, on behalf of another one: it goes through the phases of its own location, and its answer
//! goes to whoever has asked for it. It has no connection and no body of its own, and nobody is let in or kept out a
//! second time: the access phase is the main request's.

use std::ops::{Deref, DerefMut};
use std::task::{Context, Poll, ready};

use mem::{Chain, Str};
use proto::http1::Method;
use sys::log::Level;

use crate::body::kept::Kept;
use crate::body::{Body, Source};
use crate::error::Error;
use crate::request::Handler;
use crate::request::Request;
use crate::request::Stage;
use crate::request::aside::Substitute;
use crate::request::flow::{BoxFuture, Phase};
use crate::request::phases::{self, Outcome};
use crate::response::Response;
use crate::response::filters;

/// One in another in another, and so on, so often: it goes in circles (nginx's number, and the first).
const DEEPEST: u8 = 51;

/// A subrequest. It derefs to its request, whose `response` is there when it is done.
pub struct Subrequest {
    request: Box<Request>,
    waits: Option<&'static dyn Handler>,
}

impl Subrequest {
    /// Begins one with GET, and goes as far as that goes without waiting. `None`: subrequests go in circles, which is
    /// logged.
    pub fn new(parent: &Request, uri: Str, args: Str) -> Option<Subrequest> {
        Subrequest::or_else(parent, uri, args, None)
    }

    /// The same, with what stands for its answer should that be an error, or empty.
    pub fn or_else(
        parent: &Request,
        uri: Str,
        args: Str,
        substitute: Option<Chain>,
    ) -> Option<Subrequest> {
        if parent.nesting >= DEEPEST {
            let message = format_args!("subrequests cycle while processing \"{uri}\"");
            parent.error(Level::Error, message);
            return None;
        }
        let mut request = parent.beside();
        request.nesting = parent.nesting + 1;
        let content_type = parent.response.content_type.clone();
        request.substitute = substitute.map(|body| Substitute { body, content_type });
        request.internal = true;
        request.method = Method::Get;
        (request.uri, request.args) = (uri, args);
        let mut subrequest = Subrequest { request, waits: None };
        let outcome = phases::run(&mut subrequest.request);
        subrequest.go_on(outcome);
        Some(subrequest)
    }

    /// Begins one with the same method, and with the same body if that is kept. Nobody gets its answer.
    pub fn copy(parent: &Request, uri: Str, with_body: bool) -> Option<Subrequest> {
        if parent.nesting >= DEEPEST {
            return None;
        }
        let mut request = parent.beside();
        request.nesting = parent.nesting + 1;
        request.internal = true;
        request.method = parent.method;
        let (path, args) = proto::uri::split_args(&uri);
        let args = args.and_then(|args| uri.slice_of(args));
        (request.uri, request.args) =
            (uri.slice(..path.len()), args.unwrap_or(parent.args.clone()));
        if with_body && let Some(body) = parent.known_lasting(Kept::body) {
            request.body = body;
            request.framing = parent.framing;
        }
        let mut subrequest = Subrequest { request, waits: None };
        let outcome = phases::run(&mut subrequest.request);
        subrequest.go_on(outcome);
        Some(subrequest)
    }

    /// Begins one for another answer of the same location to the same URI, with GET: what makes answers there is asked once more, and
    /// nothing that comes before it.
    pub fn again(parent: &Request) -> Option<Subrequest> {
        if parent.nesting >= DEEPEST {
            return None;
        }
        let mut request = parent.aside();
        request.response = Response::default();
        request.nesting = parent.nesting + 1;
        request.internal = true;
        request.method = Method::Get;
        request.stage = Stage::Location;
        let handlers = &request.location.handlers;
        let content = handlers.iter().position(|(phase, _)| *phase == Phase::Content);
        request.cursor = content.unwrap_or(handlers.len());
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

    /// Its answer's body, for one that is part of another answer: waited for when it is asked for.
    pub fn into_body(mut self) -> Body {
        if self.is_done() {
            return self.into_answer();
        }
        let waiting = async move {
            self.done().await;
            self.into_answer()
        };
        Body::Source(Box::new(Answer { waiting: Some(Box::pin(waiting)), body: Body::default() }))
    }

    fn into_answer(mut self) -> Body {
        std::mem::take(&mut self.request.response.body)
    }

    fn go_on(&mut self, mut outcome: Outcome) {
        loop {
            match outcome {
                Outcome::Wait(handler) => return self.waits = Some(handler),
                Outcome::Close(status) => {
                    self.request.response.status = status;
                    return self.log();
                }
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
        if let Some(substitute) = request.substitute.take()
            && request.response.body.is_empty()
        {
            request.response.body = Body::Chain(substitute.body);
        }
        filters::body(request);
        self.log();
    }

    fn log(&self) {
        let location = self.request.location();
        if location.settings.log_subrequest {
            location.loggers.iter().for_each(|logger| logger.log(&self.request));
        }
    }
}

/// The body of an answer that is waited for.
struct Answer {
    waiting: Option<BoxFuture<'static, Body>>,
    body: Body,
}

impl Answer {
    /// Whether it is there.
    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(waiting) = &mut self.waiting {
            self.body = ready!(waiting.as_mut().poll(cx));
            self.waiting = None;
        }
        Poll::Ready(())
    }
}

impl Source for Answer {
    fn length(&self) -> Option<u64> {
        match self.waiting {
            None => self.body.len(),
            Some(_) => None,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>, most: usize) -> Poll<Result<Option<Chain>, Error>> {
        ready!(self.poll_answer(cx));
        self.body.poll_next(cx, most)
    }

    fn prepare(&mut self, cx: &mut Context<'_>) {
        let _ = self.poll_answer(cx);
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
