//! What modules do on a request's way.

use mem::Str;

use super::Request;
use super::flow::{BoxFuture, Flow};
use crate::body::Body;

/// A module's part in a phase.
pub trait Handler: 'static {
    /// The fast path: answers without waiting and without allocating, or says what else is to be done.
    fn handle(&self, request: &mut Request) -> Flow;

    /// The slow path, after [`Flow::Wait`].
    fn wait<'a>(&'a self, request: &'a mut Request) -> BoxFuture<'a, Flow> {
        let _ = request;
        Box::pin(async { Flow::Declined })
    }

    /// Whether what it waits for goes on when the client has gone.
    fn outlives_client(&self) -> bool {
        false
    }
}

impl<F: Fn(&mut Request) -> Flow + 'static> Handler for F {
    fn handle(&self, request: &mut Request) -> Flow {
        self(request)
    }
}

/// A module's part in the header of a response.
pub trait Filter: 'static {
    /// Changes `request.response` before its head is sent; a status replaces the whole answer.
    fn header(&self, request: &mut Request) -> Option<u16>;
}

/// A module's part after a request.
pub trait Logger: 'static {
    /// The request has ended, in whichever way.
    fn log(&self, request: &Request);
}

/// A module's part in the body of an answer.
pub trait BodyFilter: 'static {
    /// Makes another body of it, or gives it back. The answer's header is decided: what this does to the body's length,
    /// the module's header filter has told.
    fn body(&self, request: &mut Request, body: Body) -> Body;
}

/// Fields behind the body of an answer (RFC 9110 §6.5).
pub trait Trailers: 'static {
    /// Whether there will be any: the body is chunked then.
    fn expects(&self, request: &Request) -> bool;

    /// The fields, when the body has ended.
    fn fields(&self, request: &mut Request, out: &mut Vec<(Str, Str)>);
}
