//! What publishers are answered, and what for that is waited for.

use std::borrow::Cow;

use broadcast::{AppendError, Appended};
use http::{Flow, Request};
use serde::Serialize;

use crate::endpoint::parts::Endpoint;
use crate::publish::sequence;
use crate::subscribe::protocol::Hub;

/// How often room in a zone's file is waited for.
const SYNCS: usize = 3;

/// Appends; where the file's next part may not be written to before what was copied out of it is on the disk, that is
/// waited for. It is rare: the syncs of publishers go ahead of it.
pub async fn with_space<T>(
    hub: &'static Hub,
    mut append: impl FnMut() -> Result<T, AppendError>,
) -> Result<T, AppendError> {
    for _ in 0..SYNCS {
        match append() {
            Err(AppendError::Unsynced) => hub.disk.wait_for_space().await?,
            result => return result,
        }
    }
    Err(AppendError::Busy)
}

/// Why the zone has not taken an event.
pub fn refuse(endpoint: &Endpoint, request: &mut Request, error: AppendError) -> Flow {
    if error == AppendError::Moved {
        // Where another connection comes to, the zone may be the one that is published to.
        request.keep_alive = false;
    }
    endpoint.problem(request, sequence::status(error), &error.to_string())
}

/// Why a body was not read.
pub fn refuse_body(endpoint: &Endpoint, request: &mut Request, status: u16) -> Flow {
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
    if hub.disk.wait_for_sync(endpoint.settings.sync, seq).await.is_err() {
        return endpoint.problem(request, 503, UNKEPT);
    }
    let subscribers = taken.last.map_or(0, |appended| appended.subscribers);
    let answer = Acknowledgement {
        id: taken.last.map(|last| sequence::id(zone, channel, taken.id, &last)),
        channel: String::from_utf8_lossy(channel),
        subscribers,
        published: taken.published,
        offset: taken.offset,
    };
    endpoint.json(request, if subscribers > 0 { 201 } else { 202 }, &answer)
}

#[derive(Serialize)]
struct Acknowledgement<'a> {
    id: Option<String>,
    channel: Cow<'a, str>,
    subscribers: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    published: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u32>,
}
