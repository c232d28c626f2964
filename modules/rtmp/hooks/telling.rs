//! How a module tells of a stream: an event for everybody, and a hook.

use crate::events::channel::Events;
use crate::hooks::hook::Hook;
use crate::hooks::netcall::Method;

/// How it is told.
pub struct Telling {
    events: Option<Events>,
    pub(crate) hook: Option<Hook>,
    pub(crate) method: Method,
    pub(crate) timeout: u64,
}

impl Telling {
    pub(crate) fn new(
        events: Option<Events>,
        hook: Option<Hook>,
        method: Method,
        timeout: u64,
    ) -> Telling {
        Telling { events, hook, method, timeout }
    }

    /// Whether the application has a channel for events.
    pub fn has_events(&self) -> bool {
        self.events.is_some()
    }

    /// Publishes an event with this data, where the application has a channel for that. Everybody may read it.
    pub fn event(&self, event: &str, data: &[u8]) {
        if let Some(events) = &self.events {
            events.publish(event, data);
        }
    }
}
