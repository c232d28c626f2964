//! From what a client says of its place to a cursor.

use broadcast::{Attachment, ChannelId, Start};
use http::Request;
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
    /// The client's place is lost: what it asked for, and why.
    pub lost: Option<(Str, Lost)>,
}

/// What the client says of its place: the header field, or the argument of the query.
pub fn asked(request: &mut Request) -> Option<Str> {
    let field = request.header_str(Name::LastEventId);
    let asked = field.or_else(|| argument(request, b"last_event_id"));
    asked.filter(|id| !id.is_empty())
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
    let spaced: Vec<u8> = value.iter().map(|&b| if b == b'+' { b' ' } else { b }).collect();
    let mut plain = Vec::with_capacity(spaced.len());
    proto::uri::unescape(&spaced, &mut plain);
    Some(request.pool.copy(&plain))
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
        return Begin { cursor: attachment.start(channels, start), lost: None };
    };
    let zone = attachment.zone();
    let lost = match EventId::parse(&asked) {
        None => Lost::Malformed,
        Some(id) if id.epoch != zone.epoch() => Lost::Epoch,
        Some(id) if id.seq > zone.newest() => Lost::Future,
        Some(id) => return Begin { cursor: id.seq, lost: None },
    };
    let start = if latest { Start::Last(1) } else { Start::Oldest };
    Begin { cursor: attachment.start(channels, start), lost: Some((asked, lost)) }
}
