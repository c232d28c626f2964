//! Requests that scripts answer (FastCGI, SCGI, uwsgi): from a location to the response.
#![allow(
    clippy::large_futures,
    reason = "all that a request waits for here is one future, in the heap once"
)]

use std::rc::Rc;

use http::{BoxFuture, Flow, Handler, Hooks, LogLevel, Phase, Request, Version};
use mem::{Chain, Str};
use proto::cgi::BadVariables;
use proto::http1::{Body as Framing, Name};

use crate::caching::purpose::Purpose;
use crate::caching::serve::{Fetcher, at_once, serve};
use crate::encryption::Encryption;
use crate::exchange::{Ask, Reply};
use crate::params::{Params, Told};
use crate::passing::Passing;
use crate::place::Place;
use crate::protocol::Protocol;
use crate::sending::Outgoing;
use crate::settings::folder;
use crate::upstreams::Upstreams;

/// What one family does in its own way.
pub trait Family: 'static {
    /// Whether a body may be sent whose length nobody knows yet.
    const STREAMS_CHUNKS: bool;

    /// What messages call the protocol.
    fn scheme(&self) -> &'static str;

    /// What peers speak.
    fn protocol(&self) -> Protocol;

    /// Appends what goes out before a body of this length.
    fn head(
        &self,
        request: &mut Request,
        told: Told<'_>,
        length: Option<u64>,
        out: &mut Vec<u8>,
    ) -> Result<(), BadVariables>;

    /// How peers are encrypted at a place, which is how variables have called it. The error is a status.
    fn encryption(&self, request: &mut Request, place: &str) -> Result<Option<Encryption>, u16> {
        let _ = (request, place);
        Ok(None)
    }

    /// What a word with variables has come to, without what stands before the place.
    fn strip(text: &str) -> &str {
        text
    }
}

/// A location whose requests scripts answer.
pub struct Script<F> {
    /// Where they go.
    pub place: Place,
    /// What is told of them.
    pub params: Params,
    /// What all families have in common.
    pub passing: Passing,
    /// What this one does in its own way.
    pub family: F,
}

/// Its handler.
struct Scripts<F>(Rc<Script<F>>);

impl<F: Family> Handler for Scripts<F> {
    fn handle(&self, request: &mut Request) -> Flow {
        at_once(&self.0, request).unwrap_or(Flow::Wait)
    }

    fn wait<'a>(&'a self, request: &'a mut Request) -> BoxFuture<'a, Flow> {
        Box::pin(async move { serve(&self.0, request).await.unwrap_or_else(Flow::Status) })
    }

    fn outlives_client(&self) -> bool {
        self.0.passing.settings.ignore_client_abort || self.0.passing.caching.is_some()
    }
}

impl<F: Family> Script<F> {
    /// Has it answer the requests of a location. `temp_path`: the directive that says where what does not fit into memory is.
    pub fn install(self, temp_path: &str, hooks: &mut Hooks<'_, '_>) {
        hooks.setup().shared::<Upstreams>().install(hooks);
        hooks.keeps_bodies();
        let folder = folder(&self.passing.settings.temp_path, temp_path);
        hooks.setup().folder(folder);
        hooks.on(Phase::Content, Scripts(Rc::new(self)));
    }

    async fn body(&self, request: &mut Request) -> Result<(Outgoing, Option<u64>), u16> {
        if !self.passing.passes_body {
            return Ok((Outgoing::Kept(Chain::new()), Some(0)));
        }
        let is_unknown = request.framing == Framing::Chunked || request.body.len().is_none();
        let buffering =
            self.passing.settings.request_buffering || (is_unknown && !F::STREAMS_CHUNKS);
        self.passing.body(request, buffering).await
    }

    fn head(
        &self,
        request: &mut Request,
        length: Option<u64>,
        purpose: Purpose<'_>,
    ) -> Result<Str, u16> {
        let mut head = Vec::with_capacity(1024 + request.bytes.len());
        let told = Told { params: &self.params, purpose };
        match self.family.head(request, told, length, &mut head) {
            Ok(()) => Ok(Str::from(head)),
            Err(why) => {
                request.error(LogLevel::Alert, format_args!("{why}"));
                Err(500)
            }
        }
    }
}

impl<F: Family> Fetcher for Script<F> {
    fn passing(&self) -> &Passing {
        &self.passing
    }

    /// There is none that would fit all applications: the configuration has to say one.
    fn key(&self, _: &mut Request) -> Result<Str, u16> {
        Err(500)
    }

    fn change(&self, _: &mut Request, _: Name, _: &Str) -> Option<Str> {
        None
    }

    async fn fetch(&self, request: &mut Request, purpose: Purpose<'_>) -> Result<Reply, u16> {
        let (upstream, place) = self.passing.upstream(request, &self.place, F::strip).await?;
        let (body, length) = self.body(request).await?;
        let head = self.head(request, length, purpose)?;
        let mut ask = Ask {
            protocol: self.family.protocol(),
            head,
            body,
            method: request.method,
            upgrades: asks_for_upgrade(request),
            scheme: self.family.scheme(),
            encryption: self.family.encryption(request, &place)?,
        };
        let reply = self.passing.ask(request, &upstream, &mut ask, purpose).await;
        if self.passing.passes_body {
            self.passing.give_back(request, ask.body);
        }
        reply
    }
}

fn asks_for_upgrade(request: &Request) -> bool {
    let is_asked = request.header(Name::Upgrade).is_some() && !request.is_subrequest();
    is_asked && request.version() == Version::V11
}
