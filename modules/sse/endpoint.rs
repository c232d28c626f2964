//! A location with `sse_subscribe` or `sse_publish`: which of its jobs a request is for.

use std::rc::Rc;

use http::cors::{AllowedHeaders, Origins};
use http::{BoxFuture, Exchange, Flow, Handler, Request, Template};
use mem::Str;
use proto::http1::{Method, Name};
use sys::socket::Peer;

use crate::channels::{self, NameError, Selection};
use crate::conf::text;
use crate::protocol::Hub;
use crate::settings::{Figures, From, Methods, Settings};
use crate::zone::{ZoneConf, log_missing};
use crate::{manage, progress, publish, subscribe};
use live::Sync;

/// What pages of other origins may do here.
pub struct Cors {
    /// `sse_allow_origin`
    pub origins: Origins,
    /// `sse_allow_headers`
    pub headers: AllowedHeaders,
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
        // `$` matches before a line break at the end, too (pcre2pattern(3)): an expression would name a
        // channel by an address that no guard of that channel's address has seen.
        if request.uri.iter().any(u8::is_ascii_control) {
            return self.refuse_name(request, NameError::Invalid);
        }
        let (subscribes, publishes) = (!self.subscribe.is_empty(), self.publish.is_some());
        let methods = self.settings.methods;
        match request.method {
            // Told is what is kept.
            Method::Head if publishes && progress::is_asked(request) => match self.settings.sync {
                Some(Sync::Ack) => Flow::Wait,
                _ => self.progress(request),
            },
            Method::Get | Method::Head if subscribes && methods.get => self.read(request),
            Method::Options => self.options(request),
            Method::Post | Method::Put | Method::Delete if publishes => match self.admit(request) {
                Ok(()) => Flow::Wait,
                Err(flow) => flow,
            },
            Method::Post if subscribes && methods.post => Flow::Wait,
            _ => {
                self.cors.origins.add_fields(request);
                refuse_method(request, self.methods())
            }
        }
    }

    fn wait<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Flow> {
        match exchange.request.method {
            Method::Head => Box::pin(self.progress_kept(exchange)),
            Method::Delete => Box::pin(self.delete(exchange)),
            _ if self.publish.is_some() => Box::pin(publish::publish(self, exchange)),
            _ => Box::pin(self.read_by_post(exchange)),
        }
    }
}

impl Endpoint {
    /// A stream that is asked for by POST. What its body says is for others that may be asked so.
    async fn read_by_post(&self, exchange: &mut Exchange) -> Flow {
        match exchange.read_body(self.settings.max_message).await {
            Ok(_) => self.read(&mut exchange.request),
            Err(413) => self.problem(&mut exchange.request, 413, "the body is too large"),
            Err(status) => Flow::Status(status),
        }
    }

    /// How far a key has come on the disk.
    async fn progress_kept(&self, exchange: &mut Exchange) -> Flow {
        let request = &mut exchange.request;
        match self.hub() {
            Ok(hub) => {
                match hub.disk.kept(self.settings.sync, hub.attachment.zone().newest()).await {
                    Ok(()) => self.progress(request),
                    Err(_) => {
                        self.problem(request, 503, "the events could not be brought to the disk")
                    }
                }
            }
            Err(flow) => flow,
        }
    }

    /// The hub of this worker; the error is the answer.
    pub fn hub(&self) -> Result<&'static Hub, Flow> {
        self.zone.hub().ok_or_else(|| {
            log_missing();
            Flow::Status(500)
        })
    }

    fn read(&self, request: &mut Request) -> Flow {
        let accept = request.header_list("accept");
        let figures = proto::accept::names(&accept, manage::FIGURES)
            && request.header(Name::Upgrade).is_none();
        let selection = Selection::evaluate(&self.subscribe, request, self.settings.rules);
        let selection = match selection {
            Ok(selection) => selection,
            Err(error) => return self.refuse_name(request, error),
        };
        if !figures {
            return subscribe::subscribe(self, request, &selection);
        }
        let may = match self.settings.figures {
            Figures::All => true,
            Figures::Publishers => self.publish.is_some() && self.may_publish(request),
            Figures::Off => false,
        };
        match may {
            true => manage::figures(self, request, &selection),
            false => self.problem(request, 403, "the figures are not for everybody (sse_figures)"),
        }
    }

    fn progress(&self, request: &mut Request) -> Flow {
        match self.admit(request).and_then(|()| self.channel(request)) {
            Ok(channel) => progress::tell(self, request, &channel),
            Err(flow) => flow,
        }
    }

    async fn delete(&self, exchange: &mut Exchange) -> Flow {
        let request = &mut exchange.request;
        match self.channel(request) {
            Ok(channel) => manage::end(self, request, &channel).await,
            Err(flow) => flow,
        }
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
        if status == 503 {
            // What stands in the way is a matter of moments: a zone that moves, a disk that is behind.
            request.response.add_header("Retry-After", text("1"));
        }
        self.json(request, status, &body)
    }

    /// An answer in JSON.
    pub fn json(&self, request: &mut Request, status: u16, body: &[u8]) -> Flow {
        self.answer(request, status, text("application/json"), body)
    }

    /// An answer that nobody keeps.
    pub fn answer(&self, request: &mut Request, status: u16, kind: Str, body: &[u8]) -> Flow {
        let body = request.pool.copy(body);
        request.response.set_body(status, kind, body);
        request.response.add_header("Cache-Control", text("no-store"));
        self.cors.origins.add_fields(request);
        Flow::Respond
    }

    fn methods(&self) -> &'static str {
        let Methods { get, post } = self.settings.methods;
        match (!self.subscribe.is_empty(), self.publish.is_some()) {
            (true, true) if get => "GET, HEAD, POST, PUT, DELETE, OPTIONS",
            (_, true) => "HEAD, POST, PUT, DELETE, OPTIONS",
            (_, false) if get && post => "GET, HEAD, POST, OPTIONS",
            (_, false) if post => "POST, OPTIONS",
            (_, false) => "GET, HEAD, OPTIONS",
        }
    }

    fn options(&self, request: &mut Request) -> Flow {
        request.response.set_empty(204);
        request.response.content_length = None;
        request.response.add_header("Allow", text(self.methods()));
        let Cors { origins, headers } = &self.cors;
        origins.add_preflight(request, self.methods(), headers);
        Flow::Respond
    }
}

fn refuse_method(request: &mut Request, methods: &'static str) -> Flow {
    let body = request.pool.copy(b"{\"error\":\"the method is not allowed here\"}\n");
    request.response.set_body(405, text("application/json"), body);
    request.response.add_header("Allow", text(methods));
    Flow::Respond
}
