//! Requests that other servers answer: the steps that all families have in common, in their order.
//!
//! ```text
//! a destination, a head, the body ─▶ ask ─▶ give_back ─▶ answer (`answer.rs`)
//! ```
#![allow(clippy::large_futures, reason = "a part of the one future in which a request waits")]

use std::rc::Rc;

use http::{Body, Error, Failed, LogLevel, Request};

use crate::balance::Asker;
use crate::body::outgoing;
use crate::caching::Caching;
use crate::caching::purpose::Purpose;
use crate::exchange::{Ask, Reply, exchange};
use crate::hidden::Hidden;
use crate::sending::Outgoing;
use crate::settings::Settings;
use crate::upstreams::{Upstream, Upstreams};

/// How a location passes requests on.
pub struct Passing {
    /// How peers are asked.
    pub settings: Rc<Settings>,
    /// Fields of answers that are not passed on.
    pub hidden: Hidden,
    /// The client's header is passed on.
    pub passes_headers: bool,
    /// The client's body is passed on.
    pub passes_body: bool,
    /// Ranges are served, whatever the peer says of them.
    pub force_ranges: bool,
    /// All groups of this configuration.
    pub upstreams: Rc<Upstreams>,
    /// How answers are kept, if they are.
    pub caching: Option<Caching>,
}

impl Passing {
    /// The client's body, and how long it is; `None`: nobody knows yet. `buffering`: it is read before. The error is a status.
    pub async fn body(
        &self,
        request: &mut Request,
        buffering: bool,
    ) -> Result<(Outgoing, Option<u64>), u16> {
        let body = outgoing(request, buffering).await;
        body.map_err(|error| {
            request
                .error(LogLevel::Info, format_args!("{error} while reading client request body"));
            error.status()
        })
    }

    /// Asks the peers of an upstream. What is asked for others, too, goes on when the client has gone. The error is a status.
    pub async fn ask(
        &self,
        request: &mut Request,
        upstream: &Upstream,
        ask: &mut Ask,
        purpose: Purpose<'_>,
    ) -> Result<Reply, u16> {
        let key = upstream.key.as_ref().map(|key| key.evaluate(request).to_vec());
        let asker = Asker { ip: request.peer().ip(), key: key.unwrap_or_default() };
        let ignores_abort =
            self.settings.ignore_client_abort || matches!(purpose, Purpose::Cache(..));
        exchange(request, &self.settings, ignores_abort, &upstream.group, asker, ask).await
    }

    /// The client's body is the request's again: who makes the answer instead may want it, too.
    pub fn give_back(&self, request: &mut Request, body: Outgoing) {
        request.body = match body {
            Outgoing::Kept(kept) => Body::Chain(kept),
            Outgoing::Streamed { body, .. } => body,
            Outgoing::Gone => {
                let why = "its beginning was passed on to another server";
                Body::Source(Box::new(Failed::new(Error::invalid(why))))
            }
        };
    }
}
