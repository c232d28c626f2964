//! Commands about streams that need no permission: making and closing them, pausing, courtesies.

use proto::rtmp::amf::Value;
use proto::rtmp::command::Command;

use crate::client::{NetStream, StreamState};
use crate::play::status;
use crate::session::error::SessionError;
use crate::session::state::Session;

impl Session {
    pub(super) fn create_stream(&mut self, command: &Command<'_>) -> Result<(), SessionError> {
        let mut streams = self.client.streams.borrow_mut();
        if streams.len() >= self.server.max_streams {
            return Err(SessionError::Refused("the client makes too many streams".to_owned()));
        }
        let free = (1..).find(|number| streams.iter().all(|stream| stream.number != *number));
        let number = free.unwrap_or(1);
        streams.push(NetStream { number, state: StreamState::Idle });
        drop(streams);
        self.result(command, &[Value::Null, f64::from(number).into()]);
        Ok(())
    }

    /// What encoders and players say on their way; the strict ones wait for an answer.
    pub(super) async fn courtesy(&mut self, command: &Command<'_>) -> Result<(), SessionError> {
        let name = argument(command, 1).and_then(Value::as_bytes).unwrap_or_default().to_vec();
        let shown = String::from_utf8_lossy(&name).into_owned();
        let told = |event: &[u8], code| {
            self.answer(event, 0.0, &[Value::Null, status::info("status", code, &shown)]);
        };
        let mut result = vec![Value::Null];
        match command.name {
            b"FCPublish" => told(b"onFCPublish", "NetStream.Publish.Start"),
            b"FCUnpublish" => told(b"onFCUnpublish", "NetStream.Unpublish.Success"),
            b"FCSubscribe" => told(b"onFCSubscribe", "NetStream.Play.Start"),
            b"getStreamLength" => result.push(Value::Number(0.0)),
            _ => {}
        }
        self.result(command, &result);
        if command.name == b"FCUnpublish" {
            let number = {
                let streams = self.client.streams.borrow();
                let named = |stream: &&NetStream| {
                    stream.asked().is_some_and(|(what, publishing)| {
                        publishing
                            && Some(&what.given)
                                == self.stream_name(&name).as_ref().map(|(name, _)| name)
                    })
                };
                streams.iter().find(named).map(|stream| stream.number)
            };
            if let Some(number) = number {
                self.end_stream(number, true);
            }
        }
        Ok(())
    }

    pub(super) async fn close_stream(&mut self, stream: u32) -> Result<(), SessionError> {
        self.stop(self.meant(stream));
        Ok(())
    }

    /// Ends a message stream as its client wants it, and says so, to players in nginx-rtmp's words.
    fn stop(&mut self, stream: u32) {
        let plays = self.player(stream).is_some();
        self.end_stream(stream, true);
        if plays {
            self.status(stream, "status", "NetStream.Play.Stop", "Stop live");
        }
    }

    /// The message stream that a number means: if there is none of that number, the only one in which something happens. So
    /// it is with media, and with nginx-rtmp.
    fn meant(&self, number: u32) -> u32 {
        let streams = self.client.streams.borrow();
        if streams.iter().any(|stream| stream.number == number) {
            return number;
        }
        let mut active = streams.iter().filter(|stream| stream.asked().is_some());
        match (active.next(), active.next()) {
            (Some(one), None) => one.number,
            _ => number,
        }
    }

    pub(super) async fn delete_stream(
        &mut self,
        command: &Command<'_>,
    ) -> Result<(), SessionError> {
        if let Some(number) = argument(command, 1).and_then(Value::as_f64) {
            let number = self.meant(number as u32);
            self.stop(number);
            self.client.streams.borrow_mut().retain(|stream| stream.number != number);
        }
        Ok(())
    }

    pub(super) fn pause(&mut self, stream: u32, command: &Command<'_>) -> Result<(), SessionError> {
        let pause = argument(command, 1).and_then(Value::as_bool).unwrap_or(true);
        let Some(player) = self.player(stream) else { return Ok(()) };
        self.hub.with_reader(player, |player| {
            player.own.paused = pause;
            player.own.state.restart();
        });
        match pause {
            true => self.status(stream, "status", "NetStream.Pause.Notify", "Paused live"),
            false => self.status(stream, "status", "NetStream.Unpause.Notify", "Unpaused live"),
        }
        Ok(())
    }

    pub(super) fn seek(&mut self, stream: u32, _: &Command<'_>) -> Result<(), SessionError> {
        let why = "There is no seeking in what is live";
        self.status(stream, "error", "NetStream.Seek.InvalidTime", why);
        Ok(())
    }

    pub(super) fn receive_kind(
        &mut self,
        stream: u32,
        command: &Command<'_>,
        audio: bool,
    ) -> Result<(), SessionError> {
        let wanted = argument(command, 1).and_then(Value::as_bool).unwrap_or(true);
        if let Some(player) = self.player(stream) {
            self.hub.with_reader(player, |player| player.own.take_kind(audio, wanted));
        }
        Ok(())
    }

    fn player(&self, stream: u32) -> Option<u32> {
        self.with_stream(self.meant(stream), |stream| match stream.state {
            StreamState::Playing { player, .. } => Some(player),
            _ => None,
        })?
    }
}

/// An argument of a command, the command object being the first.
pub(super) fn argument<'c, 'p>(command: &'c Command<'p>, at: usize) -> Option<&'c Value<'p>> {
    command.arguments.get(at)
}
