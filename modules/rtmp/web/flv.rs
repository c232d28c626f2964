//! `flv_live`: a stream as FLV, in the body of an answer or in WebSocket messages.

use std::rc::Rc;

use http::{BoxFuture, Exchange, Flow, Handler, Request, Template, Version};
use mem::{Buf, Str};
use proto::flv;
use proto::http1::{Method, Name};
use sse::cors::Origins;
use sse::websocket;

use super::text;
use super::viewer::Viewer;
use crate::access::Deed;
use crate::args;
use crate::client::{Asked, Client, Hello};
use crate::instance::{Running, running};
use crate::join;
use crate::name;
use crate::notify::{self, Event, Verdict};
use crate::session::permitted;
use crate::settings::App;
use crate::wire::{self, Wire};

/// The handler of a location.
pub struct Live {
    /// `APP/NAME`; `None`: by arguments.
    pub stream: Option<Template>,
    /// Whose pages may play.
    pub origins: Rc<Origins>,
}

/// A stream that a request asks for, and that its client may play.
struct Admitted {
    running: &'static Running,
    app: &'static App,
    client: Rc<Client>,
    what: Asked,
}

impl Handler for Live {
    fn handle(&self, request: &mut Request) -> Flow {
        match request.method {
            Method::Get | Method::Head => {}
            Method::Options => {
                request.response.set_empty(204);
                request.response.content_length = None;
                request.response.add_header("Allow", text("GET, HEAD, OPTIONS"));
                self.origins.add_preflight(request, "GET, HEAD, OPTIONS");
                return Flow::Respond;
            }
            _ => {
                request.response.add_header("Allow", text("GET, HEAD, OPTIONS"));
                return Flow::Status(405);
            }
        }
        let admitted = match self.admit(request) {
            Ok(admitted) => admitted,
            Err(flow) => return flow,
        };
        if admitted.app.hooks.has(Event::Play) && !request.is_head() {
            // The hook is asked in the slow path, which finds all this out again.
            return Flow::Wait;
        }
        self.answer(request, admitted)
    }

    fn wait<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Flow> {
        Box::pin(async {
            let mut admitted = match self.admit(&mut exchange.request) {
                Ok(admitted) => admitted,
                Err(flow) => return flow,
            };
            let Admitted { app, client, what, .. } = &admitted;
            match notify::ask(&app.hooks, Event::Play, client, what).await {
                Verdict::Yes => {}
                Verdict::No => return self.refuse(&mut exchange.request, "on_play is against it"),
                Verdict::Instead(name) => admitted.what.name = name,
            }
            self.answer(&mut exchange.request, admitted)
        })
    }
}

impl Live {
    fn admit(&self, request: &mut Request) -> Result<Admitted, Flow> {
        let running = running().ok_or(Flow::Status(404))?;
        let (app, server, name) = self.asked(request).ok_or(Flow::Status(404))?;
        let app = running.app(&app, server).ok_or(Flow::Status(404))?;
        let args = request.args.to_vec();
        let start = -1.0;
        let what = Asked { name, args, start, since: rt::wall(), ..Asked::default() };
        if !name::is_valid(&what.name) {
            return Err(Flow::Status(404));
        }
        if let Err(why) = permitted(app, Deed::Play, request.peer(), &what, None) {
            return Err(self.refuse(request, why));
        }
        let client = Client::new(request.conn, u32::MAX, app.server);
        client.peer.set(request.peer());
        client.app.set(Some(app));
        *client.hello.borrow_mut() = hello(request);
        Ok(Admitted { running, app, client: Rc::new(client), what })
    }

    /// Application, server and name.
    fn asked(&self, request: &mut Request) -> Option<(Vec<u8>, Option<usize>, Vec<u8>)> {
        if let Some(stream) = &self.stream {
            let path = stream.evaluate(request);
            let at = path.iter().position(|&byte| byte == b'/')?;
            return Some((path[..at].to_vec(), None, path[at + 1..].to_vec()));
        }
        // As nginx-http-flv has it: ?port=1935&app=live&stream=name
        let query = request.args.clone();
        let (app, name) = (args::get(&query, b"app")?, args::get(&query, b"stream")?);
        let port = args::get(&query, b"port").map(|port| {
            std::str::from_utf8(&port).ok().and_then(|port| port.parse::<u16>().ok()).unwrap_or(0)
        });
        let server = match port {
            None => None,
            Some(port) => Some(running()?.server_of_port(port)?),
        };
        Some((app, server, name))
    }

    fn refuse(&self, request: &mut Request, why: &str) -> Flow {
        request.error(sys::log::Level::Error, format_args!("a stream is refused: {why}"));
        self.origins.add_fields(request);
        Flow::Status(403)
    }

    fn answer(&self, request: &mut Request, admitted: Admitted) -> Flow {
        if websocket::is_upgrade(request) {
            return self.upgrade(request, admitted);
        }
        let chunks = request.version() >= Version::V11;
        let lane = if chunks { Wire::FlvChunks } else { Wire::Flv };
        if request.is_head() {
            self.head(request);
            return Flow::Respond;
        }
        let Some(viewer) = Self::viewer(admitted, lane, None) else {
            self.origins.add_fields(request);
            return Flow::Status(404);
        };
        self.head(request);
        let mut bytes = Vec::with_capacity(32);
        begin(&mut bytes, lane);
        let bytes = request.pool.copy(&bytes);
        request.response.body.push(Buf::memory(bytes));
        request.response.takeover = Some(Box::new(viewer));
        Flow::Respond
    }

    /// The head of a stream. What stands between us and the client must neither keep it nor change it.
    fn head(&self, request: &mut Request) {
        let response = &mut request.response;
        response.status = 200;
        response.streaming = true;
        response.content_type = Some(text("video/x-flv"));
        response.add_header("Cache-Control", text("no-cache, no-transform"));
        response.add_header("X-Accel-Buffering", text("no"));
        self.origins.add_fields(request);
    }

    fn upgrade(&self, request: &mut Request, admitted: Admitted) -> Flow {
        if !self.origins.admit(request) {
            return self.refuse(request, "pages of this origin may not play here");
        }
        if let Err(status) = websocket::accept(request) {
            return Flow::Status(status);
        }
        let mut first = Vec::with_capacity(32);
        begin(&mut first, Wire::FlvSocket);
        let Some(viewer) = Self::viewer(admitted, Wire::FlvSocket, Some(first)) else {
            request.response.reset();
            return Flow::Status(404);
        };
        request.response.streaming = false;
        request.response.takeover = Some(Box::new(viewer));
        Flow::Respond
    }

    /// Joins the stream; `None`: there is none.
    fn viewer(admitted: Admitted, wire: Wire, first: Option<Vec<u8>>) -> Option<Viewer> {
        let Admitted { running, app, client, what } = admitted;
        let joined = join::join(running.hub, app, &what.name)?;
        if !joined.live && !app.idle_streams {
            running.hub.attachment.unsubscribe(joined.id);
            return None;
        }
        Some(Viewer { running, app, client, what, joined: Some(joined), wire, first })
    }
}

/// The head of an FLV file. What it tells of tracks is taken back by the tags.
fn begin(out: &mut Vec<u8>, lane: Wire) {
    let header = flv::header(true, true);
    wire::open(out, lane, header.len());
    out.extend_from_slice(&header);
    wire::close(out, lane);
}

/// What an HTTP client says of itself, in RTMP's words.
fn hello(request: &Request) -> Hello {
    let header = |name: Name| request.header(name).unwrap_or_default().to_vec();
    let uri: Str = Str::copy(request.request_uri());
    let url = [b"http://", &header(Name::Host)[..], &uri[..]].concat();
    Hello {
        args: request.args.to_vec(),
        flash_version: header(Name::UserAgent),
        page_url: header(Name::Referer),
        tc_url: url,
        ..Hello::default()
    }
}
