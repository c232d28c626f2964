//! How far a publisher's key has come, for one that comes back.

use http::{Flow, Request};
use mem::Str;

use crate::endpoint::parts::Endpoint;
use crate::publish::sequence::{ends, events, key, stored_id};

/// Tells how far a key has come.
pub fn tell(endpoint: &Endpoint, request: &mut Request, channel: &[u8]) -> Flow {
    let zone = match endpoint.hub() {
        Ok(hub) => hub.attachment.zone(),
        Err(flow) => return flow,
    };
    let key = match key(request) {
        Ok(key) => key.unwrap_or_default(),
        Err(why) => return endpoint.problem(request, 400, why),
    };
    let progress = zone.progress(channel, zone.key(&key));
    endpoint.cors.origins.add_fields(request);
    let response = &mut request.response;
    response.set_empty(204);
    response.content_length = None;
    response.add_header("Cache-Control", Str::from("no-store"));
    let offset = events(progress).max(u32::from(progress.is_some_and(|found| found.place == 0)));
    response.add_header("Event-Offset", Str::copy(offset.to_string().as_bytes()));
    if let Some(progress) = progress {
        response.add_header("Event-ID", Str::copy(&stored_id(zone, channel, progress.seq)));
        if ends(&progress) {
            response.add_header("Event-End", Str::from("true"));
        }
    }
    if endpoint.cors.origins.knows(request) {
        let exposed = Str::from("Event-Offset, Event-ID, Event-End");
        request.response.add_header("Access-Control-Expose-Headers", exposed);
    }
    Flow::Respond
}
