//! What a location consists of, and how it answers.

use std::rc::Rc;

use http::cors::{AllowedHeaders, Origins};
use http::{Flow, Request, Template};
use mem::Str;
use serde::Serialize;
use sys::socket::Peer;

use crate::channels::{self, NameError};
use crate::json;
use crate::settings::values::{From, Settings};
use crate::subscribe::protocol::Hub;
use crate::zone::{ZoneConf, log_missing};

/// What pages of other origins may do here.
pub struct Cors {
    /// `sse_allow_origin`
    pub origins: Origins,
    /// `sse_allow_headers`
    pub headers: AllowedHeaders,
}

/// What is wrong.
#[derive(Serialize)]
struct Problem<'a> {
    error: &'a str,
}

/// The location's handler.
pub struct Endpoint {
    /// Its zone.
    pub zone: Rc<ZoneConf>,
    /// `sse_subscribe`; empty: none.
    pub subscribe: Vec<Template>,
    /// `sse_publish`
    pub publish: Option<Template>,
    /// Whose pages, and what they may send.
    pub cors: Cors,
    /// The rest.
    pub settings: Rc<Settings>,
}

impl Endpoint {
    /// The hub of this worker; the error is the answer.
    pub fn hub(&self) -> Result<&'static Hub, Flow> {
        self.zone.hub().ok_or_else(|| {
            log_missing();
            Flow::Status(500)
        })
    }

    /// Whether this client may publish and end channels; the error is the answer.
    pub fn admit(&self, request: &mut Request) -> Result<(), Flow> {
        if !self.may_publish(request) {
            let message = format_args!("publishing is not allowed from {}", request.peer());
            request.error(sys::log::Level::Error, message);
            return Err(self.problem(request, 403, "publishing is not allowed from here"));
        }
        if !self.cors.origins.admit(request) {
            return Err(self.problem(request, 403, "pages of this origin may not publish here"));
        }
        Ok(())
    }

    /// Whether the client's address may publish.
    pub fn may_publish(&self, request: &Request) -> bool {
        let peer = request.peer();
        self.settings.from.iter().any(|from| match (from, peer.ip()) {
            (From::All, _) => true,
            (From::Unix, _) => matches!(peer, Peer::Unix),
            (From::Network(network), Some(ip)) => network.contains(ip),
            (From::Network(_), None) => false,
        })
    }

    /// The channel to publish to; the error is the answer.
    pub fn channel(&self, request: &mut Request) -> Result<Vec<u8>, Flow> {
        let Some(publish) = &self.publish else { return Err(Flow::Status(404)) };
        let name = publish.evaluate(request);
        match channels::check(&name) {
            Ok(()) => Ok(name.to_vec()),
            Err(error) => Err(self.refuse_name(request, error)),
        }
    }

    /// Says why a value names no channels.
    pub fn refuse_name(&self, request: &mut Request, error: NameError) -> Flow {
        let (status, why) = match error {
            NameError::Invalid => (400, "this is no name of a channel"),
            NameError::Wildcard => (403, "a name with * must be written in the configuration"),
            NameError::TooMany => (400, "too many channels for one stream"),
        };
        self.problem(request, status, why)
    }

    /// An answer that says what is wrong.
    pub fn problem(&self, request: &mut Request, status: u16, why: &str) -> Flow {
        if status == 503 {
            // What stands in the way is a matter of moments: a zone that moves, a disk that is behind.
            request.response.add_header("Retry-After", Str::from("1"));
        }
        self.json(request, status, &Problem { error: why })
    }

    /// An answer in JSON.
    pub fn json(&self, request: &mut Request, status: u16, value: &impl Serialize) -> Flow {
        self.answer(request, status, Str::from("application/json"), &json::line(value))
    }

    /// An answer that nobody keeps.
    pub fn answer(&self, request: &mut Request, status: u16, kind: Str, body: &[u8]) -> Flow {
        let body = request.pool.copy(body);
        request.response.set_body(status, kind, body);
        request.response.add_header("Cache-Control", Str::from("no-store"));
        self.cors.origins.add_fields(request);
        Flow::Respond
    }
}
