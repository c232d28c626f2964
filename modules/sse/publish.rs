//! Publishing: one event by its body, or a stream of events as they arrive.

use broadcast::{AppendError, Appended, Attributes, END, Zone};
use http::{Exchange, Flow, Request};
use mem::Str;
use proto::http1::Name;
use proto::sse::{self, EventId, Parser};

use crate::conf::Settings;
use crate::cursor::argument;
use crate::endpoint::Endpoint;
use crate::record;

/// An event as its publisher gives it.
#[derive(Clone, Copy, Default)]
pub struct Event<'a> {
    /// Its type; empty: `message`.
    pub event: &'a [u8],
    /// The publisher's own id.
    pub id: Option<&'a [u8]>,
    /// Its data.
    pub data: &'a [u8],
    /// The idempotency key.
    pub key: Option<&'a [u8]>,
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
    settings: &Settings,
    channel: &[u8],
    event: &Event<'_>,
) -> Result<Appended, AppendError> {
    let mut body = Vec::with_capacity(event.data.len() + 64);
    record::body(&mut body, event.event, event.data);
    let key = event.key.map_or(0, |key| zone.key(key));
    let attributes = Attributes { key, ..settings.attributes };
    let head = record::head(zone.epoch(), event.id, body.len());
    zone.append(channel, &attributes, head, &[&body])
}

/// Ends a channel, which is made if there is none.
fn append_end(zone: &Zone, settings: &Settings, channel: &[u8]) -> Result<Appended, AppendError> {
    let mut body = Vec::new();
    record::body(&mut body, b"end", b"{}");
    let attributes = Attributes { flags: END, ..settings.attributes };
    zone.append(channel, &attributes, record::head(zone.epoch(), None, body.len()), &[&body])
}

/// Ends a channel; `None`: there is none of that name.
pub fn end(
    zone: &Zone,
    settings: &Settings,
    channel: &[u8],
) -> Option<Result<Appended, AppendError>> {
    let mut body = Vec::new();
    record::body(&mut body, b"end", b"{}");
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
    let zone = hub.attachment.zone();
    match is_stream(&exchange.request) {
        true => publish_stream(endpoint, zone, &channel, exchange).await,
        false => publish_one(endpoint, zone, &channel, exchange).await,
    }
}

fn is_stream(request: &Request) -> bool {
    let media_type = request.header(Name::ContentType).unwrap_or_default();
    let media_type = media_type.split(|&byte| byte == b';').next().unwrap_or_default();
    media_type.trim_ascii().eq_ignore_ascii_case(b"text/event-stream")
}

/// A field of the header or an argument of the query.
fn given(request: &mut Request, fields: &[&str], name: &str) -> Option<Str> {
    let field = fields.iter().find_map(|field| {
        let value = request.headers_named(field).next()?;
        request.bytes.slice_of(value)
    });
    let argued = || (!name.is_empty()).then(|| argument(request, name.as_bytes())).flatten();
    field.or_else(argued).filter(|value| !value.is_empty())
}

async fn publish_one(
    endpoint: &Endpoint,
    zone: &Zone,
    channel: &[u8],
    exchange: &mut Exchange,
) -> Flow {
    let request = &mut exchange.request;
    let event = given(request, &["event_type", "x_eventsource_event"], "event");
    let id = given(request, &["event_id"], "id");
    let key = given(request, &["idempotency_key"], "");
    let checked = event.as_ref().map_or(Ok(()), |event| sse::check_event_type(event));
    let checked = checked.and(id.as_ref().map_or(Ok(()), |id| sse::check_id(id)));
    if let Err(error) = checked {
        return endpoint.problem(request, 400, &error.to_string());
    }
    let body = match exchange.read_body(endpoint.settings.max_message).await {
        Ok(body) => body,
        Err(status) => return refuse_body(endpoint, exchange, status),
    };
    let request = &mut exchange.request;
    if let Err(error) = sse::check_data(&body) {
        return endpoint.problem(request, 400, &error.to_string());
    }
    let event = Event {
        event: event.as_deref().unwrap_or_default(),
        id: id.as_deref(),
        data: &body,
        key: key.as_deref(),
    };
    match append(zone, &endpoint.settings, channel, &event) {
        Ok(appended) => {
            acknowledge(endpoint, request, zone, channel, id.as_deref(), Some(appended), None)
        }
        Err(error) => refuse(endpoint, request, error),
    }
}

async fn publish_stream(
    endpoint: &Endpoint,
    zone: &Zone,
    channel: &[u8],
    exchange: &mut Exchange,
) -> Flow {
    let request = &mut exchange.request;
    let ends = given(request, &["event_end"], "end").is_some() || has_flag(request, b"end");
    let mut parser = Parser::new(endpoint.settings.max_message);
    let mut input = Vec::new();
    let (mut count, mut last, mut fault) = (0u64, None, None);
    loop {
        input.clear();
        let done = match exchange.read_more(&mut input).await {
            Ok(done) => done,
            Err(status) => return refuse_body(endpoint, exchange, status),
        };
        let fed = parser.feed(&input, |event| {
            if fault.is_none() {
                match take(endpoint, zone, channel, &event) {
                    Ok(appended) => {
                        count += 1;
                        last = Some(appended);
                    }
                    Err(refusal) => fault = Some(refusal),
                }
            }
        });
        let request = &mut exchange.request;
        match (fed, fault.take()) {
            (Err(_), _) => return endpoint.problem(request, 413, "an event is too large"),
            (_, Some(Refusal::Field(why))) => return endpoint.problem(request, 400, &why),
            (_, Some(Refusal::Zone(error))) => return refuse(endpoint, request, error),
            (Ok(()), None) => {}
        }
        if done {
            break;
        }
    }
    if ends {
        // Also a channel that had no event: who comes later is to learn that none will.
        match append_end(zone, &endpoint.settings, channel) {
            Ok(appended) => last = Some(appended),
            Err(error) => return refuse(endpoint, &mut exchange.request, error),
        }
    }
    acknowledge(endpoint, &mut exchange.request, zone, channel, None, last, Some(count))
}

enum Refusal {
    Field(String),
    Zone(AppendError),
}

fn take(
    endpoint: &Endpoint,
    zone: &Zone,
    channel: &[u8],
    event: &sse::Event<'_>,
) -> Result<Appended, Refusal> {
    let id = event.id.filter(|id| !id.is_empty());
    let checked = match event.event.is_empty() {
        true => Ok(()),
        false => sse::check_event_type(event.event),
    };
    let checked = checked.and(id.map_or(Ok(()), sse::check_id));
    let checked = checked.and(sse::check_data(event.data));
    checked.map_err(|error| Refusal::Field(error.to_string()))?;
    let event = Event { event: event.event, id, data: event.data, key: None };
    append(zone, &endpoint.settings, channel, &event).map_err(Refusal::Zone)
}

fn has_flag(request: &Request, name: &[u8]) -> bool {
    request.args.split(|&byte| byte == b'&').any(|argument| argument == name)
}

fn refuse(endpoint: &Endpoint, request: &mut Request, error: AppendError) -> Flow {
    let status = match error {
        AppendError::TooLarge => 413,
        AppendError::TooManyChannels => 507,
        AppendError::Busy
        | AppendError::NotOwner
        | AppendError::Moved
        | AppendError::Unsynced
        | AppendError::File(_) => 503,
    };
    endpoint.problem(request, status, &error.to_string())
}

fn refuse_body(endpoint: &Endpoint, exchange: &mut Exchange, status: u16) -> Flow {
    let request = &mut exchange.request;
    match status {
        413 => endpoint.problem(request, 413, "the message is larger than sse_max_message"),
        status => Flow::Status(status),
    }
}

/// The answer to what is in the log now: 201 if there are subscribers, else 202.
fn acknowledge(
    endpoint: &Endpoint,
    request: &mut Request,
    zone: &Zone,
    channel: &[u8],
    suffix: Option<&[u8]>,
    appended: Option<Appended>,
    published: Option<u64>,
) -> Flow {
    let mut body = b"{\"id\":".to_vec();
    match appended {
        Some(Appended { seq, .. }) => {
            body.push(b'"');
            EventId { epoch: zone.epoch(), seq }.write(&mut body, suffix);
            body.push(b'"');
        }
        None => body.extend_from_slice(b"null"),
    }
    body.extend_from_slice(b",\"channel\":");
    proto::json::string(&mut body, channel);
    let subscribers = appended.map_or(0, |appended| appended.subscribers);
    body.extend_from_slice(format!(",\"subscribers\":{subscribers}").as_bytes());
    if let Some(published) = published {
        body.extend_from_slice(format!(",\"published\":{published}").as_bytes());
    }
    body.extend_from_slice(b"}\n");
    endpoint.json(request, if subscribers > 0 { 201 } else { 202 }, &body)
}
