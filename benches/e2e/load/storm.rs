//! Everybody comes back at once: clients with a `Last-Event-ID` who read what they have missed.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use mio::{Events, Poll};

use crate::count;
use crate::options::Options;
use crate::report::Report;
use crate::subscriber::{State, Subscriber, request};
use crate::tally::{Tally, processor};

/// After so long the server does not answer any more.
const PATIENCE: Duration = Duration::from_secs(10);

/// A channel with events, and the id of the one behind which the clients begin.
pub struct Storm {
    options: Options,
    path: String,
    id: String,
    clock: Instant,
}

impl Storm {
    /// Publishes one event more than is replayed, and reads the id of the first from a stream.
    pub fn new(options: Options) -> io::Result<Storm> {
        let path = format!("{}-storm", options.path);
        let mut stream = TcpStream::connect(options.target(0))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(request(&path, "").as_bytes())?;
        let mut seen = Vec::new();
        let mut until = |what: &dyn Fn(&[u8]) -> bool| {
            let mut block = [0; 4096];
            while !what(&seen) {
                match stream.read(&mut block)? {
                    0 => return Err(io::Error::other("the server ends the stream")),
                    count => seen.extend_from_slice(&block[..count]),
                }
            }
            Ok(String::from_utf8_lossy(&seen).into_owned())
        };
        until(&|seen| seen.windows(4).any(|part| part == b"\r\n\r\n"))?;
        for _ in 0..=options.replay {
            post(&options, &path)?;
        }
        let text = until(&|seen| count::events(seen) > options.replay)?;
        // The stream may have begun with an id of its own: the last one before the first event's end.
        let first = text.split(char::from(count::MARK)).next().unwrap_or_default();
        let id = first.lines().rev().find_map(|line| line.strip_prefix("id: "));
        let id = id.ok_or_else(|| io::Error::other("events without ids"))?.to_owned();
        Ok(Storm { options, path, id, clock: Instant::now() })
    }

    /// All join, some at a time: each leaves when it has read what follows the id.
    pub fn round(&self) -> io::Result<Report> {
        let Options { joins, replay, at_once, .. } = self.options;
        let request = request(&self.path, &format!("Last-Event-ID: {}\r\n", self.id));
        let mut poll = Poll::new()?;
        let mut events = Events::with_capacity(4096);
        let mut buffer = vec![0; 256 << 10];
        let mut tally = Tally::new(self.clock);
        let mut clients: Vec<Option<Subscriber>> = (0..at_once).map(|_| None).collect();
        let mut free: Vec<usize> = (0..at_once).rev().collect();
        let (mut opened, mut done) = (0, 0);
        let (start, used) = (Instant::now(), processor());
        let mut times = crate::histogram::Histogram::new();
        while done < joins {
            while opened < joins
                && let Some(place) = free.pop()
            {
                let target = self.options.target(opened);
                let now = tally.now();
                let made = Subscriber::open(target, &request, poll.registry(), place, now);
                clients[place] = Some(made?);
                opened += 1;
            }
            poll.poll(&mut events, Some(PATIENCE))?;
            if events.is_empty() {
                return Err(io::Error::other(format!("{done} joins, then silence")));
            }
            for event in events.iter().filter(|event| event.is_readable()) {
                let place = event.token().0;
                let Some(client) = &mut clients[place] else { continue };
                let state = client.read(&mut buffer, event.is_read_closed(), &mut tally);
                let complete = client.seen >= replay;
                if complete {
                    times.add(tally.now() - client.opened);
                }
                if complete || state == State::Ended {
                    done += 1;
                    clients[place] = None;
                    free.push(place);
                }
            }
        }
        let seconds = start.elapsed().as_secs_f64();
        tally.times = times;
        let busy = (processor() - used) / seconds;
        Ok(Report::of(&tally, 0, joins as u64 * replay, seconds, busy).with_joins(joins))
    }
}

/// One event, on a connection of its own.
fn post(options: &Options, path: &str) -> io::Result<()> {
    let mut stream = TcpStream::connect(options.target(0))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: text/plain\r\n\
         Content-Length: {}\r\n\r\n",
        options.size
    );
    let mut bytes = head.into_bytes();
    count::data(&mut bytes, options.size, 0);
    stream.write_all(&bytes)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    match answer.starts_with("HTTP/1.1 2") {
        true => Ok(()),
        false => Err(io::Error::other(format!("publish: {answer}"))),
    }
}
