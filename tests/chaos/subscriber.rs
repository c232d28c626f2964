//! Who listens: drops out at random, comes back with the id of the last event, and misses nothing.

use std::collections::HashSet;
use std::io::{self, ErrorKind, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::answer::{self, Body};
use crate::load::Load;
use crate::message::Message;
use crate::pause;
use crate::sse::{Event, Parser};
use crate::stage::{Phase, Stage, count};
use crate::target::Target;
use crate::verdict::Seen;
use support::Random;

/// The longest pause before it comes back: shorter than a browser's, so that more happens.
const RETURN: Duration = Duration::from_millis(60);
/// So long it waits for the head of an answer.
const HEAD: Duration = Duration::from_secs(5);
/// How often one that hears nothing looks whether the run goes on.
const LOOK: Duration = Duration::from_millis(50);
/// What is wrong again and again need not be told for ever.
const ENOUGH: usize = 100;

/// A logical subscriber: many connections, one stream.
pub struct Subscriber<'a> {
    pub target: &'a dyn Target,
    pub stage: &'a Stage,
    pub load: &'a Load,
    pub path: String,
    pub random: Random,
    /// What it comes back with.
    pub last: Option<String>,
    /// Channels whose last message it has not seen.
    pub open: HashSet<u32>,
    pub ready: bool,
    /// A gap that no event has followed yet: from where to where.
    pub gap: Option<(u64, u64)>,
    pub seen: Seen,
}

impl Subscriber<'_> {
    /// Listens until it has seen the last messages.
    pub fn run(mut self) -> Seen {
        while !self.open.is_empty() && !self.stage.has(Phase::Over) {
            // A connection that breaks is what this is about: it comes back.
            let _ = self.connection();
            if !self.open.is_empty() {
                pause::up_to(RETURN, &mut self.random);
            }
        }
        match self.open.is_empty() {
            true => count(&self.stage.complete),
            false => self.seen.stalled = true,
        }
        self.seen
    }

    /// One connection, until it breaks or is dropped.
    fn connection(&mut self) -> io::Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.target.port()))?;
        count(&self.stage.connections);
        stream.set_read_timeout(Some(HEAD))?;
        let last = match &self.last {
            Some(id) => format!("Last-Event-ID: {id}\r\n"),
            None => String::new(),
        };
        let path = &self.path;
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n{last}\r\n");
        stream.write_all(request.as_bytes())?;
        if self.leaves() {
            return Ok(());
        }
        let mut input = Vec::new();
        let head = answer::head(&mut stream, &mut input)?;
        if head.status != 200 {
            // A browser would not come again.
            self.malformed(format!("status {}", head.status));
            return Ok(());
        }
        stream.set_read_timeout(Some(LOOK))?;
        let (mut body, mut parser) = (Body::new(head.chunked), Parser::default());
        loop {
            let stays = body
                .content(&input)
                .and_then(|content| self.events(&mut parser, &content))
                .unwrap_or_else(|text| {
                    self.malformed(text);
                    false
                });
            if !self.ready && (self.last.is_some() || !self.target.tells_place()) {
                self.ready = true;
                count(&self.stage.ready);
            }
            if !stays || self.open.is_empty() || self.is_called() {
                return Ok(());
            }
            input.clear();
            match answer::more(&mut stream, &mut input) {
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                result => result?,
            }
        }
    }

    /// Takes the events of these bytes. `false`: it drops out, and what follows was not seen.
    fn events(&mut self, parser: &mut Parser, bytes: &[u8]) -> Result<bool, String> {
        let mut stays = true;
        let mut trouble = None;
        parser.feed(bytes, |event| {
            if stays && trouble.is_none() {
                trouble = self.event(event).err();
                stays = !self.leaves();
            }
        })?;
        trouble.map_or(Ok(stays), Err)
    }

    fn event(&mut self, event: Event) -> Result<(), String> {
        let place = match &event.id {
            Some(id) => self.target.place(id)?,
            None => None,
        };
        self.last = event.id.or(self.last.take());
        match (event.kind.as_str(), event.data) {
            ("gap", data) => {
                self.seen.gaps += 1;
                let told = data.as_deref().and_then(|data| self.target.told(data));
                self.gap = match (self.gap, told) {
                    (Some((from, _)), Some((_, to))) => Some((from, to)),
                    (before, told) => told.or(before),
                };
            }
            ("", Some(data)) => {
                let message = Message::parse(&data, self.load.filling);
                let text = || data.chars().take(100).collect::<String>();
                let message = message.ok_or_else(|| format!("not a message: {}", text()))?;
                // A reader of a pattern stays where it is: what is lost is all up to what comes.
                if let (Some((from, to)), Some(next)) = (self.gap.take(), place) {
                    self.seen.told.push((from, to.max(next.saturating_sub(1))));
                }
                if message.publisher == self.load.last() {
                    self.open.remove(&message.channel);
                }
                self.seen.events.push((place, message));
            }
            ("", None) => {}
            (kind, _) => return Err(format!("an event that nobody has posted: {kind}")),
        }
        Ok(())
    }

    /// Whether it drops out now.
    fn leaves(&mut self) -> bool {
        self.stage.is(Phase::Chaos) && self.random.one_in(self.load.patience)
    }

    /// Whether it is told to come back once more.
    fn is_called(&mut self) -> bool {
        let called = self.stage.has(Phase::Again) && !self.seen.stalled;
        self.seen.stalled |= called;
        called || self.stage.has(Phase::Over)
    }

    fn malformed(&mut self, text: String) {
        if self.seen.malformed.len() < ENOUGH {
            self.seen.malformed.push(text);
        }
    }
}
