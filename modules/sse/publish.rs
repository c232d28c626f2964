//! Publishing: one event by its body; for a stream of them, see [`crate::feed`].

use broadcast::{AppendError, Appended, Attributes, END, Zone};
use http::{Exchange, Flow, Request};
use mem::Str;
use proto::http1::Name;
use proto::query;
use proto::sse::{self, EventId};

use crate::endpoint::Endpoint;
use crate::feed;
use crate::progress::{self, Sequence};
use crate::protocol::Hub;
use crate::record;
use crate::settings::Settings;

/// An event as its publisher gives it.
#[derive(Clone, Copy, Default)]
pub struct Event<'a> {
    /// Its type; empty: `message`.
    pub event: &'a [u8],
    /// The publisher's own id.
    pub id: Option<&'a [u8]>,
    /// Its data.
    pub data: &'a [u8],
}

impl<'a> Event<'a> {
    /// Data alone.
    pub fn of(data: &'a [u8]) -> Event<'a> {
        Event { data, ..Event::default() }
    }
}

/// Appends an event to a channel.
pub fn append(
    zone: &Zone,
    attributes: &Attributes,
    channel: &[u8],
    event: &Event<'_>,
) -> Result<Appended, AppendError> {
    let mut body = Vec::with_capacity(event.data.len() + 64);
    record::body(&mut body, event.event, event.data);
    zone.append(channel, attributes, record::head(zone.epoch(), event.id, body.len()), &[&body])
}

/// How often room in a zone's file is waited for.
const SYNCS: usize = 3;

/// Appends; where the file's next part may not be written to before what was copied out of it is on the disk, that is
/// waited for. It is rare: the syncs of publishers go ahead of it.
pub async fn in_room<T>(
    hub: &'static Hub,
    mut append: impl FnMut() -> Result<T, AppendError>,
) -> Result<T, AppendError> {
    for _ in 0..SYNCS {
        match append() {
            Err(AppendError::Unsynced) => hub.disk.room().await?,
            result => return result,
        }
    }
    Err(AppendError::Busy)
}

/// Appends the next event of a sequence, if it is one.
pub fn append_next(
    zone: &Zone,
    settings: &Settings,
    channel: &[u8],
    event: &Event<'_>,
    sequence: &mut Option<Sequence>,
) -> Result<Appended, AppendError> {
    let mut attributes = settings.attributes;
    if let Some(sequence) = sequence {
        sequence.mark(&mut attributes);
    }
    let appended = append(zone, &attributes, channel, event)?;
    if let Some(sequence) = sequence {
        sequence.advance(&appended);
    }
    Ok(appended)
}

/// Ends a channel, which is made if there is none.
pub fn append_end(
    zone: &Zone,
    settings: &Settings,
    channel: &[u8],
    sequence: Option<&Sequence>,
) -> Result<Appended, AppendError> {
    let mut body = Vec::new();
    record::end(&mut body, &settings.end_event);
    let mut attributes = Attributes { flags: END, ..settings.attributes };
    if let Some(sequence) = sequence {
        sequence.mark(&mut attributes);
    }
    zone.append(channel, &attributes, record::head(zone.epoch(), None, body.len()), &[&body])
}

/// Ends a channel; `None`: there is none of that name.
pub fn end(
    zone: &Zone,
    settings: &Settings,
    channel: &[u8],
) -> Option<Result<Appended, AppendError>> {
    let mut body = Vec::new();
    record::end(&mut body, &settings.end_event);
    let head = record::head(zone.epoch(), None, body.len());
    zone.end(channel, &settings.attributes, head, &[&body])
}

/// The handler of POST and PUT.
pub async fn publish(endpoint: &Endpoint, exchange: &mut Exchange) -> Flow {
    let hub = match endpoint.hub() {
        Ok(hub) => hub,
        Err(flow) => return flow,
    };
    let channel = match endpoint.channel(&mut exchange.request) {
        Ok(channel) => channel,
        Err(flow) => return flow,
    };
    let asked = match Asked::of(&mut exchange.request) {
        Ok(asked) => asked,
        Err(why) => return endpoint.problem(&mut exchange.request, 400, &why),
    };
    match is_stream(&exchange.request) {
        true => feed::publish(endpoint, hub, &channel, exchange, &asked).await,
        false => publish_one(endpoint, hub, &channel, exchange, &asked).await,
    }
}

fn is_stream(request: &Request) -> bool {
    let media_type = request.header(Name::ContentType).unwrap_or_default();
    let media_type = media_type.split(|&byte| byte == b';').next().unwrap_or_default();
    media_type.trim_ascii().eq_ignore_ascii_case(b"text/event-stream")
}

/// What a request says of its events.
pub struct Asked {
    event: Option<Str>,
    id: Option<Str>,
    /// Its `Idempotency-Key`.
    pub key: Option<Str>,
    /// Events of the key that are in the log already.
    pub offset: u32,
    /// The channel ends with it.
    pub ends: bool,
}

impl Asked {
    fn of(request: &mut Request) -> Result<Asked, String> {
        let event = given(request, &["event_type", "x_eventsource_event"], "event")?;
        let id = given(request, &["event_id"], "id")?;
        let checked = event.as_ref().map_or(Ok(()), |event| sse::check_event_type(event));
        let checked = checked.and(id.as_ref().map_or(Ok(()), |id| sse::check_id(id)));
        checked.map_err(|error| error.to_string())?;
        let ends = given(request, &["event_end"], "end")?.map_or_else(
            || query::arguments(&request.args).any(|it| it.name == b"end" && it.value.is_none()),
            |text| !is_no(&text),
        );
        let key = progress::key(request)?;
        let offset = progress::offset(single(request, &["event_offset"])?.as_deref())?;
        if offset > 0 && key.is_none() {
            return Err("an Event-Offset needs an Idempotency-Key".to_owned());
        }
        Ok(Asked { event, id, key, offset, ends })
    }
}

/// Whether a flag's value says that it is none.
fn is_no(text: &[u8]) -> bool {
    [&b"0"[..], b"false", b"no", b"off"].iter().any(|no| text.eq_ignore_ascii_case(no))
}

/// A field of the header that may stand there once.
pub fn single(request: &Request, names: &[&str]) -> Result<Option<Str>, &'static str> {
    let mut all = names.iter().flat_map(|name| request.headers_named(name));
    let value = all.next().and_then(|value| request.bytes.slice_of(value));
    match all.next() {
        None => Ok(value),
        Some(_) => Err("a field of the event stands there twice"),
    }
}

/// A field of the header or an argument of the query.
fn given(request: &mut Request, fields: &[&str], name: &str) -> Result<Option<Str>, &'static str> {
    let field = single(request, fields)?.filter(|value| !value.is_empty());
    let value = argument_once(request, name)?.filter(|value| !value.is_empty());
    Ok(field.or(value))
}

/// An argument of the query that may stand there once.
pub fn argument_once(request: &mut Request, name: &str) -> Result<Option<Str>, &'static str> {
    let args = request.args.clone();
    let mut all = query::arguments(&args).filter(|argument| argument.name == name.as_bytes());
    match (all.next(), all.next()) {
        (None, _) => Ok(None),
        (Some(one), None) => {
            Ok(Some(request.pool.copy(&query::decode(one.value.unwrap_or_default()))))
        }
        (Some(_), Some(_)) => Err("an argument for the event stands there twice"),
    }
}

async fn publish_one(
    endpoint: &Endpoint,
    hub: &'static Hub,
    channel: &[u8],
    exchange: &mut Exchange,
    asked: &Asked,
) -> Flow {
    let body = match exchange.read_body(endpoint.settings.max_message).await {
        Ok(body) => body,
        Err(status) => return refuse_body(endpoint, exchange, status),
    };
    let request = &mut exchange.request;
    if asked.offset > 0 {
        return endpoint.problem(request, 400, "an Event-Offset is for a stream of events");
    }
    if let Err(error) = sse::check_data(&body) {
        return endpoint.problem(request, 400, &error.to_string());
    }
    let event = Event {
        event: asked.event.as_deref().unwrap_or_default(),
        id: asked.id.as_deref(),
        data: &body,
    };
    let zone = hub.attachment.zone();
    let key = asked.key.as_ref().map_or(0, |key| zone.key(key));
    let attributes = Attributes { key, ..endpoint.settings.attributes };
    match in_room(hub, || append(zone, &attributes, channel, &event)).await {
        Ok(appended) => {
            let taken = Taken { id: event.id, last: Some(appended), ..Taken::default() };
            acknowledge(endpoint, request, hub, channel, taken).await
        }
        Err(error) => refuse(endpoint, request, error),
    }
}

/// Why the zone has not taken an event.
pub fn refuse(endpoint: &Endpoint, request: &mut Request, error: AppendError) -> Flow {
    if error == AppendError::Moved {
        // Where another connection comes to, the zone may be the one that is published to.
        request.keep_alive = false;
    }
    endpoint.problem(request, progress::status(error), &error.to_string())
}

/// Why a body was not read.
pub fn refuse_body(endpoint: &Endpoint, exchange: &mut Exchange, status: u16) -> Flow {
    let request = &mut exchange.request;
    match status {
        413 => endpoint.problem(
            request,
            413,
            "the message is larger than sse_max_message or client_max_body_size",
        ),
        status => Flow::Status(status),
    }
}

/// What is in the log now.
#[derive(Default)]
pub struct Taken<'a> {
    /// The publisher's id of a single event.
    pub id: Option<&'a [u8]>,
    /// The last event.
    pub last: Option<Appended>,
    /// Of a stream: the events that were not there before.
    pub published: Option<u64>,
    /// Of a key: the events that are there.
    pub offset: Option<u32>,
}

/// What a publisher is told whose event is in the log, and not on the disk.
pub const UNKEPT: &str = "the event could not be brought to the disk";

/// The answer to what is in the log now, and, where that is promised, on the disk: 201 if there are subscribers, else
/// 202.
pub async fn acknowledge(
    endpoint: &Endpoint,
    request: &mut Request,
    hub: &'static Hub,
    channel: &[u8],
    taken: Taken<'_>,
) -> Flow {
    let zone = hub.attachment.zone();
    let seq = taken.last.map_or(0, |appended| appended.seq);
    if hub.disk.kept(endpoint.settings.sync, seq).await.is_err() {
        return endpoint.problem(request, 503, UNKEPT);
    }
    let mut body = b"{\"id\":".to_vec();
    write_id(&mut body, zone, channel, taken.id, taken.last.as_ref());
    body.extend_from_slice(b",\"channel\":");
    proto::json::string(&mut body, channel);
    let subscribers = taken.last.map_or(0, |appended| appended.subscribers);
    body.extend_from_slice(format!(",\"subscribers\":{subscribers}").as_bytes());
    let offset = taken.offset.map(u64::from);
    for (name, value) in [("published", taken.published), ("offset", offset)] {
        if let Some(value) = value {
            body.extend_from_slice(format!(",\"{name}\":{value}").as_bytes());
        }
    }
    body.extend_from_slice(b"}\n");
    endpoint.json(request, if subscribers > 0 { 201 } else { 202 }, &body)
}

/// The id of an event as JSON: of one that was there already, the one that it has.
pub fn write_id(
    out: &mut Vec<u8>,
    zone: &Zone,
    channel: &[u8],
    suffix: Option<&[u8]>,
    appended: Option<&Appended>,
) {
    let Some(&Appended { seq, duplicate, .. }) = appended else {
        return out.extend_from_slice(b"null");
    };
    out.push(b'"');
    match duplicate {
        true => out.extend_from_slice(&progress::stored_id(zone, channel, seq)),
        false => EventId { epoch: zone.epoch(), seq }.write(out, suffix),
    }
    out.push(b'"');
}
