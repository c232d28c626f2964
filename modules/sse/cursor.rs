//! From what a client says of its place to a cursor.

use broadcast::{Attachment, ChannelId, Start};
use http::{Request, Template};
use mem::Str;
use proto::http1::Name;
use proto::sse::EventId;

/// Why a client's place is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// What followed it is gone.
    Evicted,
    /// The id is of another life of the zone.
    Epoch,
    /// The id is of an event that has not been.
    Future,
    /// It is no id of ours.
    Malformed,
}

impl Lost {
    /// The word in the gap's event.
    pub fn word(self) -> &'static str {
        match self {
            Lost::Evicted => "evicted",
            Lost::Epoch => "epoch",
            Lost::Future => "future",
            Lost::Malformed => "malformed",
        }
    }
}

/// Where a stream begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begin {
    /// The cursor.
    pub cursor: u64,
    /// What is gone up to here is not asked for: a newcomer has not lost it.
    pub told: u64,
    /// The client's place is lost: what it asked for, and why.
    pub lost: Option<(Str, Lost)>,
}

/// What the client says of its place: by the variables `places`, or, if there are none, as clients do
/// without being told. The field of the header is the newest id that a browser has; an argument of the
/// query is what a page wrote when it made the address, or what a stand-in for `EventSource` adds to it at
/// each return.
pub fn asked(request: &mut Request, places: &[Template]) -> Option<Str> {
    if !places.is_empty() {
        return places.iter().map(|place| place.evaluate(request)).find(|id| !id.is_empty());
    }
    let field = request.header_str(Name::LastEventId).filter(|id| !id.is_empty());
    field.or_else(|| place_argument(request))
}

/// The last argument that is a place: a stand-in appends its own to an address that may have one.
fn place_argument(request: &mut Request) -> Option<Str> {
    let args = request.args.clone();
    let mut values = args.rsplit(|&byte| byte == b'&').filter_map(|argument| {
        let (key, value) = argument.split_at(argument.iter().position(|&byte| byte == b'=')?);
        (value.len() > 1 && names_place(key)).then_some(&value[1..])
    });
    values.next().map(|value| unescaped(request, value))
}

/// Whether an argument is called as one of those in use: `lastEventId` (event-source-polyfill),
/// `Last-Event-ID` and `lastEventID` (Mercure), `last_event_id`, `evs_last_event_id` (amvtek's).
fn names_place(key: &[u8]) -> bool {
    let mut plain = Vec::with_capacity(key.len());
    proto::uri::unescape(key, &mut plain);
    plain.retain(|byte| !matches!(byte, b'-' | b'_'));
    plain.make_ascii_lowercase();
    matches!(&plain[..], b"lasteventid" | b"evslasteventid")
}

/// An argument of the query, with its escapes undone.
pub fn argument(request: &mut Request, name: &[u8]) -> Option<Str> {
    let args = request.args.clone();
    let mut arguments = args.split(|&byte| byte == b'&');
    let value = arguments.find_map(|argument| {
        let (key, value) = argument.split_at_checked(name.len())?;
        match value {
            [] if key == name => Some(value),
            [b'=', value @ ..] if key == name => Some(value),
            _ => None,
        }
    })?;
    Some(unescaped(request, value))
}

fn unescaped(request: &mut Request, value: &[u8]) -> Str {
    let spaced: Vec<u8> = value.iter().map(|&b| if b == b'+' { b' ' } else { b }).collect();
    let mut plain = Vec::with_capacity(spaced.len());
    proto::uri::unescape(&spaced, &mut plain);
    request.pool.copy(&plain)
}

/// Where the stream of these channels begins for a client that says `asked`. `latest`: one that is
/// lost goes on with the newest event.
pub fn begin(
    attachment: &Attachment,
    channels: &[ChannelId],
    asked: Option<Str>,
    start: Start,
    latest: bool,
) -> Begin {
    let Some(asked) = asked else {
        let (cursor, told) = attachment.start(channels, start);
        return Begin { cursor, told, lost: None };
    };
    let zone = attachment.zone();
    let lost = match EventId::parse(&asked) {
        None | Some(EventId { seq: 0, .. }) => Lost::Malformed,
        Some(id) if id.epoch != zone.epoch() => Lost::Epoch,
        Some(id) if id.seq > zone.newest() => Lost::Future,
        Some(id) => return Begin { cursor: id.seq, told: 0, lost: None },
    };
    let start = if latest { Start::Last(1) } else { Start::Oldest };
    let (cursor, told) = attachment.start(channels, start);
    Begin { cursor, told, lost: Some((asked, lost)) }
}

#[cfg(test)]
mod tests {
    use super::names_place;

    #[test]
    fn places_have_many_names() {
        for key in [
            "last_event_id",
            "lastEventId",
            "lastEventID",
            "Last-Event-ID",
            "last-event-id",
            "LASTEVENTID",
            "last%5Fevent%5fid",
            "evs_last_event_id",
        ] {
            assert!(names_place(key.as_bytes()), "{key}");
        }
        for key in ["", "event_id", "last", "last_event_id_", "xlasteventid", "last%event_id"] {
            let wanted = key == "last_event_id_";
            assert_eq!(names_place(key.as_bytes()), wanted, "{key}");
        }
    }
}
