//! Subscribing: from a GET to a stream.

use std::io::Write;

use http::{Flow, Request, websocket};
use mem::{Buf, Str};
use proto::http1::Body as BodyFraming;
use proto::sse::{self, EventId};

use crate::channels::Selection;
use crate::endpoint::parts::Endpoint;
use crate::record;
use crate::settings::values::Lag;
use crate::subscribe::cursor::{self, Begin, Channels};
use crate::subscribe::framing::{Framing, StreamFormat};
use crate::subscribe::protocol::Hub;
use crate::subscribe::socket::{Socket, Subprotocol};
use crate::subscribe::takeover::NewStream;
use live::{Joining, Limit, Membership};

/// Answers with the beginning of a stream.
pub fn subscribe(endpoint: &Endpoint, request: &mut Request, selection: &Selection) -> Flow {
    let hub = match endpoint.hub() {
        Ok(hub) => hub,
        Err(flow) => return flow,
    };
    if websocket::is_upgrade(request) {
        return upgrade(endpoint, hub, request, selection);
    }
    let kind = kind(endpoint, request);
    if request.is_head() {
        head(endpoint, request, kind);
        return Flow::Respond;
    }
    let membership = match join(endpoint, hub, request, selection) {
        Ok(membership) => membership,
        Err(limit) => return turn_away(endpoint, hub, request, kind, limit),
    };
    let (membership, joining) = membership;
    let begin = begin(endpoint, hub, request, selection, &membership, joining);
    let Begin { cursor, from, told, lost } = begin;
    let alone = selection.prefixes.is_empty() && membership.waiting().is_empty();
    let over = alone && hub.attachment.is_over(membership.channels(), cursor);
    if over && lost.is_none() {
        request.response.set_empty(204);
        request.response.content_length = None;
        endpoint.cors.origins.add_fields(request);
        return Flow::Respond;
    }
    head(endpoint, request, kind);
    if let Some(level) = endpoint.settings.gzip {
        hub.with_worker(|worker| worker.gzip.set_level(level));
    }
    let mut framing = Framing::new(kind);
    let accept = request.header_list("accept");
    framing.events_alone = !proto::accept::accepts(&accept, b"text/event-stream");
    drop(accept);
    let mut bytes = Vec::with_capacity(256);
    framing.open(&mut bytes);
    let block = first_block(endpoint, hub, &framing, cursor, lost);
    hub.with_worker(|worker| framing.block(&mut worker.gzip, &block, &mut bytes));
    let bytes = request.pool.copy(&bytes);
    request.response.body.push(Buf::memory(bytes));
    request.response.takeover = Some(Box::new(NewStream {
        hub,
        membership,
        settings: endpoint.settings.clone(),
        framing,
        cursor,
        from,
        told,
        first: Vec::new(),
        socket: None,
    }));
    Flow::Respond
}

fn begin(
    endpoint: &Endpoint,
    hub: &'static Hub,
    request: &mut Request,
    selection: &Selection,
    membership: &Membership,
    joining: Joining,
) -> Begin {
    let asked = cursor::asked(request, &endpoint.settings.places);
    let latest = endpoint.settings.lag == Lag::Latest;
    let channels = Channels {
        names: membership.channels(),
        prefixes: &selection.prefixes,
        several: selection.names.len() + selection.prefixes.len() > 1
            || !selection.prefixes.is_empty(),
    };
    let start = endpoint.settings.start;
    let mut begin = cursor::begin(hub.attachment, &channels, asked.clone(), start, latest);
    // Some of its channels may have been forgotten with what they had.
    let forgotten = hub.attachment.forgotten_of(&selection.prefixes, begin.cursor);
    let gone = forgotten.max(joining.gone);
    if let Some(asked) = asked
        && begin.lost.is_none()
        && begin.cursor < gone
    {
        begin.told = gone;
        begin.lost = Some((asked, cursor::Lost::Evicted));
    }
    begin
}

/// How this client is written to.
fn kind(endpoint: &Endpoint, request: &Request) -> StreamFormat {
    let chunks = request.has_chunks();
    let accepts = proto::accept::accepts_gzip(&request.header_list("accept_encoding"));
    match (endpoint.settings.gzip.is_some() && accepts, chunks) {
        (true, true) => StreamFormat::GzipChunks,
        (true, false) => StreamFormat::GzipPlain,
        (false, true) => StreamFormat::Chunks,
        (false, false) => StreamFormat::Plain,
    }
}

/// The head of a stream. What stands between us and the client must neither keep it nor change it.
fn head(endpoint: &Endpoint, request: &mut Request, kind: StreamFormat) {
    let response = &mut request.response;
    response.status = 200;
    response.streaming = true;
    response.content_type = Some(Str::from("text/event-stream"));
    response.add_header("Cache-Control", Str::from("no-cache, no-transform"));
    response.add_header("X-Accel-Buffering", Str::from("no"));
    if endpoint.settings.gzip.is_some() {
        response.add_header("Vary", Str::from("Accept-Encoding"));
    }
    if kind.is_gzip() {
        response.add_header("Content-Encoding", Str::from("gzip"));
    }
    endpoint.cors.origins.add_fields(request);
}

/// `retry`, the cursor that primes the browser, and the gap if its place is lost.
fn first_block(
    endpoint: &Endpoint,
    hub: &Hub,
    framing: &Framing,
    cursor: u64,
    lost: Option<(Str, cursor::Lost)>,
) -> Vec<u8> {
    let mut id = Vec::new();
    // Who begins with each channel's history is nowhere yet: if it drops out now, it begins from the start.
    EventId { epoch: hub.attachment.zone().epoch(), seq: cursor.max(1) }.write(&mut id, None);
    let mut block = Vec::with_capacity(128);
    if endpoint.settings.retry > 0 && !framing.events_alone {
        sse::retry(&mut block, endpoint.settings.retry);
    }
    match cursor {
        _ if framing.events_alone => sse::comment_line(&mut block),
        0 => block.push(b'\n'),
        _ => sse::cursor(&mut block, &id),
    }
    if let Some((asked, why)) = lost {
        block.extend_from_slice(&record::gap(
            &endpoint.settings.gap_event,
            framing.events_alone,
            &asked,
            &id,
            why,
        ));
    }
    block
}

/// Counts the client as a subscriber, unless there are too many.
fn join(
    endpoint: &Endpoint,
    hub: &'static Hub,
    request: &Request,
    selection: &Selection,
) -> Result<(Membership, Joining), Limit> {
    if hub.attachment.has_left() {
        return Err(Limit::Draining);
    }
    let (mut membership, joining) = hub.join(&selection.names, &selection.prefixes);
    endpoint.settings.limits.check(request.peer(), &joining, &mut membership)?;
    Ok((membership, joining))
}

/// The status that tells which limit keeps a client out, and the words.
fn told(limit: Limit) -> (u16, &'static str) {
    match limit {
        Limit::Channel => (503, "the channel has as many subscribers as it may have"),
        Limit::Draining => (503, "this worker is draining"),
        Limit::Zone => (503, "there are as many streams as there may be"),
        Limit::Address => (429, "this address has as many streams as it may have"),
    }
}

/// A browser that is refused by a status does not come back: it gets a stream that ends, and is told
/// when to come again.
fn turn_away(
    endpoint: &Endpoint,
    hub: &Hub,
    request: &mut Request,
    kind: StreamFormat,
    limit: Limit,
) -> Flow {
    let (status, what) = told(limit);
    request.error(sys::log::Level::Error, format_args!("{what}"));
    if !proto::accept::accepts(&request.header_list("accept"), b"text/event-stream") {
        return endpoint.problem(request, status, what);
    }
    head(endpoint, request, kind);
    let mut framing = Framing::new(kind);
    let mut bytes = Vec::new();
    framing.open(&mut bytes);
    let mut block = Vec::new();
    let _ = writeln!(block, ": {what}");
    // Where browsers are not told when to come back, they would keep for good what is said here. Those who are sent away
    // together do not come back together.
    if endpoint.settings.retry > 0 {
        let pause = endpoint.settings.retry.max(1000);
        sse::retry(&mut block, pause + fastrand::u64(..pause));
    }
    block.push(b'\n');
    hub.with_worker(|worker| framing.block(&mut worker.gzip, &block, &mut bytes));
    framing.close(&mut bytes);
    let bytes = request.pool.copy(&bytes);
    request.response.body.push(Buf::memory(bytes));
    Flow::Respond
}

/// The same channels by WebSocket.
fn upgrade(
    endpoint: &Endpoint,
    hub: &'static Hub,
    request: &mut Request,
    selection: &Selection,
) -> Flow {
    if request.framing != BodyFraming::None {
        return endpoint.problem(request, 400, "a handshake has no body");
    }
    if !endpoint.cors.origins.admit(request) {
        return endpoint.problem(request, 403, "pages of this origin may not connect here");
    }
    let may_publish = endpoint.publish.is_some() && endpoint.may_publish(request);
    let publish = match may_publish {
        true => match endpoint.channel(request) {
            Ok(channel) => Some(channel),
            Err(flow) => return flow,
        },
        false => None,
    };
    let membership = join(endpoint, hub, request, selection);
    let subprotocol = match websocket::accept(request, &Subprotocol::NAMES) {
        Ok(chosen) => Subprotocol::of(chosen),
        Err(426) => return endpoint.problem(request, 426, "WebSocket version 13 is spoken here"),
        Err(status) => return endpoint.problem(request, status, "this is no WebSocket handshake"),
    };
    let (membership, joining) = match membership {
        Ok(joined) => joined,
        Err(limit) => {
            let (status, what) = told(limit);
            request.error(sys::log::Level::Error, format_args!("{what}"));
            request.response.reset();
            return endpoint.problem(request, status, what);
        }
    };
    let zone = hub.attachment.zone();
    let socket = match Socket::new(publish, subprotocol, zone, request) {
        Ok(socket) => socket,
        Err((status, why)) => {
            request.response.reset();
            return endpoint.problem(request, status, why);
        }
    };
    let begin = begin(endpoint, hub, request, selection, &membership, joining);
    let Begin { cursor, from, told, lost } = begin;
    let framing_kind = match subprotocol {
        Subprotocol::Data => StreamFormat::SocketData,
        Subprotocol::Events | Subprotocol::Acknowledged => StreamFormat::SocketEvents,
    };
    let mut framing = Framing::new(framing_kind);
    let mut first = Vec::new();
    let block = first_block(endpoint, hub, &framing, cursor, lost);
    hub.with_worker(|worker| framing.block(&mut worker.gzip, &block, &mut first));
    request.response.streaming = false;
    request.response.takeover = Some(Box::new(NewStream {
        hub,
        membership,
        settings: endpoint.settings.clone(),
        framing,
        cursor,
        from,
        told,
        first,
        socket: Some(Box::new(socket)),
    }));
    Flow::Respond
}
