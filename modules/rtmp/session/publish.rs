//! `publish`: whether the client may, and the end of it.

use proto::rtmp::amf::Value;
use proto::rtmp::command::Command;

use super::Session;
use super::control::argument;
use crate::access::{self, Deed};
use crate::client::{Asked, StreamState};
use crate::events::Happening;
use crate::fault::Fault;
use crate::feed::{Feed, Refused};
use crate::key::{self, Wish};
use crate::login;
use crate::notify::{self, Event, Verdict};
use crate::settings::App;

impl Session {
    pub(super) async fn publish(
        &mut self,
        stream: u32,
        command: &Command<'_>,
    ) -> Result<(), Fault> {
        let app = self.app()?;
        let bad = |why| self.status(stream, "error", "NetStream.Publish.BadName", why);
        let Some((name, args)) = self.asked_name(command) else {
            bad("That is no name for a stream");
            return Ok(());
        };
        if !self.is_idle(stream) {
            bad("There is no such message stream, or it is in use");
            return Ok(());
        }
        let kind = argument(command, 2).and_then(Value::as_bytes).unwrap_or(b"live").to_vec();
        if !matches!(&kind[..], b"live" | b"record" | b"append" | b"") {
            bad("Streams are published live, to record or to append");
            return Ok(());
        }
        let mut what =
            Asked { given: name.clone(), name, args, kind, since: rt::wall(), ..Asked::default() };
        self.deeds.publish(&what);
        if let Err(why) = self.may(app, Deed::Publish, &what) {
            self.status(stream, "error", "NetStream.Publish.Denied", why);
            return Err(Fault::Refused(why));
        }
        match notify::ask(&app.hooks, Event::Publish, &self.client, &what).await {
            Verdict::Yes => {}
            Verdict::No => {
                self.status(stream, "error", "NetStream.Publish.Denied", "Not allowed");
                return Err(Fault::Hook("on_publish"));
            }
            Verdict::Instead(name) => what.name = name,
        }
        self.begin_publish(stream, app, what);
        Ok(())
    }

    fn begin_publish(&mut self, stream: u32, app: &'static App, what: Asked) {
        let feed = match Feed::open(self.hub, app, &what.name) {
            Ok(feed) => Box::new(feed),
            Err(refused) => {
                let why = match refused {
                    Refused::Busy => "Already publishing",
                    Refused::Full => "There are as many streams as there is room for",
                };
                return self.status(stream, "error", "NetStream.Publish.BadName", why);
            }
        };
        Happening::Publish.tell(app, &what);
        notify::begin_updates(&self.client, stream, what.since);
        self.with_stream(stream, |found| found.state = StreamState::Publishing { what, feed });
        self.status(stream, "status", "NetStream.Publish.Start", "Start publishing");
        self.set_timeout();
    }

    /// The client's application.
    pub(super) fn app(&self) -> Result<&'static App, Fault> {
        self.client.app.get().ok_or(Fault::NotConnected)
    }

    /// Whether there is a message stream of that number in which nothing happens.
    pub(super) fn is_idle(&self, stream: u32) -> bool {
        let idle = self.with_stream(stream, |found| matches!(found.state, StreamState::Idle));
        idle.unwrap_or(false)
    }

    /// Whether the configuration lets the client do that.
    pub(super) fn may(&self, app: &App, deed: Deed, what: &Asked) -> Result<(), &'static str> {
        let hello = self.client.hello.borrow();
        permitted(app, deed, self.client.peer.get(), what, hello.user.as_deref())
    }

    /// Ends what happens in a message stream. `deliberate`: the client has said so.
    pub(super) fn end_stream(&mut self, stream: u32, deliberate: bool) {
        let state = self
            .with_stream(stream, |found| std::mem::replace(&mut found.state, StreamState::Idle));
        let Some(app) = self.client.app.get() else { return };
        match state {
            Some(StreamState::Publishing { what, mut feed }) => {
                let still_ours = feed.close(deliberate);
                notify::tell(&app.hooks, Event::PublishDone, &self.client, &what);
                notify::tell(&app.hooks, Event::Done, &self.client, &what);
                if still_ours {
                    Happening::Unpublish.tell(app, &what);
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

    /// An operator wants what the client publishes or plays under another name. What he orders needs
    /// neither key nor hook.
    pub(super) fn redirect(&mut self, name: &[u8], meant: &[u32]) -> Result<(), Fault> {
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
    user: Option<&[u8]>,
) -> Result<(), &'static str> {
    let wish = Wish { deed, app: app.name.as_bytes(), name: &what.name, args: &what.args };
    if !app.live {
        return Err("The application is not live");
    }
    if !access::allows(&app.rules, deed, peer) {
        return Err("Access forbidden by rule");
    }
    if !login::may(&app.logins, deed, user) {
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
