//! A publisher's audio, video and data: to which stream they belong, and what follows if they belong to none.

use sys::log::Level;

use crate::client::{Client, NetStream, StreamState};
use crate::events::tell::StreamEvent;
use crate::publish::publisher::TakenOver;
use crate::session::error::{self, SessionError};
use crate::session::state::Session;

/// Why a message of media was not taken in.
pub(super) enum Lost {
    /// The stream, of this message stream, is another publisher's now.
    TakenOver(u32),
    /// Nothing is published where it belongs.
    NoStream,
}

/// Takes a publisher's message in. If only one stream is published on the connection it is for that, whatever the
/// number of its message stream: nginx-rtmp looks at no number, and encoders get them wrong.
pub(super) fn media(
    client: &Client,
    stream: u32,
    kind: u8,
    time: u32,
    payload: &[u8],
) -> Result<(), Lost> {
    let mut streams = client.streams.borrow_mut();
    let publishes = |known: &NetStream| matches!(known.state, StreamState::Publishing { .. });
    let at = streams.iter().position(|known| known.number == stream && publishes(known));
    let at = at.or_else(|| {
        let at = streams.iter().position(publishes)?;
        (!streams[at + 1..].iter().any(publishes)).then_some(at)
    });
    let found = at.map(|at| &mut streams[at]).ok_or(Lost::NoStream)?;
    let number = found.number;
    match &mut found.state {
        StreamState::Publishing { what, publisher } => {
            let taken = publisher.message(kind, time, payload);
            taken.map_err(|TakenOver| Lost::TakenOver(number))?;
            if publisher.tracks.take_changed() {
                let told = publisher.tracks.told();
                StreamEvent::Metadata.tell_more(publisher.app, what, told);
            }
            Ok(())
        }
        _ => Err(Lost::NoStream),
    }
}

impl Session {
    /// Another client may publish one of this client's streams now: it is told so, and goes on with what else
    /// it does. What belongs to no stream is reported once, and not taken from a client that was refused.
    pub(super) fn go_on_without(
        &mut self,
        stream: u32,
        kind: u8,
        taken: Result<(), Lost>,
    ) -> Result<(), SessionError> {
        let stream = match taken {
            Ok(()) => return Ok(()),
            Err(Lost::NoStream) if self.refused => {
                let why = "the client goes on sending what it may not publish";
                return Err(SessionError::Refused(why.to_owned()));
            }
            Err(Lost::NoStream) => {
                if !std::mem::replace(&mut self.dropped, true) {
                    // Some send a last frame behind the end.
                    let level = if self.deeds.published() { Level::Info } else { Level::Warn };
                    let what = format_args!(
                        "messages of type {kind} in the message stream {stream} are dropped: nothing is \
                         published there"
                    );
                    error::log(level, &self.client, None, what);
                }
                return Ok(());
            }
            Err(Lost::TakenOver(stream)) => stream,
        };
        self.end_stream(stream, false);
        let why = "Another client publishes the stream now";
        self.status(stream, "error", "NetStream.Publish.BadName", why);
        let streams = self.client.streams.borrow();
        match streams.iter().any(|stream| stream.asked().is_some()) {
            true => Ok(()),
            false => Err(SessionError::TakenOver),
        }
    }
}
