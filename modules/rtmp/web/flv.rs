//! `flv_live`: a stream as FLV, in the body of an answer or in WebSocket messages.

use std::rc::Rc;

use http::cors::Origins;
use http::{BoxFuture, Flow, Handler, Request, Template, websocket};

use crate::name;
use crate::play::output::Container;
use crate::web::admit::{self, Admitted, Refused};
use crate::web::playing;
use proto::query;

/// The handler of a location.
pub struct Live {
    /// `APP/NAME`; `None`: by arguments.
    pub stream: Option<Template>,
    /// Whose pages may play.
    pub origins: Rc<Origins>,
}

impl Handler for Live {
    fn handle(&self, request: &mut Request) -> Flow {
        if let Some(flow) = self.origins.answer_other_methods(request) {
            return flow;
        }
        let admitted = match self.admit(request) {
            Ok(admitted) => admitted,
            Err(flow) => return flow,
        };
        if admitted.must_ask() && !request.is_head() {
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
            if let Err(why) = admitted.ask().await {
                return self.refuse(request, &why);
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
        if !websocket::is_upgrade(request) {
            self.origins.add_fields(request);
            return playing::respond(request, admitted, Container::Flv);
        }
        if !self.origins.admit(request) {
            return self.refuse(request, "pages of this origin may not play here");
        }
        playing::upgrade(request, admitted)
    }
}
