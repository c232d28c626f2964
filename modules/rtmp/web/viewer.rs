//! A player that uses HTTP: from an answer's head to a task of its own.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use http::{Session, Takeover};
use proto::websocket::{self, Close, Inbound, Said};
use rt::{Io, Next, Task};

use crate::client::{Asked, Client, NetStream, StreamState};
use crate::events::tell::StreamEvent;
use crate::hooks::call;
use crate::hooks::hook::HookEvent;
use crate::play::join::{self, Joined};
use crate::play::link::{self, Link, Outlet};
use crate::play::mux::Mux;
use crate::play::output::{Container, Framing, OutputFormat};
use crate::play::player::Player;
use crate::running::Running;
use crate::settings::app::App;
use proto::query;

/// A player whose answer's head is on its way.
pub struct Viewer {
    /// What this worker has of the `rtmp` block.
    pub running: &'static Running,
    /// The application.
    pub app: &'static App,
    /// Who it is.
    pub client: Rc<Client>,
    /// What it plays.
    pub what: Asked,
    /// The stream; taken when the player is made of it.
    pub joined: Option<Joined>,
    /// How it is written to.
    pub format: OutputFormat,
}

/// The longest message of a client, which has nothing to say.
const MOST_SAID: usize = 4096;
/// Reads from one client in one turn.
const READS: usize = 16;

impl Takeover for Viewer {
    fn start(mut self: Box<Self>, session: Session, input: Vec<u8>) -> Task {
        let (running, hub, io) = (self.running, self.running.hub, session.io);
        let timeout = running.timeout(self.app);
        session.give_up_silent(timeout);
        io.set_timeout(timeout);
        let outlet = Outlet::new(Link::new(io, Some(session), self.format, 0));
        let outlet = hub.add_outlet(outlet);
        self.client.outlet.set(outlet);
        let place = running.clients.borrow_mut().insert(self.client.clone());
        if let Some(joined) = self.joined.take() {
            let mut player = joined.player(self.app, 1);
            choose_tracks(&mut player.own, &self.what.args);
            if let OutputFormat::Http(container @ (Container::Ts | Container::Mp4), _) = self.format
            {
                player.own.mux = Some(Box::new(Mux::new(container)));
            }
            let player = join::add(hub, outlet, player);
            let what = self.what.clone();
            StreamEvent::Play.tell(self.app, &what);
            let state = StreamState::Playing { what: Box::new(what), player };
            self.client.streams.borrow_mut().push(NetStream { number: 1, state });
            call::begin_updates(&self.client, 1, self.what.since);
        }
        let socket =
            (self.format.framing() == Framing::Socket).then(|| Box::new(Inbound::new(MOST_SAID)));
        let mut viewing = Viewing { viewer: self, place, io, socket };
        viewing.hear(&input);
        Box::pin(viewing)
    }
}

/// Whether a player takes sound, and pictures, as far as its arguments say that. `audio=0`, `video=0`: it does without; others
/// call that `onlyvideo=1` and `onlyaudio=1`. `audio=1`, `video=1`: it is to expect the track, though that may come late.
pub fn wanted_tracks(given: &[u8]) -> (Option<bool>, Option<bool>) {
    let says = |name: &str, other: &str| match query::get(given, name.as_bytes()).as_deref() {
        Some(b"0" | b"off" | b"false") => Some(false),
        Some(b"1" | b"on" | b"true") => Some(true),
        _ => match query::get(given, other.as_bytes()).as_deref() {
            Some(b"1" | b"on" | b"true") => Some(false),
            _ => None,
        },
    };
    (says("audio", "onlyvideo"), says("video", "onlyaudio"))
}

fn choose_tracks(player: &mut Player, given: &[u8]) {
    let (audio, video) = wanted_tracks(given);
    (player.opening.audio, player.opening.video) = (audio, video);
    (player.audio, player.video) = (audio != Some(false), video != Some(false));
}

/// A viewer's task: what its own connection brings. Dropping it ends the playing.
struct Viewing {
    viewer: Box<Viewer>,
    place: usize,
    io: Io,
    /// The client's side of a WebSocket.
    socket: Option<Box<Inbound>>,
}

impl Viewing {
    fn is_full(&self, number: u32) -> bool {
        let hub = self.viewer.running.hub;
        hub.with_outlet(number, |outlet| link::is_full(outlet)).unwrap_or(false)
    }

    /// Takes what the client sends. `false`: the connection is over.
    fn listen(&mut self) -> bool {
        let mut buffer = [0; 2048];
        for _ in 0..READS {
            let outlet = self.viewer.client.outlet.get();
            if !self.io.is_readable() || self.is_full(outlet) {
                return true;
            }
            match self.io.read(&mut buffer) {
                // One that has closed its half has gone: nobody asks for a live stream and then stays.
                Ok(0) => return false,
                Ok(count) => self.hear(&buffer[..count]),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return true,
                Err(_) => return false,
            }
        }
        // It goes on without a pause: others first.
        self.io.wake();
        true
    }

    /// Pings are answered, and a close; all else is ignored.
    fn hear(&mut self, bytes: &[u8]) {
        let Some(socket) = &mut self.socket else { return };
        let (mut out, mut closed, mut error) = (Vec::new(), false, None);
        let goes_on = socket.feed(bytes, &mut out, |said| match said {
            Said::Closed => closed = true,
            Said::Error(why) => error = Some(why),
            Said::Message(_) | Said::Binary => {}
        });
        let (hub, outlet) = (self.viewer.running.hub, self.viewer.client.outlet.get());
        if closed || error.is_some() || !goes_on {
            self.socket = None;
            // A close is answered already, and a second frame would be a mistake of ours.
            if !closed {
                websocket::close(error.unwrap_or(Close::Normal), &mut out);
            }
            hub.with_outlet(outlet, |outlet| link::end_with(outlet, &out));
        } else {
            hub.with_outlet(outlet, |outlet| link::send(outlet, &out));
        }
    }
}

impl Future for Viewing {
    type Output = Next;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Next> {
        let hub = self.viewer.running.hub;
        let outlet = self.viewer.client.outlet.get();
        if !hub.attend(outlet) || !self.listen() {
            return Poll::Ready(Next::Close);
        }
        if self.viewer.client.admin_command.borrow_mut().take().is_some() {
            // Whatever it is, this connection cannot play another stream.
            hub.with_outlet(outlet, link::end);
            return if hub.attend(outlet) { Poll::Pending } else { Poll::Ready(Next::Close) };
        }
        if self.io.timed_out() {
            let blocked = hub.with_outlet(outlet, |outlet| outlet.blocked_since()).flatten();
            let timeout = self.viewer.running.timeout(self.viewer.app);
            if blocked.is_some_and(|since| rt::now() >= since + timeout) {
                return Poll::Ready(Next::Close);
            }
            self.io.set_timeout(timeout);
        }
        Poll::Pending
    }
}

impl Drop for Viewing {
    fn drop(&mut self) {
        let Viewer { running, app, client, what, .. } = &*self.viewer;
        running.clients.borrow_mut().try_remove(self.place);
        if let Some(outlet) = running.hub.remove_outlet(client.outlet.get()) {
            client.sent.set(outlet.link.sent.total());
        }
        running.count_gone(client);
        call::tell(&app.hooks, HookEvent::PlayDone, client, what);
        call::tell(&app.hooks, HookEvent::Done, client, what);
        StreamEvent::Stop.tell(app, what);
    }
}
