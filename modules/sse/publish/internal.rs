//! Events that other modules publish.

use broadcast::{AppendError, Attributes};

use crate::record;
use crate::zone::DIRECTIVE;

/// As `sse_history`'s default.
const KEPT: Attributes = Attributes { max_count: 100, max_age: 3_600_000, ..Attributes::DEFAULT };

/// Publishes an event on a channel of the `sse_zone` of that name, in the master or a worker. It is kept
/// as `sse_history`'s default says. The error tells what is in the way.
pub fn publish(zone: &str, channel: &[u8], event: &[u8], data: &[u8]) -> Result<u64, String> {
    let zone = live::by_name(DIRECTIVE, zone);
    let zone = zone.ok_or("no location uses a zone of this name")?;
    let body = body(event, data);
    let head = record::head(zone.epoch(), None, body.len());
    let appended = zone.append(channel, &KEPT, head, &[&body]);
    appended.map(|appended| appended.seq).map_err(|error: AppendError| error.to_string())
}

/// The same, for the master, which waits for no worker: `false`, if the zone is locked.
pub fn try_publish(zone: &str, channel: &[u8], event: &[u8], data: &[u8]) -> bool {
    let Some(zone) = live::by_name(DIRECTIVE, zone) else { return true };
    let body = body(event, data);
    let head = record::head(zone.epoch(), None, body.len());
    zone.try_append(channel, &KEPT, head, &[&body]).is_some()
}

fn body(event: &[u8], data: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(data.len() + 64);
    record::body(&mut body, event, data);
    body
}
