//! What a publisher's request says of its events.

use http::Request;
use mem::Str;
use proto::{query, sse};

use crate::publish::arguments::{argument_once, single};
use crate::publish::sequence;

/// What a request says of its events.
pub struct Asked {
    /// Their type.
    pub event: Option<Str>,
    /// The publisher's id.
    pub id: Option<Str>,
    /// Its `Idempotency-Key`.
    pub key: Option<Str>,
    /// Events of the key that are in the log already.
    pub offset: u32,
    /// The channel ends with it.
    pub ends: bool,
}

impl Asked {
    /// Of a request; the error is what is wrong with it.
    pub fn of(request: &mut Request) -> Result<Asked, String> {
        let event = given(request, &["event_type", "x_eventsource_event"], "event")?;
        let id = given(request, &["event_id"], "id")?;
        let checked = event.as_ref().map_or(Ok(()), |event| sse::check_event_type(event));
        let checked = checked.and(id.as_ref().map_or(Ok(()), |id| sse::check_id(id)));
        checked.map_err(|error| error.to_string())?;
        let ends = given(request, &["event_end"], "end")?.map_or_else(
            || query::arguments(&request.args).any(|it| it.name == b"end" && it.value.is_none()),
            |text| !is_no(&text),
        );
        let key = sequence::key(request)?;
        let offset = sequence::offset(single(request, &["event_offset"])?.as_deref())?;
        if offset > 0 && key.is_none() {
            return Err("an Event-Offset needs an Idempotency-Key".to_owned());
        }
        Ok(Asked { event, id, key, offset, ends })
    }
}

/// Whether a flag's value switches it off.
fn is_no(text: &[u8]) -> bool {
    [&b"0"[..], b"false", b"no", b"off"].iter().any(|no| text.eq_ignore_ascii_case(no))
}

/// A field of the header or an argument of the query.
fn given(request: &mut Request, fields: &[&str], name: &str) -> Result<Option<Str>, &'static str> {
    let field = single(request, fields)?.filter(|value| !value.is_empty());
    let value = argument_once(request, name)?.filter(|value| !value.is_empty());
    Ok(field.or(value))
}
