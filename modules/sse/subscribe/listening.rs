//! What a subscriber's own connection brings: room to write, the end, a client's words, time.

use proto::sse::EventId;
use proto::websocket::Close;

use crate::subscribe::link::{self, Outlet};
use crate::subscribe::protocol::Hub;
use crate::subscribe::socket::{Held, Last};

/// Reads from one client in one turn.
const READS: usize = 16;
/// Answers that wait for the disk while the client is listened to.
const MOST_HELD: usize = 64;
/// Bytes that wait for a client while it is listened to.
const MOST_UNSENT: usize = 64 << 10;

/// Something happened to a subscriber's connection, or its time has come. `false`: it is over.
pub fn attend(hub: &'static Hub, number: u32) -> bool {
    if !listen(hub, number) {
        return false;
    }
    let timed_out = hub.with_outlet(number, |outlet| {
        let timed_out = outlet.io().timed_out();
        if timed_out {
            let is_late = outlet.blocked_since().is_some() || outlet.is_closing();
            if is_late || outlet.link.silent > 2 {
                return None;
            }
            outlet.link.silent += u8::from(outlet.link.framing.kind.is_socket());
        }
        Some(timed_out)
    });
    let Some(Some(timed_out)) = timed_out else { return false };
    if timed_out {
        // What there is goes out first: then the id that the client may keep is known.
        hub.serve(number);
        keep_alive(hub, number);
    }
    let goes_on = hub.attend(number);
    let linger = |outlet: &mut Outlet| goes_on || link::linger(outlet);
    hub.with_outlet(number, linger).unwrap_or(false)
}

/// Takes what the client sends. `false`: the connection is broken.
fn listen(hub: &'static Hub, number: u32) -> bool {
    let mut buffer = [0; 4096];
    for _ in 0..READS {
        match hub.with_outlet(number, |outlet| read(outlet, &mut buffer)) {
            Some(Heard::Nothing) => return true,
            Some(Heard::HalfClosed) => {
                close_half(hub, number);
                return true;
            }
            Some(Heard::Broken) | None => return false,
            Some(Heard::Bytes(count)) => hear_client(hub, number, &buffer[..count]),
        }
    }
    // It goes on without a pause: others first.
    hub.with_outlet(number, |outlet| outlet.io().wake());
    true
}

/// What came from a client.
enum Heard {
    Nothing,
    Bytes(usize),
    HalfClosed,
    Broken,
}

fn read(outlet: &mut Outlet, buffer: &mut [u8]) -> Heard {
    // Who does not take what it is answered, or is not answered yet, is not listened to: answers would pile up.
    let deaf = outlet.link.socket.as_ref().is_some_and(|socket| {
        socket.is_stalled() || socket.held.len() > MOST_HELD || outlet.unsent.len() > MOST_UNSENT
    });
    if deaf || !outlet.io().is_readable() {
        return Heard::Nothing;
    }
    match outlet.io().read(buffer) {
        Ok(0) if outlet.link.framing.kind.is_socket() || outlet.is_lingering() => Heard::Broken,
        Ok(0) if outlet.io().is_broken() => Heard::Broken,
        Ok(0) if outlet.link.half_closed => Heard::Nothing,
        Ok(0) => Heard::HalfClosed,
        Ok(count) => {
            outlet.link.silent = 0;
            Heard::Bytes(count)
        }
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Heard::Nothing,
        Err(_) => Heard::Broken,
    }
}

/// A client may close its half and go on reading. One that has closed both tells so when something is sent to it.
fn close_half(hub: &Hub, number: u32) {
    let reader = hub.with_outlet(number, |outlet| {
        outlet.link.half_closed = true;
        outlet.first_reader().filter(|_| !outlet.is_closing())
    });
    if let Some(reader) = reader.flatten() {
        hub.with(reader, |to| {
            let unsent = &mut to.outlet.unsent;
            to.outlet.link.framing.keepalive(&mut to.worker.gzip, None, unsent);
        });
    }
}

/// A sign of life. To a reader of a quiet channel it brings an id: one that comes back with an old one after long would be
/// told of a gap in which it has missed nothing.
fn keep_alive(hub: &Hub, number: u32) {
    let Some(reader) = hub.with_outlet(number, |outlet| outlet.first_reader()).flatten() else {
        return;
    };
    hub.with(reader, |to| {
        let waits = to.outlet.blocked_since().is_some() || to.outlet.is_closing();
        let Outlet { link, unsent, .. } = &mut *to.outlet;
        let up_to_date = link.partial == 0 && !waits;
        let moved = up_to_date && to.reader.cursor > to.reader.own.shown;
        if moved {
            to.reader.own.shown = to.reader.cursor;
        }
        let id = EventId { epoch: to.attachment.zone().epoch(), seq: to.reader.cursor };
        link.framing.keepalive(&mut to.worker.gzip, moved.then_some(id), unsent);
        live::Link::wrote(link, 0, waits);
    });
}

/// A WebSocket's client has said something: a pong, a message to publish, good-bye.
pub fn hear_client(hub: &'static Hub, number: u32, bytes: &[u8]) {
    let taken = hub.with_outlet(number, |outlet| {
        let socket = outlet.link.socket.take().filter(|_| !outlet.is_closing());
        socket.map(|socket| (socket, outlet.link.settings.clone()))
    });
    let Some((mut socket, settings)) = taken.flatten() else { return };
    let mut out = Vec::new();
    // An append wakes this worker's own hub, too.
    let last = socket.hear(bytes, hub.attachment.zone(), &settings, &mut out);
    hub.disk.appended(settings.sync);
    let waits = socket.waits_for(&settings);
    let stalled = socket.is_stalled();
    hub.with_outlet(number, |outlet| {
        match waits {
            None => answer(outlet, &mut out, last),
            Some(seq) => socket.held.push_back(Held { seq, answers: out, last }),
        }
        outlet.link.socket = Some(socket);
    });
    if waits.is_some() || stalled {
        hold_answers(hub);
    }
}

/// Answers wait for the disk: they go out when it has what they are about.
fn hold_answers(hub: &'static Hub) {
    let held = hub.with_worker(|worker| std::mem::replace(&mut worker.holds_answers, true));
    if held {
        return;
    }
    rt::spawn(async move {
        loop {
            hub.disk.sync().await;
            hub.with_worker(|worker| worker.holds_answers = false);
            if !release_answers(hub) {
                return;
            }
            // One that was stalled may have begun another wait.
            if hub.with_worker(|worker| std::mem::replace(&mut worker.holds_answers, true)) {
                return;
            }
        }
    });
}

/// The disk has more than it had: who waits for it is answered. `true`: some wait still.
fn release_answers(hub: &'static Hub) -> bool {
    let (synced, failed) = (hub.attachment.zone().synced(), hub.disk.has_failed());
    let (mut more, mut stalled) = (false, Vec::new());
    hub.each_outlet(|number, outlet| {
        let Some(mut socket) = outlet.link.socket.take() else { return };
        let before = socket.held.len();
        while socket.held.front().is_some_and(|held| held.seq <= synced)
            && let Some(mut held) = socket.held.pop_front()
        {
            answer(outlet, &mut held.answers, held.last);
        }
        if failed && (!socket.held.is_empty() || socket.is_stalled()) {
            socket.forget();
            link::end(outlet, Close::TryAgain);
        }
        more |= !socket.held.is_empty();
        if socket.is_stalled() {
            stalled.push(number);
        }
        if socket.held.len() != before {
            outlet.io().wake();
        }
        outlet.link.socket = Some(socket);
    });
    // There is room again: they go on where they had to stop.
    stalled.into_iter().for_each(|number| hear_client(hub, number, &[]));
    more
}

/// Answers what a WebSocket's client has said.
fn answer(outlet: &mut Outlet, answers: &mut Vec<u8>, last: Option<Last>) {
    outlet.unsent.append(answers);
    match last {
        None => {}
        // The answer to its close is in the output already.
        Some(Last::Closed) => outlet.close(),
        Some(Last::Close(why)) => link::end(outlet, why),
    }
}
