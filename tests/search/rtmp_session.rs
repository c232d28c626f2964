//! A plan for live streams, carried out at one server.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use proto::rtmp::amf::Value;
use proto::rtmp::message;

use crate::client::{Client, Message};
use crate::frames::{self, label};
use crate::rtmp::{CLIENTS, Step};

/// What is not said in this time is not said.
const PATIENCE: Duration = Duration::from_millis(700);

/// One run of a plan.
pub struct Session {
    port: u16,
    run: u32,
    clients: [Option<Peer>; CLIENTS],
    /// All that was told.
    pub said: Vec<String>,
    /// The number of the next frame.
    next: u32,
}

/// A client that is connected.
struct Peer {
    client: Client,
    stream: u32,
    /// The names that it publishes, and plays.
    publishes: Option<String>,
    plays: Option<String>,
}

impl Session {
    /// Nobody is there yet.
    pub fn new(port: u16, run: u32) -> Session {
        Session { port, run, clients: Default::default(), said: Vec::new(), next: 1 }
    }

    /// Does it, and notes what all clients are told.
    pub fn step(&mut self, step: &Step) {
        let (Step::Call(number, _)
        | Step::Publish(number, ..)
        | Step::Play(number, _)
        | Step::Meta(number)
        | Step::Frames(number, _)
        | Step::Close(number, _)
        | Step::Leave(number)) = *step;
        let mut peer = match self.clients[number].take() {
            Some(peer) => peer,
            None => match catch_unwind(AssertUnwindSafe(|| self.connect())) {
                Ok(peer) => peer,
                Err(_) => return self.said.push(format!("{number} cannot connect")),
            },
        };
        // Who sends what it does not publish is cut off at different times.
        let has_nothing =
            matches!(step, Step::Meta(_) | Step::Frames(..)) && peer.publishes.is_none();
        let is_busy = peer.publishes.is_some() || peer.plays.is_some();
        if has_nothing || is_busy && matches!(step, Step::Publish(..) | Step::Play(..)) {
            self.clients[number] = Some(peer);
            return;
        }
        let wanted = self.send(&mut peer, step);
        let stays = self.told(number, &mut peer, None);
        if matches!(step, Step::Leave(_)) {
            return;
        }
        if stays {
            self.clients[number] = Some(peer);
        }
        // Who plays it gets it.
        for other in 0..CLIENTS {
            let Some(mut peer) = self.clients[other].take() else { continue };
            let label = wanted.as_ref().filter(|(name, _)| peer.plays.as_ref() == Some(name));
            if self.told(other, &mut peer, label.map(|(_, label)| label.as_str())) {
                self.clients[other] = Some(peer);
            }
        }
    }

    /// Sends what a step says. Gives a stream that has got frames, and the last one's label.
    fn send(&mut self, peer: &mut Peer, step: &Step) -> Option<(String, String)> {
        let plain = |name: &str| name.split('?').next().unwrap_or(name).to_owned();
        let full = |name: &str| format!("r{}{name}", self.run);
        let stream = peer.stream;
        let own = f64::from(stream);
        match step {
            // It says so: what breaks off is another matter.
            Step::Leave(_) => drop(peer.client.call(0, "deleteStream", &[Value::Null, own.into()])),
            Step::Call(_, call) => drop(peer.client.call(0, call, &[Value::Null, 0.0.into()])),
            Step::Publish(_, name, kind) => {
                let name = full(name);
                let arguments = [Value::Null, name.as_str().into(), (*kind).into()];
                peer.client.call(stream, "publish", &arguments);
                peer.publishes = Some(plain(&name));
            }
            Step::Play(_, name) => {
                let name = full(name);
                peer.client.call(stream, "play", &[Value::Null, name.as_str().into()]);
                peer.plays = Some(plain(&name));
            }
            Step::Meta(_) => {
                let metadata = frames::metadata(self.next.into());
                peer.client.message(4, message::DATA, stream, 0, &metadata);
            }
            Step::Frames(_, chunk) => {
                let label = self.send_frames(peer, *chunk);
                return peer.publishes.clone().map(|name| (name, label));
            }
            Step::Close(_, how) => {
                let on = if *how == "closeStream" { stream } else { 0 };
                peer.client.call(on, how, &[Value::Null, own.into()]);
                (peer.publishes, peer.plays) = (None, None);
            }
        }
        None
    }

    /// Headers, a key frame, sound, and two frames more; gives the last one's label.
    fn send_frames(&mut self, peer: &mut Peer, chunk: usize) -> String {
        peer.client.set_chunk_size(chunk);
        let at = self.next;
        self.next += 4;
        let time = at * 40;
        let video = |time, payload: Vec<u8>| (7, message::VIDEO, time, payload);
        let audio = |time, payload: Vec<u8>| (6, message::AUDIO, time, payload);
        for (chunks, kind, time, payload) in [
            video(time, frames::avc_header(1)),
            audio(time, frames::aac_header(1)),
            video(time, frames::key_of(at, 5000)),
            audio(time + 10, frames::aac(at + 1)),
            video(time + 40, frames::inter(at + 2)),
            video(time + 80, frames::inter(at + 3)),
        ] {
            peer.client.message(chunks, kind, peer.stream, time, &payload);
        }
        format!("p{}", at + 3)
    }

    fn connect(&self) -> Peer {
        let mut client = Client::open(self.port);
        client.connect_to("live", &[]);
        client.expect("NetConnection.Connect.Success");
        let stream = client.create_stream();
        client.socket().set_read_timeout(Some(PATIENCE)).expect("SO_RCVTIMEO");
        Peer { client, stream, publishes: None, plays: None }
    }

    /// Notes what a client is told, up to an answer or to this frame. `false`: it was cut off.
    fn told(&mut self, number: usize, peer: &mut Peer, label: Option<&str>) -> bool {
        let call = peer.client.call(0, "createStream", &[Value::Null]);
        let mut answered = false;
        let mut came = label.is_none();
        let mut all = Vec::new();
        while !answered || !came {
            let Ok(message) = catch_unwind(AssertUnwindSafe(|| peer.client.next())) else {
                let what = if answered { label.unwrap_or_default() } else { "an answer" };
                all.push(format!("(waits for {what})"));
                break;
            };
            let Some(message) = message else {
                self.said.push(format!("{number}: {} (end)", all.join(" ")));
                return false;
            };
            if message.name() == "_result" && message.transaction() == call {
                answered = true;
                continue;
            }
            let word = word(&message);
            came |= Some(word.as_str()) == label;
            if word == "NetStream.Publish.BadName" {
                peer.publishes = None;
            }
            if !word.is_empty() {
                all.push(word);
            }
        }
        if !all.is_empty() {
            self.said.push(format!("{number}: {}", all.join(" ")));
        }
        true
    }
}

/// A message in a word that both servers would have for it; empty: it does not count.
fn word(message: &Message) -> String {
    match message.kind {
        // Flash players wait for it; nginx-rtmp does not send it.
        message::COMMAND if message.info("code") == "NetStream.Play.Reset" => String::new(),
        // nginx-rtmp says it to the last of a stream only.
        message::COMMAND if message.info("code") == "NetStream.Play.Stop" => String::new(),
        message::COMMAND => message.said(),
        message::AUDIO | message::VIDEO | message::DATA => {
            let word = label(message).split('@').next().unwrap_or_default().to_owned();
            // Who comes late gets them at once; from nginx-rtmp each before the track's first frame.
            let head = word.starts_with("vh") || word.starts_with("ah") || word == "meta";
            if head { String::new() } else { word }
        }
        _ => String::new(),
    }
}
