//! A location with `sse_subscribe` or `sse_publish`: which of its jobs a request is for.

use std::rc::Rc;

use http::{BoxFuture, Exchange, Flow, Handler, Request, Template};
use proto::http1::{Method, Name};
use sys::socket::Peer;

use crate::channels::{self, NameError, Selection};
use crate::conf::{From, Settings, text};
use crate::cors::Origins;
use crate::hub::Hub;
use crate::zone::{ZoneConf, log_missing};
use crate::{manage, publish, subscribe};

/// The location's handler.
pub struct Endpoint {
    /// Its zone.
    pub zone: Rc<ZoneConf>,
    /// `sse_subscribe`; empty: none.
    pub subscribe: Vec<Template>,
    /// `sse_publish`
    pub publish: Option<Template>,
    /// `sse_allow_origin`
    pub origins: Origins,
    /// The rest.
    pub settings: Rc<Settings>,
}

/// `sse_status`
pub struct Status {
    /// All zones.
    pub zones: Vec<Rc<ZoneConf>>,
}

impl Handler for Status {
    fn handle(&self, request: &mut Request) -> Flow {
        match request.method {
            Method::Get | Method::Head => manage::status(request, &self.zones),
            _ => refuse_method(request, "GET, HEAD"),
        }
    }
}

impl Handler for Endpoint {
    fn handle(&self, request: &mut Request) -> Flow {
        match request.method {
            Method::Get | Method::Head if !self.subscribe.is_empty() => self.read(request),
            Method::Options => self.options(request),
            Method::Post | Method::Put if self.publish.is_some() => match self.admit(request) {
                Ok(()) => Flow::Wait,
                Err(flow) => flow,
            },
            Method::Delete if self.publish.is_some() => self.delete(request),
            _ => {
                self.origins.add_fields(request);
                refuse_method(request, self.methods())
            }
        }
    }

    fn wait<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Flow> {
        Box::pin(publish::publish(self, exchange))
    }
}

impl Endpoint {
    /// The hub of this worker; the error is the answer.
    pub fn hub(&self) -> Result<&'static Hub, Flow> {
        self.zone.hub().ok_or_else(|| {
            log_missing();
            Flow::Status(500)
        })
    }

    fn read(&self, request: &mut Request) -> Flow {
        let accept = request.header(Name::Accept).unwrap_or_default();
        let figures =
            proto::accept::prefers_json(accept) && request.header(Name::Upgrade).is_none();
        let selection = Selection::evaluate(&self.subscribe, request, self.settings.wildcards);
        let selection = match selection {
            Ok(selection) => selection,
            Err(error) => return self.refuse_name(request, error),
        };
        match figures {
            true => manage::figures(self, request, &selection),
            false => subscribe::subscribe(self, request, &selection),
        }
    }

    fn delete(&self, request: &mut Request) -> Flow {
        let channel = match self.admit(request).and_then(|()| self.channel(request)) {
            Ok(channel) => channel,
            Err(flow) => return flow,
        };
        manage::end(self, request, &channel)
    }

    /// Whether this client may publish and end channels; the error is the answer.
    pub fn admit(&self, request: &mut Request) -> Result<(), Flow> {
        if !self.may_publish(request) {
            let message = format_args!("publishing is not allowed from {}", request.peer());
            request.error(sys::log::Level::Error, message);
            return Err(self.problem(request, 403, "publishing is not allowed from here"));
        }
        if !self.origins.admit(request) {
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

    fn refuse_name(&self, request: &mut Request, error: NameError) -> Flow {
        let (status, why) = match error {
            NameError::Invalid => (400, "this is no name of a channel"),
            NameError::Wildcard => (403, "a name with * must be written in the configuration"),
            NameError::TooMany => (400, "too many channels for one stream"),
        };
        self.problem(request, status, why)
    }

    /// An answer that says what is wrong.
    pub fn problem(&self, request: &mut Request, status: u16, why: &str) -> Flow {
        let mut body = b"{\"error\":".to_vec();
        proto::json::string(&mut body, why.as_bytes());
        body.extend_from_slice(b"}\n");
        self.json(request, status, &body)
    }

    /// An answer in JSON.
    pub fn json(&self, request: &mut Request, status: u16, body: &[u8]) -> Flow {
        let body = request.pool.copy(body);
        request.response.set_body(status, text("application/json"), body);
        request.response.add_header("Cache-Control", text("no-store"));
        self.origins.add_fields(request);
        Flow::Respond
    }

    fn methods(&self) -> &'static str {
        match (self.subscribe.is_empty(), self.publish.is_some()) {
            (false, true) => "GET, HEAD, POST, PUT, DELETE, OPTIONS",
            (false, false) => "GET, HEAD, OPTIONS",
            (true, _) => "POST, PUT, DELETE, OPTIONS",
        }
    }

    fn options(&self, request: &mut Request) -> Flow {
        request.response.set_empty(204);
        request.response.content_length = None;
        request.response.add_header("Allow", text(self.methods()));
        self.origins.add_preflight(request, self.methods());
        Flow::Respond
    }
}

fn refuse_method(request: &mut Request, methods: &'static str) -> Flow {
    let body = request.pool.copy(b"{\"error\":\"the method is not allowed here\"}\n");
    request.response.set_body(405, text("application/json"), body);
    request.response.add_header("Allow", text(methods));
    Flow::Respond
}
