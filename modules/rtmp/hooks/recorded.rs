//! `on_record_done` and `record_notify`: a program of the user's, and the publisher, are told of recordings.

use crate::client::{Asked, Client};
use crate::follow::Stream;
use crate::hooks::call::{OURS, common, told};
use crate::hooks::hook::{HookEvent, Hooks};
use crate::hooks::netcall;
use crate::hooks::telling::Telling;
use crate::play::{link, status};
use crate::running::{self, Running};
use crate::settings::app::App;
use proto::query;
use proto::rtmp::message;

impl Telling {
    /// Tells the publisher itself (`onStatus`), if it is this worker's client.
    pub fn publisher(&self, stream: &Stream, code: &str, description: &str) {
        let payload = status::on_status("status", code, description);
        with_publisher(stream, |running, client, _, number| {
            running.hub.with_outlet(client.outlet.get(), |outlet| {
                let csid = status::CSID_STATUS;
                link::send_message(outlet, csid, message::COMMAND, number, &payload);
            });
        });
    }

    /// Tells the hook that a file is complete. It is told of the publisher as far as that is this worker's client.
    pub fn record_done(&self, stream: &Stream, recorder: &str, path: &[u8]) {
        let hooks = self.hook.clone().into_iter().collect();
        let hooks = Hooks { hooks, ..Hooks::default() };
        let Some(url) = hooks.url(HookEvent::RecordDone) else { return };
        let (mut form, args) = with_publisher(stream, |_, client, what, _| {
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

/// The publisher of a stream, if it is a client of this worker; with it the number of its message stream.
fn with_publisher<T>(
    stream: &Stream,
    each: impl FnOnce(&Running, &Client, &Asked, u32) -> T,
) -> Option<T> {
    let running = running::running()?;
    let clients = running.clients.borrow();
    for (_, client) in clients.iter() {
        let is_app = |app: &App| app.channel(&stream.name) == stream.channel;
        if !client.app.get().is_some_and(is_app) {
            continue;
        }
        for known in client.streams.borrow().iter() {
            match known.asked() {
                Some((what, true)) if what.name == stream.name => {
                    return Some(each(running, client, what, known.number));
                }
                _ => {}
            }
        }
    }
    None
}
