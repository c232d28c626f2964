//! `flv_live`: a stream as FLV, in the body of an answer or in WebSocket messages.

use std::rc::Rc;

use http::cors::{AllowedHeaders, Origins};
use http::{BoxFuture, Flow, Handler, Request, Template, websocket};
use mem::Str;
use proto::http1::Method;

use crate::hooks::call::{self, Verdict};
use crate::hooks::hook::HookEvent;
use crate::name;
use crate::play::join;
use crate::play::output::OutputFormat;
use crate::web::admit::{self, Admitted, Refused};
use crate::web::viewer::Viewer;
use proto::query;

/// The handler of a location.
pub struct Live {
    /// `APP/NAME`; `None`: by arguments.
    pub stream: Option<Template>,
    /// Whose pages may play.
    pub origins: Rc<Origins>,
}

/// What a page of another origin may send.
const HEADERS: &str = "Content-Type, Cache-Control, Authorization, Range";

impl Handler for Live {
    fn handle(&self, request: &mut Request) -> Flow {
        match request.method {
            Method::Get | Method::Head => {}
            Method::Options => {
                request.response.set_empty(204);
                request.response.content_length = None;
                request.response.add_header("Allow", Str::from("GET, HEAD, OPTIONS"));
                let headers = AllowedHeaders::named(HEADERS);
                self.origins.add_preflight(request, "GET, HEAD, OPTIONS", &headers);
                return Flow::Respond;
            }
            _ => {
                request.response.add_header("Allow", Str::from("GET, HEAD, OPTIONS"));
                return Flow::Status(405);
            }
        }
        let admitted = match self.admit(request) {
            Ok(admitted) => admitted,
            Err(flow) => return flow,
        };
        if admitted.app.hooks.has(HookEvent::Play) && !request.is_head() {
            // The hook is asked in the slow path, which finds all this out again.
            return Flow::Wait;
        }
        self.answer(request, admitted)
    }

    fn wait<'a>(&'a self, request: &'a mut Request) -> BoxFuture<'a, Flow> {
        Box::pin(async {
            let mut admitted = match self.admit(request) {
                Ok(admitted) => admitted,
                Err(flow) => return flow,
            };
            let Admitted { app, client, what, .. } = &admitted;
            match call::ask(&app.hooks, HookEvent::Play, client, what).await {
                Verdict::Yes => {}
                Verdict::No(why) => return self.refuse(request, &why),
                Verdict::Instead(name, args) => admitted.what.rename(name, args),
            }
            self.answer(request, admitted)
        })
    }
}

impl Live {
    fn admit(&self, request: &mut Request) -> Result<Admitted, Flow> {
        let (app, port, name) = self.asked(request).ok_or(Flow::Status(404))?;
        admit::admit(request, &app, port, name).map_err(|refused| match refused {
            Refused::NotFound => Flow::Status(404),
            Refused::Denied(why) => self.refuse(request, why),
        })
    }

    /// Application, port and name.
    fn asked(&self, request: &mut Request) -> Option<(Vec<u8>, Option<u16>, Vec<u8>)> {
        if let Some(stream) = &self.stream {
            let path = stream.evaluate(request);
            let at = path.iter().position(|&byte| byte == b'/')?;
            return Some((path[..at].to_vec(), None, name::join(&[&path[at + 1..]])));
        }
        // As nginx-http-flv has it: ?port=1935&app=live&stream=name
        let query = request.args.clone();
        let (app, name) = (query::get(&query, b"app")?, query::get(&query, b"stream")?);
        let port = query::get(&query, b"port").map(|port| {
            std::str::from_utf8(&port).ok().and_then(|port| port.parse::<u16>().ok()).unwrap_or(0)
        });
        Some((app, port, name::join(&[&name])))
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
        let chunks = request.has_chunks();
        let chunk_streams = if chunks { OutputFormat::FlvChunks } else { OutputFormat::Flv };
        if request.is_head() {
            self.head(request);
            return Flow::Respond;
        }
        let Some(viewer) = Self::viewer(admitted, chunk_streams) else {
            self.origins.add_fields(request);
            return Flow::Status(404);
        };
        self.head(request);
        request.response.takeover = Some(Box::new(viewer));
        Flow::Respond
    }

    /// The head of a stream. What stands between us and the client must neither keep it nor change it.
    fn head(&self, request: &mut Request) {
        let response = &mut request.response;
        response.status = 200;
        response.streaming = true;
        response.content_type = Some(Str::from("video/x-flv"));
        response.add_header("Cache-Control", Str::from("no-cache, no-transform"));
        response.add_header("X-Accel-Buffering", Str::from("no"));
        self.origins.add_fields(request);
    }

    fn upgrade(&self, request: &mut Request, admitted: Admitted) -> Flow {
        if !self.origins.admit(request) {
            return self.refuse(request, "pages of this origin may not play here");
        }
        if let Err(status) = websocket::accept(request, &[]) {
            return Flow::Status(status);
        }
        let Some(viewer) = Self::viewer(admitted, OutputFormat::FlvSocket) else {
            request.response.reset();
            return Flow::Status(404);
        };
        request.response.streaming = false;
        request.response.takeover = Some(Box::new(viewer));
        Flow::Respond
    }

    /// Joins the stream; `None`: there is none.
    fn viewer(admitted: Admitted, format: OutputFormat) -> Option<Viewer> {
        let Admitted { running, app, client, what } = admitted;
        let joined = join::join(running.hub, app, &what.name)?;
        if !joined.live && !app.idle_streams {
            return None;
        }
        Some(Viewer { running, app, client, what, joined: Some(joined), format })
    }
}
