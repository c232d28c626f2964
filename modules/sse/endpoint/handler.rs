//! A location with `sse_subscribe` or `sse_publish`: which of its jobs a request is for.

use std::rc::Rc;

use http::{BoxFuture, Flow, Handler, Request};
use live::Sync;
use mem::Str;
use proto::http1::{Method, Name};

use crate::channels::{NameError, Selection};
use crate::endpoint::manage;
use crate::endpoint::parts::{Cors, Endpoint};
use crate::publish::{handler, progress, sequence};
use crate::settings::values::{Figures, Methods};
use crate::subscribe::begin;
use crate::zone::ZoneConf;

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
            // The answer tells what the channel keeps.
            Method::Head if publishes && sequence::is_asked(request) => match self.settings.sync {
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

    fn wait<'a>(&'a self, request: &'a mut Request) -> BoxFuture<'a, Flow> {
        match request.method {
            Method::Head => Box::pin(self.progress_kept(request)),
            Method::Delete => Box::pin(self.delete(request)),
            _ if self.publish.is_some() => Box::pin(handler::publish(self, request)),
            _ => Box::pin(self.read_by_post(request)),
        }
    }
}

impl Endpoint {
    /// A stream that is asked for by POST. What its body says is for others that may be asked so.
    async fn read_by_post(&self, request: &mut Request) -> Flow {
        match request.read_body(self.settings.max_message).await.map_err(|error| error.status()) {
            Ok(_) => self.read(request),
            Err(413) => self.problem(request, 413, "the body is too large"),
            Err(status) => Flow::Status(status),
        }
    }

    /// How far a key has come on the disk.
    async fn progress_kept(&self, request: &mut Request) -> Flow {
        match self.hub() {
            Ok(hub) => {
                match hub
                    .disk
                    .wait_for_sync(self.settings.sync, hub.attachment.zone().newest())
                    .await
                {
                    Ok(()) => self.progress(request),
                    Err(_) => {
                        self.problem(request, 503, "the events could not be brought to the disk")
                    }
                }
            }
            Err(flow) => flow,
        }
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
            return begin::subscribe(self, request, &selection);
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

    async fn delete(&self, request: &mut Request) -> Flow {
        match self.channel(request) {
            Ok(channel) => manage::end(self, request, &channel).await,
            Err(flow) => flow,
        }
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
        request.response.add_header("Allow", Str::from(self.methods()));
        let Cors { origins, headers } = &self.cors;
        origins.add_preflight(request, self.methods(), headers);
        Flow::Respond
    }
}

fn refuse_method(request: &mut Request, methods: &'static str) -> Flow {
    let body = request.pool.copy(b"{\"error\":\"the method is not allowed here\"}\n");
    request.response.set_body(405, Str::from("application/json"), body);
    request.response.add_header("Allow", Str::from(methods));
    Flow::Respond
}
