//! From what a client says of its place to a cursor.

use broadcast::{Attachment, ChannelId, From, Start};
use http::{Request, Template};
use mem::Str;
use proto::query;
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
    /// The cursor; 0: it has none, before it has got the history of its channels.
    pub cursor: u64,
    /// Where it begins in each of several channels.
    pub from: From,
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
    let fields = request.headers_named("last_event_id").filter(|id| !id.is_empty());
    let field = fields.last().and_then(|id| request.bytes.slice_of(id));
    field.or_else(|| place_argument(request))
}

/// The last argument that is a place: a stand-in appends its own to an address that may have one.
fn place_argument(request: &mut Request) -> Option<Str> {
    let is_place = |argument: &query::Argument<'_>| names_place(argument.name);
    let args = request.args.clone();
    let mut places = query::arguments(&args).rev().filter(is_place);
    let place = places.find_map(|argument| argument.value.filter(|value| !value.is_empty()))?;
    Some(request.pool.copy(&query::decode(place)))
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

/// The channels of one stream.
#[derive(Clone, Copy, Debug)]
pub struct Channels<'a> {
    /// Those that exist, by name.
    pub names: &'a [ChannelId],
    /// Beginnings of names.
    pub prefixes: &'a [Vec<u8>],
    /// There are, or may come to be, more than one.
    pub several: bool,
}

impl Channels<'_> {
    /// Where a newcomer begins.
    fn start(&self, attachment: &Attachment, start: Start) -> Begin {
        let told = attachment.zone().newest();
        // What is kept of each, and not what all have together.
        if self.several && start == Start::Oldest {
            return Begin { cursor: 0, from: From::History(u32::MAX), told, lost: None };
        }
        let mut channels = self.names.to_vec();
        if let Start::Last(count @ 1..) = start {
            channels.extend(attachment.newest_of(self.prefixes, count as usize));
        }
        let (cursor, gone) = attachment.start(&channels, start);
        let told = if self.several { told } else { gone };
        Begin { cursor, from: From::Cursor, told, lost: None }
    }
}

/// Where the stream of these channels begins for a client that says `asked`. `latest`: one that is
/// lost goes on with the newest event.
pub fn begin(
    attachment: &Attachment,
    channels: &Channels<'_>,
    asked: Option<Str>,
    start: Start,
    latest: bool,
) -> Begin {
    let Some(asked) = asked else { return channels.start(attachment, start) };
    let zone = attachment.zone();
    let lost = match EventId::parse(&asked) {
        None | Some(EventId { seq: 0, .. }) => Lost::Malformed,
        Some(id) if id.epoch != zone.epoch() => match zone.past_epoch(id.epoch) {
            // What came after it, and is not in the file, nobody knows; what is there of that time is known
            // by the same numbers, and goes out once.
            Some(upto) => {
                let cursor = id.seq.min(upto);
                let (told, lost) = (zone.newest(), Some((asked, Lost::Epoch)));
                return Begin { cursor, from: From::Cursor, told, lost };
            }
            None => Lost::Epoch,
        },
        Some(id) if id.seq > zone.newest() => Lost::Future,
        Some(id) => return Begin { cursor: id.seq, from: From::Cursor, told: 0, lost: None },
    };
    let start = if latest { Start::Last(1) } else { Start::Oldest };
    Begin { lost: Some((asked, lost)), ..channels.start(attachment, start) }
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
