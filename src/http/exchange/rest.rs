//! What a client still sends after its head: the body, or bytes that nobody wants.

use std::io;

use mem::Block;

use super::{Exchange, READS, State, Step};
use crate::Happening;
use crate::settings::Lingering;
use crate::task::others_first;

/// So much of what nobody wants is read in one turn.
const DISCARDED: usize = 64 << 10;

impl Exchange {
    /// Reads on and throws away, so that the next request can be found.
    pub(super) fn discard(&mut self) -> Option<Step> {
        match self.take_body(|_| {}) {
            Ok(true) => {
                self.next();
                return None;
            }
            Ok(false) => {}
            Err(_) => {
                self.state = State::Close;
                return None;
            }
        }
        match self.read() {
            Ok(0) => {
                self.trace(Happening::ClientDisconnect);
                self.state = State::Close;
            }
            Ok(_) if rt::now() >= self.deadline => self.state = State::Close,
            // A client that sends without a pause must not keep the worker to itself.
            Ok(_) => return Some(Step::Yield),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let left = self.deadline.saturating_sub(rt::now());
                if left == 0 {
                    self.state = State::Close;
                    return None;
                }
                self.conn.set_timeout(self.settings().lingering_timeout.min(left));
                return Some(Step::Read);
            }
            Err(_) => self.state = State::Close,
        }
        None
    }

    /// Takes what the input has of the body. `true`: that was all of it. The error is a status.
    pub(super) fn take_body(&mut self, mut content: impl FnMut(&[u8])) -> Result<bool, u16> {
        if self.rest.is_done() {
            return Ok(true);
        }
        let most = self.settings().client_max_body_size;
        while !self.rest.is_done() {
            let input = self.input.as_ref().map_or(&[][..], |block| &block.filled()[self.start..]);
            let part = self.rest.take(input).map_err(|reject| reject.status)?;
            self.request.body_received += part.content.len() as u64;
            if most != 0 && self.request.body_received + self.rest.skipped() > most {
                return Err(413);
            }
            content(&input[part.content.clone()]);
            self.start += part.consumed;
            if part.consumed == 0 && !self.rest.is_done() {
                break;
            }
        }
        self.trace(Happening::DataReceived(self.rest.left()));
        Ok(self.rest.is_done())
    }

    /// Reads the whole body into memory, at most `limit` bytes of it. The error is a status to answer
    /// with.
    pub async fn read_body(&mut self, limit: usize) -> Result<Vec<u8>, u16> {
        if self.rest.left() > limit as u64 {
            return Err(413);
        }
        let mut body = Vec::new();
        self.continue_();
        loop {
            let done = self.take_body(|part| body.extend_from_slice(part))?;
            if body.len() > limit {
                return Err(413);
            }
            if done {
                return Ok(body);
            }
            self.read_on().await?;
        }
    }

    /// Reads on: appends what comes next of the body to `out`. `true`: that was all of it. The error
    /// is a status to answer with. [`read_body`](Self::read_body) is for a body that is short.
    pub async fn read_more(&mut self, out: &mut Vec<u8>) -> Result<bool, u16> {
        self.continue_();
        let before = out.len();
        loop {
            if self.take_body(|part| out.extend_from_slice(part))? {
                return Ok(true);
            }
            if out.len() > before {
                return Ok(false);
            }
            self.read_on().await?;
        }
    }

    /// Reads once of a body, or waits until that is worth trying. The error is a status.
    async fn read_on(&mut self) -> Result<(), u16> {
        // A client that sends without a pause must not keep the worker to itself.
        if self.reads == READS {
            self.reads = 0;
            others_first().await;
        }
        self.reads += 1;
        match self.read() {
            Ok(0) => Err(400),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.conn.set_timeout(self.settings().client_body_timeout);
                self.conn.readable().await.map_err(|_| 408u16)
            }
            Err(_) => Err(400),
        }
    }

    /// Tells a client that waits for our word to send its body.
    fn continue_(&mut self) {
        if std::mem::take(&mut self.expects_continue) && self.unread().is_empty() {
            self.queue(b"HTTP/1.1 100 Continue\r\n\r\n");
            self.send_collected();
        }
    }

    pub(super) fn lingers(&self) -> bool {
        let may_be_sending =
            !self.rest.is_done() || !self.unread().is_empty() || self.conn.is_readable();
        match self.settings().lingering_close {
            Lingering::Off => false,
            Lingering::On => may_be_sending && !self.conn.hung_up(),
            Lingering::Always => !self.conn.hung_up(),
        }
    }

    /// A close while the client is sending would reset the connection, and take the answer with it:
    /// only our side closes, and what still comes is thrown away.
    pub(super) fn start_lingering(&mut self) -> State {
        self.conn.shutdown_write();
        self.conn.set_expendable(true);
        self.deadline = rt::now() + self.settings().lingering_time;
        self.input = None;
        self.start = 0;
        State::Linger
    }

    pub(super) fn linger(&mut self) -> Option<Step> {
        let mut scratch = Block::take(DISCARDED);
        let left = self.deadline.saturating_sub(rt::now());
        match self.conn.read(scratch.spare_mut()) {
            Ok(0) => self.trace(Happening::ClientDisconnect),
            Ok(_) if left > 0 => return Some(Step::Yield),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && left > 0 => {
                self.conn.set_timeout(self.settings().lingering_timeout.min(left));
                return Some(Step::Read);
            }
            Ok(_) | Err(_) => {}
        }
        self.state = State::Close;
        None
    }
}
