//! `rtmp_stat`: streams and clients of all workers, as one picture.

use http::{BoxFuture, Flow, Handler, Request};
use mem::Str;
use proto::http1::{Method, Name};

use crate::running::running;
use crate::web::picture::{Parts, Picture};
use crate::web::{json, xml};
use proto::query;

/// The handler of a location.
pub struct Stat {
    /// A style sheet for the XML.
    pub stylesheet: Option<String>,
    /// The form.
    pub format: Format,
    /// What is shown.
    pub parts: Parts,
}

/// `rtmp_stat_format`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// nginx-rtmp's, unless the client asks for JSON.
    Xml,
    /// JSON.
    Json,
}

impl Handler for Stat {
    fn handle(&self, request: &mut Request) -> Flow {
        match request.method {
            Method::Get | Method::Head => Flow::Wait,
            _ => Flow::Status(405),
        }
    }

    fn wait<'a>(&'a self, request: &'a mut Request) -> BoxFuture<'a, Flow> {
        Box::pin(async {
            let Some(running) = running() else { return Flow::Status(404) };
            let Some(replies) = running.call(b"call=stat").await else {
                return Flow::Status(503);
            };
            let mut picture = Picture::of(running, &replies.all);
            picture.totals.insert("unanswered", replies.missing as u64);
            picture.parts = self.parts;
            let accept = request.header(Name::Accept).unwrap_or_default();
            let as_json =
                self.format == Format::Json || proto::accept::prefers_json(accept) || asks(request);
            let (kind, body) = match as_json {
                true => ("application/json", json::render(&picture)),
                false => ("text/xml", xml::render(&picture, self.stylesheet.as_deref())),
            };
            let body = request.pool.copy(&body);
            request.response.set_body(200, Str::from(kind), body);
            request.response.add_header("Cache-Control", Str::from("no-store"));
            request.response.add_header("Vary", Str::from("Accept"));
            Flow::Respond
        })
    }
}

fn asks(request: &Request) -> bool {
    query::get(&request.args, b"format").as_deref() == Some(b"json")
}
