//! A request that a value answers.
#![allow(
    clippy::large_futures,
    reason = "all that a request waits for here is one future, in the heap once"
)]

use http::{BoxFuture, Flow, LogLevel, Request, Template};
use mem::{Chain, Str};
use proto::http1::Method;
use proto::memcached;
use upstream::{Ask, Outgoing, Passing, Place, Protocol, Purpose, Reply};

/// The handler.
pub struct Handler {
    /// Where it is asked.
    pub place: Place,
    /// `$memcached_key`
    pub key: Template,
    /// The bits of a value's flags that say that it is compressed; 0: none do.
    pub gzip_flag: u32,
    /// What all families have in common.
    pub passing: Passing,
}

impl http::Handler for Handler {
    fn handle(&self, request: &mut Request) -> Flow {
        match request.method {
            Method::Get | Method::Head => Flow::Wait,
            _ => Flow::Status(405),
        }
    }

    fn wait<'a>(&'a self, request: &'a mut Request) -> BoxFuture<'a, Flow> {
        Box::pin(async move { self.ask(request).await.unwrap_or_else(Flow::Status) })
    }
}

impl Handler {
    /// The error is a status.
    async fn ask(&self, request: &mut Request) -> Result<Flow, u16> {
        let (upstream, _) = self.passing.upstream(request, &self.place, |text| text).await?;
        let key = self.key(request)?;
        let mut head = Vec::with_capacity(key.len() + 8);
        memcached::get(&key, &mut head);
        let mut ask = Ask {
            protocol: Protocol::Memcached { key },
            head: Str::from(head),
            body: Outgoing::Kept(Chain::new()),
            method: request.method,
            upgrades: false,
            scheme: "memcached",
            encryption: None,
        };
        let reply = self.passing.ask(request, &upstream, &mut ask, Purpose::Client).await?;
        Ok(self.answer(request, reply))
    }

    /// The key as it is sent.
    fn key(&self, request: &mut Request) -> Result<Str, u16> {
        let key = self.key.evaluate(request);
        if key.is_empty() {
            request
                .error(LogLevel::Error, format_args!("the \"$memcached_key\" variable is not set"));
            return Err(500);
        }
        let mut escaped = Vec::with_capacity(key.len());
        memcached::escape_key(&key, &mut escaped);
        Ok(Str::from(escaped))
    }

    fn answer(&self, request: &mut Request, reply: Reply) -> Flow {
        let Some(flags) = reply.flags() else {
            let status = reply.head.status;
            reply.end();
            return Flow::Status(status);
        };
        let media_type = request.location().settings.type_of(&request.uri).clone();
        let is_compressed = flags & self.gzip_flag != 0;
        self.passing.answer_plainly(request, reply, |response| {
            response.content_type = Some(media_type);
            if is_compressed {
                response.add_header("Content-Encoding", Str::from_static(b"gzip"));
            }
        })
    }
}
