//! A request on its way to a peer, and the head of the answer on its way back: both at a time, since a peer may answer before
//! it has read all of the request.

use std::io::ErrorKind;
use std::task::{Context, Poll};

use http::{Cause, Error, ErrorPhase, Request};
use mem::Block;
use proto::http1::AnswerHead;
use rt::Io;

use crate::protocol::{Protocol, Reading};
use crate::sending::Sending;
use crate::settings::Settings;

/// Fewer fields are in most heads.
const USUAL_FIELDS: usize = 16;
/// Milliseconds that do not come to an end: a day.
const NEVER: u64 = 86_400_000;
/// So often is read and written in one turn; then others have theirs.
const TURNS: usize = 32;

/// One request and what comes of it.
pub struct Conversation<'a> {
    io: Io,
    settings: &'a Settings,
    request: &'a Request,
    /// What of the request has not gone yet.
    pub sending: Sending,
    /// What reads the head.
    pub reading: Reading,
    /// What has come of the answer itself.
    pub block: Block,
    /// The head, once it is there.
    pub head: AnswerHead,
    /// The deadline is that of the answer.
    waits_for_answer: bool,
    /// Bytes that were read.
    pub received: u64,
}

impl<'a> Conversation<'a> {
    /// About this request.
    pub fn new(
        io: Io,
        settings: &'a Settings,
        request: &'a Request,
        protocol: &Protocol,
        sending: Sending,
    ) -> Conversation<'a> {
        let mut head = AnswerHead::default();
        head.fields.list.reserve(USUAL_FIELDS);
        Conversation {
            io,
            settings,
            request,
            sending,
            reading: Reading::new(protocol, settings.buffer_size),
            block: Block::take(settings.buffer_size),
            head,
            waits_for_answer: false,
            received: 0,
        }
    }

    /// Goes on until the head is there.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        for _ in 0..TURNS {
            let mut moved = self.sending.go_on(self.io, self.settings.send_timeout, cx)?;
            self.wait_for_answer();
            if self.sending.waits_for_client() {
                // Its patience is its own.
                self.io.set_timeout(NEVER);
            }
            // One that takes no more may have answered: that is read first.
            match self.read()? {
                Some(true) => {
                    self.io.set_timeout(self.settings.read_timeout);
                    return Poll::Ready(Ok(()));
                }
                Some(false) => moved = true,
                None => {}
            }
            if moved {
                continue;
            }
            if let Some(error) = self.sending.refusal() {
                return Poll::Ready(Err(Error::new(ErrorPhase::Send, error)));
            }
            if self.io.timed_out() {
                let phase = if self.waits_for_answer { ErrorPhase::Head } else { ErrorPhase::Send };
                return Poll::Ready(Err(Error::new(phase, Cause::TimedOut)));
            }
            self.io.wakes(cx);
            return Poll::Pending;
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn wait_for_answer(&mut self) {
        if self.sending.is_done() && !self.waits_for_answer {
            self.waits_for_answer = true;
            self.io.set_timeout(self.settings.read_timeout);
        }
    }

    /// Reads once. `true`: the head is there; `None`: there was nothing.
    fn read(&mut self) -> Result<Option<bool>, Error> {
        let failed = |cause| Error::new(ErrorPhase::Head, cause);
        let most = self.settings.buffer_size;
        let count = match self.reading.read(self.io, &mut self.block, most) {
            Ok(0) => return Err(failed(Cause::Closed(self.block.len()))),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(failed(error.into())),
        };
        self.received += count as u64;
        if self.waits_for_answer {
            self.io.set_timeout(self.settings.read_timeout);
        }
        let parsed = self.reading.parse(&mut self.block, &mut self.head, most, self.request);
        parsed.map(Some).map_err(failed)
    }
}
