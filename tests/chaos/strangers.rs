//! Who subscribes to names of their own invention, many a second, and goes away again: what that costs must not be what
//! others have published.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::pause;
use crate::stage::{Phase, Stage};
use crate::target::Target;
use support::Random;

/// The longest pause between two of them.
const PAUSE: Duration = Duration::from_millis(4);
/// So long one waits for an answer.
const HEAD: Duration = Duration::from_secs(5);

/// One after the other, until the chaos is over.
pub fn flood(target: &dyn Target, stage: &Stage, seed: u64, number: usize) {
    let mut random = Random::new(seed, 2000 + number as u64);
    while stage.is(Phase::Chaos) {
        // A connection that breaks is what this is about.
        let _ = subscribe(target, random.draw());
        pause::up_to(PAUSE, &mut random);
    }
}

fn subscribe(target: &dyn Target, name: u64) -> io::Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", target.port()))?;
    stream.set_read_timeout(Some(HEAD))?;
    let request = format!(
        "GET /events/stranger.{name:x} HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    stream.read(&mut [0; 16]).map(|_| ())
}
