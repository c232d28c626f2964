//! What a module tells of a stream: an event for everybody, and a hook.

use crate::client::{Asked, Client};
use crate::events::channel::Events;
use crate::follow::Stream;
use crate::hooks::call::{OURS, common, told};
use crate::hooks::hook::{Hook, HookEvent, Hooks};
use crate::hooks::netcall::{self, Method};
use crate::running;
use proto::query;

/// How it is told.
pub struct Telling {
    events: Option<Events>,
    hook: Option<Hook>,
    method: Method,
    timeout: u64,
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

    /// Publishes an event with this data, where the application has a channel for that. Everybody may read it.
    pub fn event(&self, event: &str, data: &[u8]) {
        if let Some(events) = &self.events {
            events.publish(event, data);
        }
    }

    /// Tells the hook that a file is complete. It is told of the publisher as far as that is this worker's client.
    pub fn record_done(&self, stream: &Stream, recorder: &str, path: &[u8]) {
        let hooks = self.hook.clone().into_iter().collect();
        let hooks = Hooks { hooks, ..Hooks::default() };
        let Some(url) = hooks.url(HookEvent::RecordDone) else { return };
        let (mut form, args) = with_publisher(stream, |client, what| {
            (common("record_done", stream.app.as_bytes(), client), what.args.clone())
        })
        .unwrap_or_else(|| {
            let mut form = Vec::new();
            query::add(&mut form, "call", b"record_done");
            query::add(&mut form, "app", stream.app.as_bytes());
            (form, Vec::new())
        });
        query::add(&mut form, "recorder", recorder.as_bytes());
        query::add(&mut form, "name", &stream.name);
        query::add(&mut form, "path", path);
        query::add_others(&mut form, &args, OURS);
        let shown = url.shown();
        netcall::tell(url, self.method, form, self.timeout, move |answer| {
            sys::log!(Error, "on_record_done was not told: {}, {shown}", told(answer));
        });
    }
}

/// The publisher of a stream, if it is a client of this worker.
fn with_publisher<T>(stream: &Stream, each: impl FnOnce(&Client, &Asked) -> T) -> Option<T> {
    let running = running::running()?;
    let clients = running.clients.borrow();
    for (_, client) in clients.iter() {
        let is_app =
            client.app.get().is_some_and(|app| app.channel(&stream.name) == stream.channel);
        let streams = client.streams.borrow();
        let what = streams.iter().filter_map(|stream| stream.asked());
        let found =
            what.into_iter().find(|(what, publishes)| *publishes && what.name == stream.name);
        if let Some((what, _)) = found.filter(|_| is_app) {
            return Some(each(client, what));
        }
    }
    None
}
