//! Events that other modules publish.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use broadcast::{AppendError, Attributes, Zone};

use crate::record;

/// As `sse_history`'s default.
const KEPT: Attributes = Attributes { max_count: 100, max_age: 3_600_000, ..Attributes::DEFAULT };

thread_local! {
    /// The zones of this process, by name: those of the newest configuration.
    static ZONES: RefCell<HashMap<String, Rc<Zone>>> = RefCell::default();
}

/// A zone is open in this process.
pub fn opened(name: &str, zone: &Rc<Zone>) {
    ZONES.with_borrow_mut(|zones| zones.insert(name.to_owned(), zone.clone()));
}

/// A zone is not that of its name any more.
pub fn closed(name: &str, zone: &Rc<Zone>) {
    ZONES.with_borrow_mut(|zones| {
        if zones.get(name).is_some_and(|known| Rc::ptr_eq(known, zone)) {
            zones.remove(name);
        }
    });
}

/// Publishes an event on a channel of the `sse_zone` of that name, in the master or a worker. It is kept
/// as `sse_history`'s default says. The error tells what is in the way.
pub fn announce(zone: &str, channel: &[u8], event: &[u8], data: &[u8]) -> Result<u64, String> {
    let zone = ZONES.with_borrow(|zones| zones.get(zone).cloned());
    let zone = zone.ok_or("no location uses a zone of this name")?;
    let body = body(event, data);
    let head = record::head(zone.epoch(), None, body.len());
    let appended = zone.append(channel, &KEPT, head, &[&body]);
    appended.map(|appended| appended.seq).map_err(|error: AppendError| error.to_string())
}

/// The same, for the master, which waits for no worker: `false`, if the zone is locked.
pub fn try_announce(zone: &str, channel: &[u8], event: &[u8], data: &[u8]) -> bool {
    let Some(zone) = ZONES.with_borrow(|zones| zones.get(zone).cloned()) else { return true };
    let body = body(event, data);
    let head = record::head(zone.epoch(), None, body.len());
    zone.try_append(channel, &KEPT, head, &[&body]).is_some()
}

fn body(event: &[u8], data: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(data.len() + 64);
    record::body(&mut body, event, data);
    body
}
