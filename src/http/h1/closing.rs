//! What a client still sends that nobody wants: the rest of a body, or anything before a close.

use std::io;

use super::connection::{Connection, ConnectionState, Step};
use crate::Happening;
use crate::block::settings::Lingering;

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

    /// Only our side closes: what still comes is thrown away.
    pub(super) fn start_lingering(&mut self) -> ConnectionState {
        self.input.borrow_mut().forget();
        ConnectionState::Linger
    }

    /// That is over; `closed`: by the client.
    pub(super) fn lingered(&mut self, closed: bool) {
        if closed {
            self.trace(Happening::ClientDisconnect);
        }
        self.state = ConnectionState::Close;
    }
}
