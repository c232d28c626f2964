//! `publish`: whether the client may, and the end of it.

use proto::rtmp::amf::Value;
use proto::rtmp::command::Command;
use sys::log::Level;

use crate::access::key::{self, Wish};
use crate::access::login;
use crate::access::rules::{self, Deed};
use crate::client::{Asked, Hello, NetStream, StreamState};
use crate::events::tell::StreamEvent;
use crate::hooks::call::{self, Verdict};
use crate::hooks::hook::HookEvent;
use crate::publish::publisher::{Publisher, Refused};
use crate::session::control::argument;
use crate::session::error::{self, SessionError};
use crate::session::state::Session;
use crate::settings::app::App;

/// How a stream is published. The word matters to hooks alone, and encoders have their own: what is none of Adobe's is
/// live.
fn kind(given: Option<&Value<'_>>) -> &'static [u8] {
    let word = given.and_then(Value::as_bytes).unwrap_or_default().to_ascii_lowercase();
    match &word[..] {
        b"record" => b"record",
        b"append" | b"appendwithgap" => b"append",
        _ => b"live",
    }
}

impl Session {
    pub(super) async fn publish(
        &mut self,
        stream: u32,
        command: &Command<'_>,
    ) -> Result<(), SessionError> {
        let app = self.app()?;
        let (name, args) = match self.asked_name(command) {
            Ok(asked) => asked,
            Err(why) => {
                self.deeds.publish(&Asked::default());
                self.bad_name(stream, why);
                return Ok(());
            }
        };
        let kind = kind(argument(command, 2)).to_vec();
        let mut what =
            Asked { given: name.clone(), name, args, kind, since: rt::wall(), ..Asked::default() };
        self.deeds.publish(&what);
        self.make_stream(stream)?;
        let doing = self.with_stream(stream, |found| {
            found.asked().map(|(what, publishing)| (what.given.clone(), publishing))
        });
        match doing.flatten() {
            None => {}
            // As with nginx-rtmp, it goes on.
            Some((given, true)) if given == what.given => {
                self.deeds.begun();
                self.status(stream, "status", "NetStream.Publish.Start", "Start publishing");
                return Ok(());
            }
            Some((_, true)) => self.end_stream(stream, true),
            Some((_, false)) => {
                self.bad_name(stream, "The message stream is in use");
                return Ok(());
            }
        }
        if let Err(why) = self.may(app, Deed::Publish, &what) {
            self.status(stream, "error", "NetStream.Publish.Denied", why);
            return Err(SessionError::Refused(format!("publishing is refused: {why}")));
        }
        match call::ask(&app.hooks, HookEvent::Publish, &self.client, &what).await {
            Verdict::Yes => {}
            Verdict::No(why) => {
                self.status(stream, "error", "NetStream.Publish.Denied", "Not allowed");
                return Err(SessionError::Hook(why));
            }
            Verdict::Instead(name, args) => what.rename(name, args),
        }
        self.begin_publish(stream, app, what);
        Ok(())
    }

    /// Tells the client, and the log, that it cannot publish. It may try again.
    fn bad_name(&mut self, stream: u32, why: &str) {
        self.refused = true;
        self.deeds.refused();
        let what = format_args!("publishing is refused: {why}");
        error::log(Level::Error, &self.client, self.deeds.name(), what);
        self.status(stream, "error", "NetStream.Publish.BadName", why);
    }

    /// A message stream that the client has not made is made when it is used: some count from another number, and
    /// some ask for none.
    pub(super) fn make_stream(&mut self, number: u32) -> Result<(), SessionError> {
        let mut streams = self.client.streams.borrow_mut();
        if streams.iter().any(|stream| stream.number == number) {
            return Ok(());
        }
        if streams.len() >= self.server.max_streams {
            return Err(SessionError::Refused("the client makes too many streams".to_owned()));
        }
        streams.push(NetStream { number, state: StreamState::Idle });
        Ok(())
    }

    fn begin_publish(&mut self, stream: u32, app: &'static App, what: Asked) {
        let publisher = match Publisher::open(self.hub, app, &what.name) {
            Ok(publisher) => Box::new(publisher),
            Err(refused) => {
                let why = match refused {
                    Refused::Busy => "Already publishing",
                    Refused::Full => "There are as many streams as there is room for",
                };
                return self.bad_name(stream, why);
            }
        };
        self.refused = false;
        self.deeds.begun();
        StreamEvent::Publish.tell(app, &what);
        call::begin_updates(&self.client, stream, what.since);
        let what = Box::new(what);
        self.with_stream(stream, |found| found.state = StreamState::Publishing { what, publisher });
        self.status(stream, "status", "NetStream.Publish.Start", "Start publishing");
        self.set_timeout();
    }

    /// The client's application.
    pub(super) fn app(&self) -> Result<&'static App, SessionError> {
        self.client.app.get().ok_or(SessionError::NotConnected)
    }

    /// Whether the configuration lets the client do that.
    pub(super) fn may(&self, app: &App, deed: Deed, what: &Asked) -> Result<(), &'static str> {
        let hello = self.client.hello.borrow();
        permitted(app, deed, self.client.peer.get(), what, &hello)
    }

    /// Ends what happens in a message stream. `deliberate`: the client has said so.
    pub(super) fn end_stream(&mut self, stream: u32, deliberate: bool) {
        let state = self
            .with_stream(stream, |found| std::mem::replace(&mut found.state, StreamState::Idle));
        let Some(app) = self.client.app.get() else { return };
        match state {
            Some(StreamState::Publishing { what, mut publisher }) => {
                let still_ours = publisher.close(deliberate);
                call::tell(&app.hooks, HookEvent::PublishDone, &self.client, &what);
                call::tell(&app.hooks, HookEvent::Done, &self.client, &what);
                if still_ours {
                    StreamEvent::Unpublish.tell(app, &what);
                }
                if deliberate {
                    let code = "NetStream.Unpublish.Success";
                    self.status(stream, "status", code, "Stop publishing");
                }
            }
            Some(StreamState::Playing { what, player }) => {
                self.end_play(app, &what, player);
            }
            Some(StreamState::Idle) | None => {}
        }
    }

    /// Ends everything: the connection is over. `deliberate`: so are its streams.
    pub(super) fn end_streams(&mut self, deliberate: bool) {
        let streams = self.client.streams.borrow();
        let numbers: Vec<u32> = streams.iter().map(|stream| stream.number).collect();
        drop(streams);
        numbers.into_iter().for_each(|number| self.end_stream(number, deliberate));
    }

    /// An operator wants what the client publishes or plays under another name. Such a command needs
    /// neither key nor hook.
    pub(super) fn redirect(&mut self, name: &[u8], meant: &[u32]) -> Result<(), SessionError> {
        let app = self.app()?;
        let streams = self.client.streams.borrow();
        let meant = streams.iter().filter(|stream| meant.contains(&stream.number));
        let active = meant.filter_map(|stream| {
            stream.asked().map(|(what, publishing)| (stream.number, what.clone(), publishing))
        });
        let active: Vec<(u32, Asked, bool)> = active.collect();
        drop(streams);
        for (stream, what, publishing) in active {
            let what = Asked { name: name.to_vec(), since: rt::wall(), ..what };
            match publishing {
                true => {
                    self.end_stream(stream, true);
                    self.begin_publish(stream, app, what);
                }
                false => self.move_player(stream, app, what)?,
            }
        }
        Ok(())
    }
}

/// Whether a configuration lets a client do that; the error says why not.
pub fn permitted(
    app: &App,
    deed: Deed,
    peer: sys::socket::Peer,
    what: &Asked,
    hello: &Hello,
) -> Result<(), &'static str> {
    let outer = &hello.args;
    let wish = Wish { deed, app: app.name.as_bytes(), name: &what.name, args: &what.args, outer };
    if !app.live {
        return Err("The application is not live");
    }
    if !rules::allows(&app.rules, deed, peer) {
        return Err("Access forbidden by rule");
    }
    if !login::may(&app.logins, deed, hello.user.as_deref()) {
        return Err("The client has not logged in");
    }
    if !key::has_key(&app.keys, &wish) {
        return Err("The stream needs its key");
    }
    if !key::is_signed(&app.signatures, &wish, rt::wall().as_secs()) {
        return Err("The address is not signed, or has expired");
    }
    Ok(())
}
