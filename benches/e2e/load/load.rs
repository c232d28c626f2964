//! The one thread: subscribers and publishers on one epoll.

use std::io;
use std::time::{Duration, Instant};

use mio::{Events, Poll};

use crate::options::{Options, Rate};
use crate::publisher::Publisher;
use crate::report::Report;
use crate::subscriber::{State, Subscriber, request};
use crate::tally::{Tally, processor};

/// Clients that have connected and are not answered yet: fewer than any backlog.
const CONNECTING: usize = 256;
/// After so long without a sign, what is missing does not come.
const QUIET: Duration = Duration::from_secs(2);
/// The same for an answer to a subscriber that has just come.
const PATIENCE: Duration = Duration::from_secs(10);

/// All clients, ready for rounds.
pub struct Load {
    options: Options,
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
    clock: Instant,
    tally: Tally,
    /// Their numbers are their tokens.
    subscribers: Vec<Option<Subscriber>>,
    /// Their tokens follow.
    publishers: Vec<Publisher>,
    /// Subscribers whose answer has begun.
    begun: usize,
    /// The channel that comes next.
    next: usize,
}

impl Load {
    /// Connects all, and waits until every subscriber's answer has begun.
    pub fn new(options: Options) -> io::Result<Load> {
        let clock = Instant::now();
        let mut load = Load {
            poll: Poll::new()?,
            events: Events::with_capacity(4096),
            buffer: vec![0; 256 << 10],
            clock,
            tally: Tally::new(clock),
            subscribers: Vec::with_capacity(options.subscribers),
            publishers: Vec::with_capacity(options.publishers),
            begun: 0,
            next: 0,
            options,
        };
        for number in 0..load.options.publishers {
            let token = load.options.subscribers + number;
            let target = load.options.target(number);
            load.publishers.push(Publisher::open(target, load.poll.registry(), token)?);
        }
        let mut last = (clock, 0);
        while load.begun < load.options.subscribers {
            while load.subscribers.len() < (load.begun + CONNECTING).min(load.options.subscribers) {
                load.subscribe()?;
            }
            load.turn(QUIET)?;
            if load.tally.errors > 0 {
                let (begun, errors) = (load.begun, load.tally.errors);
                let text = format!("{errors} subscribers were refused, {begun} were taken");
                return Err(io::Error::other(text));
            }
            if load.begun > last.1 {
                last = (Instant::now(), load.begun);
            } else if last.0.elapsed() > PATIENCE {
                let text = format!("{} subscribers were answered, then no more", load.begun);
                return Err(io::Error::other(text));
            }
        }
        Ok(load)
    }

    fn subscribe(&mut self) -> io::Result<()> {
        let number = self.subscribers.len();
        let channel = number % self.options.channels;
        let request = request(&format!("{}{channel}", self.options.path), "");
        let target = self.options.target(number);
        let now = self.tally.now();
        let made = Subscriber::open(target, &request, self.poll.registry(), number, now);
        let text = |e| io::Error::other(format!("subscriber {number}: {e} (see `ulimit -n`)"));
        self.subscribers.push(Some(made.map_err(text)?));
        Ok(())
    }

    /// Waits for the sockets once, and serves those that have something.
    fn turn(&mut self, timeout: Duration) -> io::Result<()> {
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => return Ok(()),
            result => result?,
        }
        for event in &self.events {
            let (token, ended) = (event.token().0, event.is_read_closed());
            if let Some(number) = token.checked_sub(self.options.subscribers) {
                let publisher = &mut self.publishers[number];
                if !publisher.flush() || !publisher.read(&mut self.buffer, ended, &mut self.tally) {
                    return Err(io::Error::other("the server has closed a publisher's connection"));
                }
            } else if event.is_readable()
                && let Some(subscriber) = &mut self.subscribers[token]
            {
                let before = subscriber.begun;
                let state = subscriber.read(&mut self.buffer, ended, &mut self.tally);
                self.begun += usize::from(!before && subscriber.begun);
                if state == State::Ended {
                    self.subscribers[token] = None;
                }
            }
        }
        Ok(())
    }

    /// Publishes for the given time, then waits for what is on its way.
    pub fn round(&mut self) -> io::Result<Report> {
        self.tally = Tally::new(self.clock);
        let (start, used) = (Instant::now(), processor());
        let end = start + self.options.time;
        let (mut published, mut expected) = (0, 0);
        loop {
            let now = Instant::now();
            if now >= end {
                break;
            }
            let wait = self.publish(now - start, &mut published, &mut expected);
            self.turn(wait.min(end - now))?;
        }
        let mut last = (Instant::now(), self.tally.progress());
        while self.tally.deliveries < expected || self.tally.answers < published {
            self.turn(QUIET / 8)?;
            if self.tally.progress() != last.1 {
                last = (Instant::now(), self.tally.progress());
            } else if last.0.elapsed() > QUIET {
                break;
            }
        }
        let seconds = (last.0 - start).as_secs_f64();
        let busy = (processor() - used) / start.elapsed().as_secs_f64();
        Ok(Report::of(&self.tally, published, expected, seconds, busy))
    }

    /// Publishes what is due; how long until more is.
    fn publish(&mut self, passed: Duration, published: &mut u64, expected: &mut u64) -> Duration {
        let before = *published;
        let wait = match self.options.rate {
            Rate::PerSecond(rate) => {
                let due = (rate * passed.as_secs_f64()) as u64;
                for number in before..due {
                    let publisher = number as usize % self.publishers.len();
                    *expected += self.post(publisher);
                }
                *published = due;
                Duration::from_secs_f64(((due + 1) as f64 / rate).min(1e6)).saturating_sub(passed)
            }
            Rate::Saturate => {
                for publisher in 0..self.publishers.len() {
                    while self.publishers[publisher].waiting < self.options.pipeline {
                        *expected += self.post(publisher);
                        *published += 1;
                    }
                }
                QUIET
            }
        };
        if *published > before {
            for publisher in &mut self.publishers {
                // One that is broken is told by the next turn.
                publisher.flush();
            }
        }
        wait
    }

    /// One event for the channel whose turn it is; how many subscribers it has.
    fn post(&mut self, publisher: usize) -> u64 {
        let channel = self.next % self.options.channels;
        self.next += 1;
        let now = self.tally.now();
        self.publishers[publisher].post(&self.options.path, channel, self.options.size, now);
        self.options.readers(channel)
    }
}
