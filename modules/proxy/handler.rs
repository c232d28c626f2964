//! A request that is passed on.
#![allow(
    clippy::large_futures,
    reason = "all that a request waits for here is one future, in the heap once"
)]

use std::rc::Rc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{BoxFuture, Flow, LogLevel, Request};
use mem::{Buf, Chain, Str};
use proto::http1::{Body as Framing, Method, Name};
use upstream::{Ask, Encryption, Fetcher, Outgoing, Passing, Protocol, Purpose, Reply};

use crate::head::Version;
use crate::pass::{Destination, Known, Pass, Scheme};
use crate::proxying::Proxying;
use crate::{redirect, uri};

/// The handler.
pub struct Handler(pub Rc<Proxying>);

impl http::Handler for Handler {
    fn handle(&self, request: &mut Request) -> Flow {
        upstream::at_once(&self.0, request).unwrap_or(Flow::Wait)
    }

    fn wait<'a>(&'a self, request: &'a mut Request) -> BoxFuture<'a, Flow> {
        Box::pin(
            async move { upstream::serve(&self.0, request).await.unwrap_or_else(Flow::Status) },
        )
    }

    fn outlives_client(&self) -> bool {
        self.0.passing.settings.ignore_client_abort || self.0.passing.caching.is_some()
    }
}

impl Fetcher for Proxying {
    fn passing(&self) -> &Passing {
        &self.passing
    }

    /// Where it goes, and the URI as it goes out.
    fn key(&self, request: &mut Request) -> Result<Str, u16> {
        let place = self.pass.place(request)?;
        let mut key = [place.scheme.name().as_bytes(), b"://", &place.names.host].concat();
        uri::write(request, &place, self.prefix, &mut key).map_err(|why| fail(request, why))?;
        Ok(Str::from(key))
    }

    async fn fetch(&self, request: &mut Request, purpose: Purpose<'_>) -> Result<Reply, u16> {
        let passing = &self.passing;
        let destination = self.pass.of(request, passing).await?;
        if let Pass::Variable(_) = self.pass {
            request.context::<Known>().0 = Some(destination.place.names.clone());
        }
        if request.is_tunnel {
            ask_for_web_socket(request);
        }
        let (body, length) = self.body(request).await?;
        let method = self.method(request, purpose);
        let head = self.head(request, &destination, &method, length, purpose)?;
        let encryption = self.encryption(request, &destination)?;
        let upgrades = asks_for_upgrade(request, &head);
        let (method, scheme) = (Method::of(&method), destination.place.scheme.name());
        let protocol = Protocol::Http;
        let mut ask = Ask { protocol, head, body, method, upgrades, scheme, encryption };
        let reply = passing.ask(request, &destination.upstream, &mut ask, purpose).await;
        if self.body.is_none() && passing.passes_body {
            passing.give_back(request, ask.body);
        }
        reply
    }

    fn change(&self, request: &mut Request, name: Name, value: &Str) -> Option<Str> {
        match name {
            Name::Location => redirect::location(&self.rules, request, value),
            Name::Refresh => redirect::refresh(&self.rules, request, value),
            Name::SetCookie if !self.cookies.is_empty() => {
                Some(self.cookies.change(request, value))
            }
            _ => None,
        }
    }
}

impl Proxying {
    fn encryption(
        &self,
        request: &mut Request,
        destination: &Destination,
    ) -> Result<Option<Encryption>, u16> {
        let encrypting =
            self.encrypting.as_ref().filter(|_| destination.place.scheme == Scheme::Https);
        encrypting.map(|one| one.of(request, &destination.place.names.host)).transpose()
    }

    async fn body(&self, request: &mut Request) -> Result<(Outgoing, Option<u64>), u16> {
        let own = match &self.body {
            Some(template) => Some(template.evaluate(request)),
            None if !self.passing.passes_body => Some(Str::EMPTY),
            None => None,
        };
        if let Some(own) = own {
            let length = own.len() as u64;
            let mut chain = Chain::new();
            chain.push(Buf::memory(own));
            return Ok((Outgoing::Kept(chain), Some(length)));
        }
        // HTTP/1.0 has no chunks.
        let is_old = self.version == Version::V10 && request.framing == Framing::Chunked;
        let buffering = self.passing.settings.request_buffering || is_old;
        self.passing.body(request, buffering).await
    }

    fn method(&self, request: &mut Request, purpose: Purpose<'_>) -> Str {
        match &self.method {
            Some(template) => template.evaluate(request),
            None if request.method == Method::Head && purpose.converts_head() => {
                Str::from_static(b"GET")
            }
            None => {
                if request.method == Method::Get && request.request_line().starts_with(b"GET ") {
                    return Str::from_static(b"GET");
                }
                let line = request.request_line();
                let end = line.iter().position(|&byte| byte == b' ').unwrap_or(line.len());
                // The page of an error is asked for with GET, whatever the client has sent.
                match (request.method, &line[..end]) {
                    (Method::Get, sent) if sent != b"GET" => Str::from_static(b"GET"),
                    (_, sent) => Str::copy(sent),
                }
            }
        }
    }

    fn head(
        &self,
        request: &mut Request,
        destination: &Destination,
        method: &Str,
        length: Option<u64>,
        purpose: Purpose<'_>,
    ) -> Result<Str, u16> {
        let is_method =
            |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
        if method.is_empty() || !method.iter().all(is_method) {
            return Err(fail(request, "invalid method in \"proxy_method\""));
        }
        let mut head = Vec::with_capacity(512 + request.bytes.len());
        head.extend_from_slice(method);
        head.push(b' ');
        uri::write(request, &destination.place, self.prefix, &mut head)
            .map_err(|why| fail(request, why))?;
        head.extend_from_slice(match self.version {
            Version::V10 => b" HTTP/1.0\r\n",
            Version::V11 => b" HTTP/1.1\r\n",
        });
        self.fields.render(request, &destination.place.names, length, purpose, &mut head);
        Ok(Str::from(head))
    }
}

fn fail(request: &Request, why: &str) -> u16 {
    request.error(LogLevel::Error, format_args!("{why}"));
    500
}

/// Whether the client asks for another protocol, and what goes out says so.
fn asks_for_upgrade(request: &Request, head: &[u8]) -> bool {
    const FIELD: &[u8] = b"\r\nupgrade: ";
    let is_asked = request.header(Name::Upgrade).is_some()
        && (request.version() == http::Version::V11 || request.is_tunnel)
        && !request.is_subrequest();
    is_asked && head.windows(FIELD.len()).any(|part| part.eq_ignore_ascii_case(FIELD))
}

/// A WebSocket by a stream of HTTP/2 (RFC 8441) asks in its own way: peers of HTTP/1 are asked in theirs (RFC 6455 §4.1).
fn ask_for_web_socket(request: &mut Request) {
    if request.header(Name::Upgrade).is_none() {
        request.add_field(b"Upgrade", b"websocket");
        request.add_field(b"Connection", b"Upgrade");
        let key = BASE64.encode(sys::random::number().to_ne_bytes());
        request.add_field(b"Sec-WebSocket-Key", key.as_bytes());
    }
}
