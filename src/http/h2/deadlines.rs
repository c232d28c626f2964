//! What is waited for on a connection, and how long.

use h2::Reason;
use sys::log::Level;

use super::connection::Driver;

/// Milliseconds in which a client that is told to go answers; and in which an offender hears why.
pub const FAREWELL: u64 = 5000;

/// Why a deadline is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    /// The client takes nothing.
    Write,
    /// It owes us the rest of a frame.
    Frame,
    /// It does not say that it has heard that it is to go.
    Word,
    /// It asks for nothing.
    Idle,
    /// It has been told that this is the end.
    End,
}

impl Driver {
    /// A deadline has passed. `true`: it is the connection's end.
    pub(super) fn is_overdue(&mut self) -> bool {
        let now = rt::now();
        let (due, what) = self.due();
        if due > now {
            return false;
        }
        match what {
            Due::Write => {
                self.time_out();
                true
            }
            Due::Frame => {
                self.time_out();
                self.end(Reason::NO_ERROR);
                false
            }
            // From here on it is told which stream was the last: those are answered, and no others.
            Due::Word => {
                self.has_heard = true;
                self.shared.is_unheard.set(true);
                false
            }
            Due::End => true,
            Due::Idle => {
                match self.is_ending {
                    true => return true,
                    false => self.end(Reason::NO_ERROR),
                }
                false
            }
        }
    }

    fn time_out(&self) {
        self.shared.log(Level::Info, format_args!("client timed out"));
        if self.shared.settings.reset_timedout_connection {
            self.shared.conn.reset_on_close();
        }
    }

    /// What is due first, and when.
    fn due(&self) -> (u64, Due) {
        let settings = self.shared.settings;
        let mut first = (u64::MAX, Due::End);
        let mut consider = |since: u64, ms: u64, what: Due| {
            let due = since.saturating_add(ms);
            if due < first.0 {
                first = (due, what);
            }
        };
        let blocked = self.shared.blocked_since.get();
        if blocked > 0 {
            consider(blocked, settings.send_timeout, Due::Write);
        }
        let traffic = self.shared.traffic.borrow();
        if let Some(since) = traffic.incomplete_since()
            && !self.is_ending
        {
            let ms = match traffic.owes_body() {
                true => settings.client_body_timeout,
                false => settings.client_header_timeout,
            };
            consider(since, ms, Due::Frame);
        }
        if let Some(since) = self.retiring_since
            && !self.has_heard
            && !self.is_ending
        {
            consider(since, FAREWELL, Due::Word);
        }
        if self.idle_since > 0 {
            let ms = match self.shared.conn.requests() {
                0 => settings.client_header_timeout,
                _ => settings.keepalive_timeout,
            };
            consider(self.idle_since, ms, Due::Idle);
            if let Some(since) = self.retiring_since {
                consider(since.max(self.idle_since), FAREWELL, Due::Idle);
            }
        }
        if self.is_ending {
            consider(self.shared.ending_since.get(), FAREWELL, Due::End);
        }
        first
    }

    pub(super) fn set_deadline(&mut self) {
        let conn = self.shared.conn;
        match self.connection.has_streams() || self.shared.blocked_since.get() > 0 {
            true => self.idle_since = 0,
            false if self.idle_since == 0 => self.idle_since = rt::now().max(1),
            false => {}
        }
        if self.is_ending && self.shared.ending_since.get() == 0 {
            self.shared.ending_since.set(rt::now().max(1));
        }
        conn.set_expendable(self.idle_since > 0);
        let (due, _) = self.due();
        conn.set_timeout(due.saturating_sub(rt::now()));
    }
}
