//! The steps of a request, and where a handler sends it.

use std::future::Future;
use std::pin::Pin;

use mem::Str;

/// The phases of a request, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Before the location is known; the server's own directives.
    ServerRewrite,
    /// In the location: may change the URI or answer.
    Rewrite,
    /// Limits.
    Preaccess,
    /// Whether the client is let in (`satisfy`).
    Access,
    /// Which of several files.
    Precontent,
    /// The answer.
    Content,
}

/// What a handler makes of a request.
#[derive(Debug)]
pub enum Flow {
    /// Not mine: ask the next.
    Declined,
    /// Let in (access phase).
    Granted,
    /// `request.response` is the answer.
    Respond,
    /// Answer with the page of this status.
    Status(u16),
    /// Start over with another URI (and arguments), inside the server.
    Redirect(Str, Str),
    /// The URI has changed: look for its location.
    Rewritten,
    /// Go on in a named location.
    Named(Str),
    /// Close the connection without an answer.
    Close,
    /// Something must be waited for: call [`Handler::wait`](super::Handler::wait).
    Wait,
}

/// A future that borrows the request it works on.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// The order of filters: nginx's. A header filter and a body filter of one module have one place, but for `Addition`, whose bodies
/// come at `Postpone`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Order {
    /// Whether the client has it already.
    NotModified,
    /// Whatever a module of others does, as in nginx: the answer is as its handler made it.
    Module,
    /// Fields of the configuration's own.
    Headers,
    /// A compressed body for a client that cannot take it.
    Gunzip,
    /// That there will be other bodies before and behind it.
    Addition,
    /// Replacement of words.
    Sub,
    /// Conversion of charsets.
    Charset,
    /// Commands in the body.
    Ssi,
    /// Bodies of others, which their own filters have made.
    Postpone,
    /// Compression.
    Gzip,
    /// Parts of the body.
    Range,
}
