//! Who posts: one message after the other, each until it is answered.

use std::io::{self, ErrorKind, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::load::{Load, channel};
use crate::message::Message;
use crate::stage::{Phase, Stage, count};
use crate::target::Target;
use crate::verdict::Posted;
use crate::{answer, pause};
use support::Random;

/// Who gets no answer for so long asks again.
const UNANSWERED: Duration = Duration::from_secs(5);
/// The longest pause before it does.
const RETURN: Duration = Duration::from_millis(50);

/// A publisher, with a connection that it keeps.
pub struct Publisher<'a> {
    pub target: &'a dyn Target,
    pub stage: &'a Stage,
    pub load: &'a Load,
    pub number: u32,
    pub seed: u64,
    pub random: Random,
    pub connection: Option<(TcpStream, Vec<u8>)>,
    pub report: Published,
}

/// What it has done.
#[derive(Default)]
pub struct Published {
    pub log: Vec<Posted>,
    /// Answers that refuse a message.
    pub refused: Vec<String>,
    /// Requests that were not answered in time.
    pub unanswered: u32,
}

impl Publisher<'_> {
    /// Posts until the chaos is over.
    pub fn run(mut self) -> Published {
        for number in 0.. {
            if !self.stage.is(Phase::Chaos) {
                break;
            }
            let channel = self.random.below(self.load.channels as usize) as u32;
            self.post(Message { publisher: self.number, number, channel });
            pause::up_to(self.load.pause, &mut self.random);
        }
        count(&self.stage.silent);
        self.report
    }

    /// The last message of each channel.
    pub fn finish(mut self) -> Published {
        for channel in 0..self.load.channels {
            self.post(Message { publisher: self.number, number: channel, channel });
        }
        count(&self.stage.silent);
        self.report
    }

    /// Sends a message until it is answered, with the same key.
    fn post(&mut self, message: Message) {
        let body = message.text(self.load.filling);
        let request = format!(
            "POST /events/{} HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n\
             Idempotency-Key: {}-{}-{}\r\nContent-Length: {}\r\n\r\n{body}",
            channel(message.channel),
            self.seed,
            message.publisher,
            message.number,
            body.len()
        );
        let mut posted = Posted { message, acked: false, copies: 1, place: None };
        let mut sent = 0;
        while !posted.acked && !self.stage.has(Phase::Over) {
            match self.once(&request, &mut sent) {
                Ok((200..300, body)) => {
                    posted.acked = true;
                    let id = self.target.answered(&body);
                    posted.place = id.and_then(|id| self.target.place(&id).ok()).flatten();
                    break;
                }
                Ok((status, body)) => self.report.refused.push(format!("{status} {body}")),
                Err(e) => {
                    let late = matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
                    self.report.unanswered += u32::from(late);
                    self.connection = None;
                }
            }
            pause::up_to(RETURN, &mut self.random);
        }
        // Keys go with what was not on the disk when the power was cut.
        if !self.target.knows_keys() || self.load.has_disk() {
            posted.copies = sent.max(1);
        }
        self.report.log.push(posted);
    }

    /// Sends it once; `sent` counts how often it may have arrived.
    fn once(&mut self, request: &str, sent: &mut u32) -> io::Result<(u16, String)> {
        if self.connection.is_none() {
            let stream = TcpStream::connect(("127.0.0.1", self.target.port()))?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(UNANSWERED))?;
            stream.set_write_timeout(Some(UNANSWERED))?;
            self.connection = Some((stream, Vec::new()));
        }
        let Some((stream, input)) = &mut self.connection else { unreachable!("it was made above") };
        *sent += 1;
        stream.write_all(request.as_bytes())?;
        let (status, body, closes) = answer::whole(stream, input)?;
        if closes {
            self.connection = None;
        }
        Ok((status, body))
    }
}
