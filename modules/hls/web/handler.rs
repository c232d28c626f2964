//! `hls_live` and `dash_live`: the stream of a location.

use std::rc::Rc;

use http::cors::Origins;
use http::{BoxFuture, Flow, Handler, Request, Template};
use rtmp::Refused;

use crate::web::addresses::Place;
use crate::web::resource::Resource;
use crate::web::serving::Serving;

/// The handler of a location.
pub struct Live {
    /// `APP/NAME`
    pub stream: Template,
    /// Whose pages may play.
    pub origins: Rc<Origins>,
}

impl Handler for Live {
    fn handle(&self, request: &mut Request) -> Flow {
        if let Some(flow) = self.origins.answer_other_methods(request) {
            return flow;
        }
        self.origins.add_fields(request);
        match self.asked(request) {
            Ok(asked) if asked.must_wait() => Flow::Wait,
            Ok(asked) => asked.respond(request),
            Err(flow) => flow,
        }
    }

    fn wait<'a>(&'a self, request: &'a mut Request) -> BoxFuture<'a, Flow> {
        Box::pin(async {
            match self.asked(request) {
                Ok(asked) => asked.wait(request).await,
                Err(flow) => flow,
            }
        })
    }
}

impl Live {
    fn asked(&self, request: &mut Request) -> Result<Serving, Flow> {
        let path = self.stream.evaluate(request).to_vec();
        let admitted = rtmp::admit_path(request, &path).map_err(|refused| match refused {
            Refused::NotFound => Flow::Status(404),
            Refused::Denied(why) => {
                let what = format_args!("a stream is refused: {why}");
                request.error(sys::log::Level::Error, what);
                Flow::Status(403)
            }
        })?;
        let resource = Resource::of(&request.uri).ok_or(Flow::Status(404))?;
        Serving::of(request, &admitted, resource, Place::Inside)
    }
}
