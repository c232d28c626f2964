//! `hls_live` and `dash_live`: the stream of a location.

use std::rc::Rc;

use http::cors::Origins;
use http::{BoxFuture, Flow, Handler, Request, Template};
use rtmp::{Admitted, Refused};
use sys::log::Level;

use crate::web::addresses::Place;
use crate::web::resource::Resource;
use crate::web::serving::Serving;

/// The handler of a location.
pub struct Live {
    /// `APP/NAME`
    pub stream: Template,
    /// Whose pages may play.
    pub origins: Rc<Origins>,
    /// How long what `on_play` has said holds, in milliseconds.
    pub recheck: u64,
}

impl Handler for Live {
    fn handle(&self, request: &mut Request) -> Flow {
        if let Some(flow) = self.origins.answer_other_methods(request) {
            return flow;
        }
        self.origins.add_fields(request);
        let mut admitted = match self.admitted(request) {
            Ok(admitted) => admitted,
            Err(flow) => return flow,
        };
        match admitted.said() {
            None => return Flow::Wait,
            Some(Err(why)) => return refuse(request, &why),
            Some(Ok(())) => {}
        }
        match serving(request, &admitted) {
            Ok(serving) if serving.must_wait() => Flow::Wait,
            Ok(serving) => serving.respond(request),
            Err(flow) => flow,
        }
    }

    fn wait<'a>(&'a self, request: &'a mut Request) -> BoxFuture<'a, Flow> {
        Box::pin(async {
            let mut admitted = match self.admitted(request) {
                Ok(admitted) => admitted,
                Err(flow) => return flow,
            };
            if let Err(why) = admitted.ask_if_unknown(self.recheck).await {
                return refuse(request, &why);
            }
            match serving(request, &admitted) {
                Ok(serving) => serving.wait(request).await,
                Err(flow) => flow,
            }
        })
    }
}

impl Live {
    fn admitted(&self, request: &mut Request) -> Result<Admitted, Flow> {
        let path = self.stream.evaluate(request).to_vec();
        rtmp::admit_path(request, &path).map_err(|refused| match refused {
            Refused::NotFound => Flow::Status(404),
            Refused::Denied(why) => refuse(request, why),
        })
    }
}

fn serving(request: &mut Request, admitted: &Admitted) -> Result<Serving, Flow> {
    let resource = Resource::of(&request.uri).ok_or(Flow::Status(404))?;
    Serving::of(request, admitted, resource, Place::Inside)
}

fn refuse(request: &mut Request, why: &str) -> Flow {
    request.error(Level::Error, format_args!("a stream is refused: {why}"));
    Flow::Status(403)
}
