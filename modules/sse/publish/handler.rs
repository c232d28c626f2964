//! Publishing: one event by its body; for a stream of them, see [`event_stream`].

use broadcast::Attributes;
use http::{Flow, Request};
use proto::http1::Name;
use proto::sse;

use crate::endpoint::parts::Endpoint;
use crate::publish::answer::{Taken, acknowledge, refuse, refuse_body, with_space};
use crate::publish::append::{NewEvent, append};
use crate::publish::asked::Asked;
use crate::publish::event_stream;
use crate::subscribe::protocol::Hub;

/// The handler of POST and PUT.
pub async fn publish(endpoint: &Endpoint, request: &mut Request) -> Flow {
    let hub = match endpoint.hub() {
        Ok(hub) => hub,
        Err(flow) => return flow,
    };
    let channel = match endpoint.channel(request) {
        Ok(channel) => channel,
        Err(flow) => return flow,
    };
    let asked = match Asked::of(request) {
        Ok(asked) => asked,
        Err(why) => return endpoint.problem(request, 400, &why),
    };
    match is_stream(request) {
        true => Box::pin(event_stream::publish(endpoint, hub, &channel, request, &asked)).await,
        false => publish_one(endpoint, hub, &channel, request, &asked).await,
    }
}

fn is_stream(request: &Request) -> bool {
    let media_type = request.header(Name::ContentType).unwrap_or_default();
    let media_type = media_type.split(|&byte| byte == b';').next().unwrap_or_default();
    media_type.trim_ascii().eq_ignore_ascii_case(b"text/event-stream")
}

async fn publish_one(
    endpoint: &Endpoint,
    hub: &'static Hub,
    channel: &[u8],
    request: &mut Request,
    asked: &Asked,
) -> Flow {
    let body = match request.read_body(endpoint.settings.max_message).await {
        Ok(body) => body,
        Err(error) => return refuse_body(endpoint, request, error.status()),
    };
    if asked.offset > 0 {
        return endpoint.problem(request, 400, "an Event-Offset is for a stream of events");
    }
    if let Err(error) = sse::check_data(&body) {
        return endpoint.problem(request, 400, &error.to_string());
    }
    let event = NewEvent {
        event: asked.event.as_deref().unwrap_or_default(),
        id: asked.id.as_deref(),
        data: &body,
    };
    let zone = hub.attachment.zone();
    let key = asked.key.as_ref().map_or(0, |key| zone.key(key));
    let attributes = Attributes { key, ..endpoint.settings.attributes };
    match with_space(hub, || append(zone, &attributes, channel, &event)).await {
        Ok(appended) => {
            let taken = Taken { id: event.id, last: Some(appended), ..Taken::default() };
            acknowledge(endpoint, request, hub, channel, taken).await
        }
        Err(error) => refuse(endpoint, request, error),
    }
}
