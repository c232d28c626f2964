//! What a client still sends that nobody wants: the rest of a body, or anything before a close.

use std::io;

use mem::Block;

use super::connection::{Connection, ConnectionState, Step};
use crate::Happening;
use crate::block::settings::Lingering;

/// So much of what nobody wants is read in one turn.
const DISCARDED: usize = 64 << 10;

impl Connection {
    /// Reads on and throws away, so that the next request can be found.
    pub(super) fn discard(&mut self) -> Option<Step> {
        match self.skip_body() {
            Ok(true) => {
                self.next();
                return None;
            }
            Ok(false) => {}
            Err(_) => {
                self.state = ConnectionState::Close;
                return None;
            }
        }
        match self.read() {
            Ok(0) => {
                self.trace(Happening::ClientDisconnect);
                self.state = ConnectionState::Close;
            }
            Ok(_) if rt::now() >= self.deadline => self.state = ConnectionState::Close,
            // A client that sends without a pause must not keep the worker to itself.
            Ok(_) => return Some(Step::Yield),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let left = self.deadline.saturating_sub(rt::now());
                if left == 0 {
                    self.state = ConnectionState::Close;
                    return None;
                }
                self.io.set_timeout(self.settings().lingering_timeout.min(left));
                return Some(Step::Read);
            }
            Err(_) => self.state = ConnectionState::Close,
        }
        None
    }

    pub(super) fn lingers(&self) -> bool {
        let input = self.input.borrow();
        let may_be_sending =
            !input.decoder.is_done() || !input.unread().is_empty() || self.io.is_readable();
        match self.settings().lingering_close {
            Lingering::Off => false,
            Lingering::On => (may_be_sending || self.io.must_linger()) && !self.io.hung_up(),
            Lingering::Always => !self.io.hung_up(),
        }
    }

    /// A close while the client is sending would reset the connection, and take the answer with it:
    /// only our side closes, and what still comes is thrown away.
    pub(super) fn start_lingering(&mut self) -> ConnectionState {
        self.io.shutdown_write();
        self.io.set_expendable(true);
        self.deadline = rt::now() + self.settings().lingering_time;
        self.input.borrow_mut().forget();
        ConnectionState::Linger
    }

    pub(super) fn linger(&mut self) -> Option<Step> {
        let mut scratch = Block::take(DISCARDED);
        let left = self.deadline.saturating_sub(rt::now());
        match self.io.read(scratch.spare_mut()) {
            Ok(0) => self.trace(Happening::ClientDisconnect),
            Ok(_) if left > 0 => return Some(Step::Yield),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && left > 0 => {
                self.io.set_timeout(self.settings().lingering_timeout.min(left));
                return Some(Step::Read);
            }
            Ok(_) | Err(_) => {}
        }
        self.state = ConnectionState::Close;
        None
    }
}
