//! The one thread: publishers and players on one epoll.

use std::io::{self, Read};
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use crate::media::Media;
use crate::member::{Member, Role};
use crate::options::Options;
use crate::tally::{Tally, now};

/// Clients that have connected and have not asked yet: fewer than any backlog.
const CONNECTING: usize = 256;
/// In nanoseconds: after so long without a sign, what is missing does not come.
pub const PATIENCE: u64 = 10_000_000_000;
/// The longest sleep.
const NAP: u64 = 100_000_000;
/// The caller's lines.
const STDIN: Token = Token(usize::MAX);

/// All clients.
pub struct Load {
    pub options: Options,
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
    pub media: Media,
    pub tally: Tally,
    /// Their numbers are their tokens; publishers are first. Who is gone leaves a gap.
    pub members: Vec<Option<Member>>,
    /// The caller has sent so many lines more than were taken.
    pub lines: usize,
    /// The caller sends no more of them.
    pub closed: bool,
}

impl Load {
    /// Connects all, and waits until every one is served.
    pub fn new(options: Options) -> Result<Load, String> {
        let poll = Poll::new().map_err(|e| e.to_string())?;
        if options.wait {
            let registered = poll.registry().register(&mut SourceFd(&0), STDIN, Interest::READABLE);
            registered.map_err(|e| format!("stdin is to be a pipe: {e}"))?;
        }
        let mut load = Load {
            poll,
            events: Events::with_capacity(4096),
            buffer: vec![0; 256 << 10],
            media: Media::new(options.shape),
            tally: Tally::new(now()),
            members: Vec::new(),
            lines: 0,
            closed: false,
            options,
        };
        let Options { publishers, players, stalled, first, .. } = load.options;
        load.add(publishers, &|| Role::publisher(first))?;
        load.until(Member::running)?;
        load.publish()?;
        load.add(players, &|| Role::Player(Box::default()))?;
        load.add(stalled, &|| Role::Stalled)?;
        load.until(|member| if publishers > 0 { member.served() } else { member.running() })?;
        Ok(load)
    }

    /// Connects clients, so many at a time that none is refused.
    fn add(&mut self, count: usize, role: &dyn Fn() -> Role) -> Result<(), String> {
        for number in 0..count {
            self.open(number, role())?;
            if (number + 1) % CONNECTING == 0 {
                self.until(|member| member.client.asked > 0)?;
            }
        }
        Ok(())
    }

    /// Connects one.
    pub fn open(&mut self, number: usize, role: Role) -> Result<(), String> {
        let token = self.members.len();
        let made = Member::open(&self.options, role, number, self.poll.registry(), token);
        let member = made.map_err(|e| format!("client {token}: {e} (see `ulimit -n`)"))?;
        self.members.push(Some(member));
        Ok(())
    }

    /// Begins the streams, spread over the time of a frame.
    fn publish(&mut self) -> Result<(), String> {
        let (start, count) = (now(), self.options.publishers.max(1) as f64);
        for (number, member) in self.members.iter_mut().flatten().enumerate() {
            let spread = number as f64 / count * 1e9 / self.options.shape.rate;
            if let Role::Publisher(pace) = &mut member.role {
                pace.start = start + spread as u64;
                let headers = self.media.headers(member.client.running().unwrap_or(1));
                member.client.send(&headers)?;
            }
        }
        Ok(())
    }

    /// Takes turns until all are so far.
    fn until(&mut self, far: impl Fn(&Member) -> bool) -> Result<(), String> {
        let (mut reached, mut last) = (0, now());
        loop {
            let all = self.members.iter().flatten().filter(|member| far(member)).count();
            if all == self.members.len() {
                return Ok(());
            }
            if all > reached {
                (reached, last) = (all, now());
            }
            if self.tally.errors > 0 || now() - last > PATIENCE {
                return Err(format!("of {} clients {all} were served", self.members.len()));
            }
            self.turn(now() + NAP)?;
        }
    }

    /// Sends what is due, waits for the sockets once, but not beyond `end`, and serves them.
    pub fn turn(&mut self, end: u64) -> Result<(), String> {
        let mut wake = end;
        for member in self.members.iter_mut().take(self.options.publishers) {
            let Some(Member { client, role: Role::Publisher(pace) }) = member else { continue };
            match pace.send(client, &mut self.media, &mut self.tally) {
                Ok(()) => wake = wake.min(pace.due(&self.media)),
                Err(text) => gone(member, &text, &mut self.tally),
            }
        }
        let timeout = Duration::from_nanos(wake.saturating_sub(now()).min(NAP));
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => return Ok(()),
            result => result.map_err(|e| e.to_string())?,
        }
        for event in &self.events {
            if event.token() == STDIN {
                let mut lines = [0; 64];
                let count = io::stdin().read(&mut lines).map_err(|e| e.to_string())?;
                self.lines += lines[..count].iter().filter(|&&byte| byte == b'\n').count();
                self.closed = count == 0;
                continue;
            }
            // Who came for one round may have left already.
            let Some(place) = self.members.get_mut(event.token().0) else { continue };
            let Some(member) = place else { continue };
            if let Err(text) = member.serve(event, &mut self.buffer, &mut self.tally) {
                gone(place, &text, &mut self.tally);
            }
        }
        Ok(())
    }
}

/// A client whose connection is over.
fn gone(place: &mut Option<Member>, text: &str, tally: &mut Tally) {
    if tally.errors == 0 {
        eprintln!("rtmp-load: {text}");
    }
    tally.errors += 1;
    *place = None;
}
