//! What is waited for on a connection, and how long.

use super::shared::Shared;

/// Milliseconds in which a client that is told to go answers; and in which an offender hears why.
pub const FAREWELL: u64 = 5000;

/// Why a deadline is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
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

/// How a connection stands.
pub struct Standing {
    /// Since when no stream is open, and nothing is left to be sent, in the loop's milliseconds; 0: that is not so.
    pub idle_since: u64,
    /// The client has been told to go, then.
    pub retiring_since: Option<u64>,
    /// It has had the time to say that it has heard that.
    pub has_heard: bool,
    /// It has been told so for good.
    pub is_ending: bool,
}

impl Standing {
    /// Of a connection that has begun.
    pub fn new() -> Standing {
        let idle_since = rt::now().max(1);
        Standing { idle_since, retiring_since: None, has_heard: false, is_ending: false }
    }

    /// What should have come by now.
    pub fn overdue(&self, shared: &Shared) -> Option<Due> {
        let (due, what) = self.first(shared);
        (due <= rt::now()).then_some(what)
    }

    /// What is due first, and when.
    fn first(&self, shared: &Shared) -> (u64, Due) {
        let settings = shared.settings;
        let mut first = (u64::MAX, Due::End);
        let mut consider = |since: u64, ms: u64, what: Due| {
            let due = since.saturating_add(ms);
            if due < first.0 {
                first = (due, what);
            }
        };
        let blocked = shared.blocked_since.get();
        if blocked > 0 {
            consider(blocked, settings.send_timeout, Due::Write);
        }
        let traffic = shared.traffic.borrow();
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
            let ms = match shared.conn.requests() {
                0 => settings.client_header_timeout,
                _ => settings.keepalive_timeout,
            };
            consider(self.idle_since, ms, Due::Idle);
            if let Some(since) = self.retiring_since {
                consider(since.max(self.idle_since), FAREWELL, Due::Idle);
            }
        }
        if self.is_ending {
            consider(shared.ending_since.get(), FAREWELL, Due::End);
        }
        first
    }

    /// Notes how the connection stands after a turn, and sets what is due first.
    pub fn set(&mut self, shared: &Shared, has_streams: bool) {
        let conn = shared.conn;
        match has_streams || shared.blocked_since.get() > 0 {
            true => self.idle_since = 0,
            false if self.idle_since == 0 => self.idle_since = rt::now().max(1),
            false => {}
        }
        if self.is_ending && shared.ending_since.get() == 0 {
            shared.ending_since.set(rt::now().max(1));
        }
        conn.set_expendable(self.idle_since > 0);
        let (due, _) = self.first(shared);
        conn.set_timeout(due.saturating_sub(rt::now()));
    }
}
