//! A client that listens.

use std::io;
use std::net::{SocketAddr, TcpStream};

use mio::Registry;

use crate::tally::Tally;
use crate::{count, socket};

/// What the first bytes of a good answer are.
const GOOD: &[u8] = b"HTTP/1.1 200 ";

/// A stream of events that is counted.
pub struct Subscriber {
    stream: TcpStream,
    /// Its answer has begun, and well.
    pub begun: bool,
    /// Events that it has seen.
    pub seen: u64,
    /// When it came.
    pub opened: u64,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum State {
    Open,
    Ended,
}

/// The request for a path, with what else is to stand in its head.
pub fn request(path: &str, fields: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n{fields}\r\n")
}

impl Subscriber {
    /// Connects and asks.
    pub fn open(
        target: SocketAddr,
        request: &str,
        registry: &Registry,
        token: usize,
        now: u64,
    ) -> io::Result<Subscriber> {
        let stream = socket::open(target, request.as_bytes(), registry, token)?;
        Ok(Subscriber { stream, begun: false, seen: 0, opened: now })
    }

    /// Counts what has come.
    pub fn read(&mut self, buffer: &mut [u8], ended: bool, tally: &mut Tally) -> State {
        let (begun, seen) = (&mut self.begun, &mut self.seen);
        let mut refused = false;
        let more = socket::read(&self.stream, buffer, ended, |bytes| {
            // The head's first line comes in one piece: servers write heads at once.
            refused |= !*begun && !bytes.starts_with(GOOD);
            *begun = true;
            let events = count::events(bytes);
            *seen += events;
            tally.deliveries += events;
            if let Some(time) = count::last_time(bytes) {
                tally.times.add(tally.now().saturating_sub(time));
            }
        });
        if !more || refused {
            tally.errors += 1;
            return State::Ended;
        }
        State::Open
    }
}
