//! The answer that is a stream: a file without an end in its body, or FLV in WebSocket messages.

use http::{Flow, Request, websocket};
use mem::Str;

use crate::play::join;
use crate::play::output::{Container, Framing, OutputFormat};
use crate::web::admit::Admitted;
use crate::web::viewer::Viewer;

/// Answers with a stream that the client may play.
pub fn respond(request: &mut Request, admitted: Admitted, container: Container) -> Flow {
    let framing = if request.has_chunks() { Framing::Chunks } else { Framing::Plain };
    if request.is_head() {
        head(request, container);
        return Flow::Respond;
    }
    let Some(viewer) = viewer(admitted, OutputFormat::Http(container, framing)) else {
        return Flow::Status(404);
    };
    head(request, container);
    request.response.takeover = Some(Box::new(viewer));
    Flow::Respond
}

/// Answers a handshake of WebSocket. What pages may play is for the caller to say.
pub fn upgrade(request: &mut Request, admitted: Admitted) -> Flow {
    if let Err(status) = websocket::accept(request, &[]) {
        return Flow::Status(status);
    }
    let format = OutputFormat::Http(Container::Flv, Framing::Socket);
    let Some(viewer) = viewer(admitted, format) else {
        request.response.reset();
        return Flow::Status(404);
    };
    request.response.streaming = false;
    request.response.takeover = Some(Box::new(viewer));
    Flow::Respond
}

/// The head of a stream. What stands between us and the client must neither keep it nor change it.
fn head(request: &mut Request, container: Container) {
    let response = &mut request.response;
    response.status = 200;
    response.streaming = true;
    response.content_type = Some(Str::from(container.media_type()));
    response.add_header("Cache-Control", Str::from("no-cache, no-transform"));
    response.add_header("X-Accel-Buffering", Str::from("no"));
}

/// Joins the stream; `None`: there is none.
fn viewer(admitted: Admitted, format: OutputFormat) -> Option<Viewer> {
    let Admitted { running, app, client, what, .. } = admitted;
    let joined = join::join(running.hub, app, &what.name)?;
    if !joined.live && !app.idle_streams {
        return None;
    }
    Some(Viewer { running, app, client, what, joined: Some(joined), format })
}
