//! `play`: whether the client may, where it begins, and the end of it.

use proto::rtmp::amf::Value;
use proto::rtmp::command::Command;
use proto::rtmp::message::{self, UserControl};
use sys::log::Level;

use crate::access::rules::Deed;
use crate::client::{Asked, StreamState};
use crate::events::tell::StreamEvent;
use crate::hooks::call::{self, Verdict};
use crate::hooks::hook::HookEvent;
use crate::play::join::{self, Joined};
use crate::play::status;
use crate::session::control::argument;
use crate::session::error::{self, SessionError};
use crate::session::state::Session;
use crate::settings::app::App;

impl Session {
    pub(super) async fn play(
        &mut self,
        stream: u32,
        command: &Command<'_>,
    ) -> Result<(), SessionError> {
        let app = self.app()?;
        let (name, args) = match self.asked_name(command) {
            Ok(asked) => asked,
            Err(why) => {
                self.deeds.play(&Asked::default());
                self.not_played(stream, "NetStream.Play.StreamNotFound", why);
                return Ok(());
            }
        };
        self.make_stream(stream)?;
        // A second play on the same message stream replaces the first.
        let playing =
            self.with_stream(stream, |found| matches!(found.state, StreamState::Playing { .. }));
        if playing == Some(true) {
            self.end_stream(stream, true);
        }
        let number = |at| argument(command, at).and_then(Value::as_f64);
        let reset = argument(command, 4);
        let mut what = Asked {
            given: name.clone(),
            name,
            args,
            start: number(2).unwrap_or(-2.0),
            duration: number(3).unwrap_or(-1.0),
            reset: reset.is_none_or(|reset| {
                reset.as_bool().or(reset.as_f64().map(|number| number != 0.0)).unwrap_or(true)
            }),
            since: rt::wall(),
            ..Asked::default()
        };
        self.deeds.play(&what);
        let idle = self.with_stream(stream, |found| matches!(found.state, StreamState::Idle));
        if idle != Some(true) {
            self.not_played(stream, "NetStream.Play.Failed", "The message stream is in use");
            return Ok(());
        }
        if let Err(why) = self.may(app, Deed::Play, &what) {
            self.status(stream, "error", "NetStream.Play.Failed", why);
            return Err(SessionError::Refused(format!("playing is refused: {why}")));
        }
        match call::ask(&app.hooks, HookEvent::Play, &self.client, &what).await {
            Verdict::Yes => {}
            Verdict::No(why) => {
                self.status(stream, "error", "NetStream.Play.Failed", "Not allowed");
                return Err(SessionError::Hook(why));
            }
            Verdict::Instead(name, args) => what.rename(name, args),
        }
        self.begin_play(stream, app, what)
    }

    /// `play2` switches to another stream: the name stands in an object.
    pub(super) async fn play2(
        &mut self,
        stream: u32,
        command: &Command<'_>,
    ) -> Result<(), SessionError> {
        let options = argument(command, 1);
        let name = options.and_then(|options| options.get("streamName")).cloned();
        let arguments = vec![Value::Null, name.unwrap_or(Value::Null)];
        let command = Command { arguments, ..command.clone() };
        Box::pin(self.play(stream, &command)).await
    }

    fn begin_play(
        &mut self,
        stream: u32,
        app: &'static App,
        what: Asked,
    ) -> Result<(), SessionError> {
        let Some(joined) = self.find_stream(stream, app, &what) else { return Ok(()) };
        self.deeds.begun();
        let mut begin = Vec::new();
        UserControl::StreamBegin(stream).write(&mut begin);
        self.control(message::USER_CONTROL, &begin);
        if what.reset {
            let why = "Playing and resetting";
            self.status(stream, "status", "NetStream.Play.Reset", why);
        }
        if !app.play_restart || joined.live {
            self.status(stream, "status", "NetStream.Play.Start", "Start live");
            let access = status::sample_access();
            self.message(status::CSID_STATUS, message::DATA, stream, &access);
        }
        StreamEvent::Play.tell(app, &what);
        call::begin_updates(&self.client, stream, what.since);
        let player = joined.player(app, stream);
        let player = join::add(self.hub, self.client.outlet.get(), player);
        let what = Box::new(what);
        self.with_stream(stream, |found| found.state = StreamState::Playing { what, player });
        Ok(())
    }

    /// Tells the client, and the log, that it does not play. It may try again.
    fn not_played(&mut self, stream: u32, code: &str, why: &str) {
        self.deeds.refused();
        let what = format_args!("playing is refused: {why}");
        error::log(Level::Error, &self.client, self.deeds.name(), what);
        self.status(stream, "error", code, why);
    }

    /// Joins the stream; `None`: there is none, and the client has been told so.
    fn find_stream(&mut self, stream: u32, app: &'static App, what: &Asked) -> Option<Joined> {
        let joined = join::join(self.hub, app, &what.name);
        let why = match joined {
            Some(joined) if joined.live || app.idle_streams => return Some(joined),
            Some(_) => "No such stream",
            None => "There are as many streams as there is room for",
        };
        self.not_played(stream, "NetStream.Play.StreamNotFound", why);
        None
    }

    /// The player goes on with another stream, its clock going on.
    pub(super) fn move_player(
        &mut self,
        stream: u32,
        app: &'static App,
        what: Asked,
    ) -> Result<(), SessionError> {
        let Some(joined) = self.find_stream(stream, app, &what) else { return Ok(()) };
        let before = self
            .with_stream(stream, |found| std::mem::replace(&mut found.state, StreamState::Idle));
        let Some(StreamState::Playing { what: before, player }) = before else { return Ok(()) };
        let mut next = joined.player(app, stream);
        if let Some(player) = self.hub.remove_reader(player) {
            next.own.go_on(&player.own);
        }
        let player = join::add(self.hub, self.client.outlet.get(), next);
        StreamEvent::Stop.tell(app, &before);
        StreamEvent::Play.tell(app, &what);
        call::begin_updates(&self.client, stream, what.since);
        let what = Box::new(what);
        self.with_stream(stream, |found| found.state = StreamState::Playing { what, player });
        Ok(())
    }

    pub(super) fn end_play(&mut self, app: &'static App, what: &Asked, player: u32) {
        self.hub.remove_reader(player);
        call::tell(&app.hooks, HookEvent::PlayDone, &self.client, what);
        call::tell(&app.hooks, HookEvent::Done, &self.client, what);
        StreamEvent::Stop.tell(app, what);
    }
}
