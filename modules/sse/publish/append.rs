//! Events become records of the log.

use broadcast::{AppendError, Appended, Attributes, END, Zone};

use crate::publish::sequence::Sequence;
use crate::record;
use crate::settings::values::Settings;

/// An event as its publisher gives it.
#[derive(Clone, Copy, Default)]
pub struct NewEvent<'a> {
    /// Its type; empty: `message`.
    pub event: &'a [u8],
    /// The publisher's own id.
    pub id: Option<&'a [u8]>,
    /// Its data.
    pub data: &'a [u8],
}

impl<'a> NewEvent<'a> {
    /// Data alone.
    pub fn of(data: &'a [u8]) -> NewEvent<'a> {
        NewEvent { data, ..NewEvent::default() }
    }
}

/// Appends an event to a channel.
pub fn append(
    zone: &Zone,
    attributes: &Attributes,
    channel: &[u8],
    event: &NewEvent<'_>,
) -> Result<Appended, AppendError> {
    let mut body = Vec::with_capacity(event.data.len() + 64);
    record::body(&mut body, event.event, event.data);
    zone.append(channel, attributes, record::head(zone.epoch(), event.id, body.len()), &[&body])
}

/// Appends the next event of a sequence, if it is one.
pub fn append_next(
    zone: &Zone,
    settings: &Settings,
    channel: &[u8],
    event: &NewEvent<'_>,
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
