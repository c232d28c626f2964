//! A WebSocket's client that says something: what it publishes, its heartbeat, and how it is answered.

use std::collections::VecDeque;

use broadcast::{AppendError, Appended, Zone};
use http::Request;
use proto::websocket::{self, Close, Inbound, Said};
use serde::Serialize;

use crate::publish::append::{self, NewEvent};
use crate::publish::arguments;
use crate::publish::sequence::{self, Sequence};
use crate::settings::values::Settings;
use live::Sync;

/// What messages are: the subprotocol that is agreed upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subprotocol {
    /// None: a message is an event's data.
    Data,
    /// `sse`: a message is a whole event.
    Events,
    /// `sse.ack`: the same, and what the client publishes is acknowledged.
    Acknowledged,
}

impl Subprotocol {
    /// The names of those that have one.
    pub const NAMES: [&str; 2] = ["sse", "sse.ack"];

    /// The one of a name that was chosen.
    pub fn of(name: Option<&str>) -> Subprotocol {
        match name {
            Some("sse") => Subprotocol::Events,
            Some(_) => Subprotocol::Acknowledged,
            None => Subprotocol::Data,
        }
    }
}

/// The part of a WebSocket that listens.
pub struct Socket {
    /// The codec, once the client has said something.
    inbound: Option<Inbound>,
    /// The channel that it publishes to; `None`: it may not.
    publish: Option<Vec<u8>>,
    /// It is told what became of each of its messages.
    acknowledges: bool,
    /// Its messages are those of a key.
    sequence: Option<Sequence>,
    /// The newest event that it has published.
    published: u64,
    /// What it has said that is not acted upon yet: the zone's file has no room before its next sync.
    said: VecDeque<Said>,
    /// Answers that wait until everything up to a seq is on the disk.
    pub held: VecDeque<Held>,
}

/// Answers, and what ends the conversation behind them.
pub struct Held {
    /// Up to which seq the disk is waited for.
    pub seq: u64,
    /// Frames.
    pub answers: Vec<u8>,
    /// The end.
    pub last: Option<Last>,
}

/// What ends a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last {
    /// The client has closed, and was answered.
    Closed,
    /// It is to be closed.
    Close(Close),
}

/// The zone's file must be synced before anything is published.
struct Unsynced;

/// The key and the offset that a handshake brings in its query, where a page has nothing else to say them
/// by. The error is an answer.
fn sequence(
    zone: &Zone,
    channel: &[u8],
    request: &mut Request,
) -> Result<Option<Sequence>, (u16, &'static str)> {
    let bad = |why| (400, why);
    let Some(key) = sequence::key(request).map_err(bad)? else { return Ok(None) };
    let field = arguments::single(request, &["event_offset"]).map_err(bad)?;
    let offset = field
        .map_or_else(|| arguments::argument_once(request, "event_offset"), |field| Ok(Some(field)));
    let offset = offset.map_err(bad)?;
    let offset = sequence::offset(offset.as_deref()).map_err(bad)?;
    let sequence = Sequence::new(zone, channel, &key, offset);
    sequence
        .map(Some)
        .ok_or((409, "fewer events of this key are in the log than event_offset says"))
}

impl Socket {
    /// Of a client that publishes to this channel, if it may. The error is an answer to its handshake.
    pub fn new(
        publish: Option<Vec<u8>>,
        subprotocol: Subprotocol,
        zone: &Zone,
        request: &mut Request,
    ) -> Result<Socket, (u16, &'static str)> {
        let acknowledges = subprotocol == Subprotocol::Acknowledged;
        let sequence = publish
            .as_deref()
            .map(|channel| sequence(zone, channel, request))
            .transpose()?
            .flatten();
        let (said, held) = (VecDeque::new(), VecDeque::new());
        Ok(Socket { inbound: None, publish, acknowledges, sequence, published: 0, said, held })
    }

    /// Up to which seq the disk must be waited for before it is answered; `None`: it need not.
    pub fn waits_for(&mut self, settings: &Settings) -> Option<u64> {
        let published = std::mem::take(&mut self.published);
        let before = self.held.back().map_or(0, |held| held.seq);
        let waits = settings.sync == Some(Sync::Ack) && self.acknowledges;
        Some(published.max(before)).filter(|&seq| waits && seq > 0)
    }

    /// Takes what the client sends, and writes what it is answered. Gives what ends the conversation.
    pub fn hear(
        &mut self,
        bytes: &[u8],
        zone: &Zone,
        settings: &Settings,
        out: &mut Vec<u8>,
    ) -> Option<Last> {
        let heartbeat = settings.heartbeat.as_ref();
        let may_publish = self.publish.is_some();
        // Of one that may not publish no more is taken than its heartbeat: the head of a frame that is
        // longer is enough.
        let most = match may_publish {
            true => settings.max_message.max(heartbeat.map_or(0, |(ping, _)| ping.len())),
            false => heartbeat.map_or(0, |(ping, _)| ping.len()),
        };
        let inbound = self.inbound.get_or_insert_with(|| Inbound::new(most).texts_only());
        let has_closed = |said: &VecDeque<Said>| said.contains(&Said::Closed);
        let before = has_closed(&self.said);
        inbound.feed(bytes, out, |said| self.said.push_back(said));
        let now = has_closed(&self.said);
        let mut answers = Vec::new();
        let last = self.act(zone, settings, &mut answers);
        // A close that was answered is the last frame of all (RFC 6455 §5.5.1), also to who has had to wait for room.
        match now {
            _ if before => {}
            true => drop(out.splice(0..0, answers)),
            false => out.append(&mut answers),
        }
        last
    }

    /// Whether something that the client has said waits: the zone's file must be synced first.
    pub fn is_stalled(&self) -> bool {
        !self.said.is_empty()
    }

    /// Nobody will act upon what the client has said.
    pub fn forget(&mut self) {
        self.said.clear();
        self.held.clear();
    }

    /// Acts upon what the client has said, as far as there is room for it.
    fn act(&mut self, zone: &Zone, settings: &Settings, answers: &mut Vec<u8>) -> Option<Last> {
        let heartbeat = settings.heartbeat.as_ref();
        let may_publish = self.publish.is_some();
        while let Some(said) = self.said.pop_front() {
            let last = match said {
                Said::Closed => Some(Last::Closed),
                Said::Binary | Said::Error(Close::TooBig) if !may_publish => {
                    Some(Last::Close(Close::Policy))
                }
                Said::Binary => Some(Last::Close(Close::Unsupported)),
                Said::Error(why) => Some(Last::Close(why)),
                Said::Message(text) => match heartbeat {
                    Some((ping, pong)) if text == *ping => {
                        websocket::text(pong, answers);
                        None
                    }
                    _ => match self.publish(&text, zone, settings, answers) {
                        Ok(last) => last,
                        Err(Unsynced) => {
                            self.said.push_front(Said::Message(text));
                            return None;
                        }
                    },
                },
            };
            if last.is_some() {
                self.said.clear();
                return last;
            }
        }
        None
    }

    fn publish(
        &mut self,
        text: &[u8],
        zone: &Zone,
        settings: &Settings,
        out: &mut Vec<u8>,
    ) -> Result<Option<Last>, Unsynced> {
        let Some(channel) = &self.publish else { return Ok(Some(Last::Close(Close::Policy))) };
        let event = NewEvent::of(text);
        let published = append::append_next(zone, settings, channel, &event, &mut self.sequence);
        if published == Err(AppendError::Unsynced) {
            return Err(Unsynced);
        }
        if self.acknowledges {
            let offset = self.sequence.as_ref().map(Sequence::offset);
            websocket::text(&acknowledgement(zone, channel, published.as_ref(), offset), out);
        }
        Ok(match published {
            Ok(appended) => {
                self.published = appended.seq;
                None
            }
            Err(AppendError::OtherBody) => Some(Last::Close(Close::Policy)),
            Err(AppendError::TooLarge) => Some(Last::Close(Close::TooBig)),
            Err(_) => Some(Last::Close(Close::TryAgain)),
        })
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Acknowledgement {
    Taken {
        id: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        offset: Option<u32>,
        duplicate: bool,
    },
    Refused {
        error: String,
        status: u16,
    },
}

/// The event that tells what became of a message. It has no id: it is none of the channel's.
fn acknowledgement(
    zone: &Zone,
    channel: &[u8],
    published: Result<&Appended, &AppendError>,
    offset: Option<u32>,
) -> Vec<u8> {
    let acknowledgement = match published {
        Ok(appended) => Acknowledgement::Taken {
            id: sequence::id(zone, channel, None, appended),
            offset,
            duplicate: appended.duplicate,
        },
        Err(error) => {
            Acknowledgement::Refused { error: error.to_string(), status: sequence::status(*error) }
        }
    };
    let data = serde_json::to_vec(&acknowledgement).unwrap_or_default();
    let mut block = Vec::with_capacity(data.len() + 24);
    proto::sse::event(&mut block, b"", Some(b"ack"), &data);
    block
}
