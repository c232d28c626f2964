//! Streams that clients of this worker have asked for of late.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use broadcast::ChannelId;
use mem::Str;

use crate::timeline::{self, Timeline};
use crate::zone::Hub;

/// Nobody has asked for so long: the worker need not be woken for what comes.
const IDLE_MS: u64 = 60_000;
const LOOK_MS: u64 = 10_000;
/// Playlists of one stream that are kept as they were made: the arguments of clients may be in them.
const MOST_PLAYLISTS: usize = 64;

thread_local! {
    static WATCHED: RefCell<HashMap<Vec<u8>, Rc<Watched>>> = RefCell::default();
    static LOOKS: Cell<bool> = const { Cell::new(false) };
}

/// A stream of the zone, as this worker knows it.
pub struct Watched {
    hub: &'static Hub,
    /// Its channel.
    pub id: ChannelId,
    timeline: RefCell<Timeline>,
    /// Playlists as they were made last, and of how much.
    playlists: RefCell<HashMap<Vec<u8>, (u64, Str)>>,
    waiting: RefCell<Vec<Waker>>,
    used: Cell<u64>,
}

/// The stream of that name. `playlist`: how long its playlists are. `None`: there is none.
pub fn watch(hub: &'static Hub, channel: &[u8], playlist: u64) -> Option<Rc<Watched>> {
    let zone = hub.attachment.zone();
    let known = WATCHED.with_borrow(|all| all.get(channel).cloned());
    if let Some(known) = known {
        if std::ptr::eq(known.hub, hub)
            && zone.generation(known.id.index()) == known.id.generation()
        {
            known.used.set(rt::now());
            return Some(known);
        }
        WATCHED
            .with_borrow_mut(|all| all.remove(channel))
            .into_iter()
            .for_each(|gone| gone.leave());
    }
    zone.find(channel)?;
    let (id, _) = hub.attachment.subscribe(channel).ok()?;
    let watched = Rc::new(Watched {
        hub,
        id,
        timeline: RefCell::new(Timeline::new(playlist)),
        playlists: RefCell::default(),
        waiting: RefCell::default(),
        used: Cell::new(rt::now()),
    });
    let listener = Rc::downgrade(&watched);
    hub.listen(id, Rc::new(move || listener.upgrade().into_iter().for_each(|it| it.wake())));
    WATCHED.with_borrow_mut(|all| all.insert(channel.to_vec(), watched.clone()));
    if !LOOKS.replace(true) {
        rt::after(LOOK_MS, look);
    }
    Some(watched)
}

/// Leaves the streams that nobody asks for.
fn look() {
    rt::after(LOOK_MS, look);
    let now = rt::now();
    WATCHED.with_borrow_mut(|all| {
        all.retain(|_, watched| {
            let idle = now >= watched.used.get() + IDLE_MS && watched.waiting.borrow().is_empty();
            if idle {
                watched.leave();
            }
            !idle
        });
    });
}

impl Watched {
    fn leave(&self) {
        self.hub.unlisten(self.id);
        self.hub.attachment.unsubscribe(self.id);
        self.wake();
    }

    fn wake(&self) {
        self.waiting.take().into_iter().for_each(Waker::wake);
    }

    /// What there is of it by now.
    pub fn with<T>(&self, look: impl FnOnce(&Timeline) -> T) -> T {
        let mut timeline = self.timeline.borrow_mut();
        timeline::follow(&mut timeline, self.hub.attachment, self.id);
        look(&timeline)
    }

    /// The hub of the zone that it is in.
    pub fn hub(&self) -> &'static Hub {
        self.hub
    }

    /// A playlist, made anew if there is something new. `name` tells it from the others.
    pub fn playlist(
        &self,
        name: &[u8],
        make: impl FnOnce(&Timeline) -> Option<String>,
    ) -> Option<Str> {
        self.with(|timeline| {
            if let Some((cursor, text)) = self.playlists.borrow().get(name)
                && *cursor == timeline.cursor
            {
                return Some(text.clone());
            }
            let text = Str::from(make(timeline)?);
            let mut playlists = self.playlists.borrow_mut();
            // Of what is too old nothing is kept.
            playlists.retain(|_, (cursor, _)| *cursor == timeline.cursor);
            if playlists.len() >= MOST_PLAYLISTS {
                playlists.clear();
            }
            playlists.insert(name.to_vec(), (timeline.cursor, text.clone()));
            Some(text)
        })
    }

    /// Waits until `is_there` says so, up to a time of the loop. `false`: it is not.
    pub async fn wait(&self, until: u64, is_there: impl Fn(&Timeline) -> bool) -> bool {
        let late = rt::sleep(until.saturating_sub(rt::now()));
        let mut late = std::pin::pin!(late);
        poll_fn(|context| {
            self.used.set(rt::now());
            if self.with(&is_there) {
                return Poll::Ready(true);
            }
            if late.as_mut().poll(context).is_ready() {
                return Poll::Ready(false);
            }
            let mut waiting = self.waiting.borrow_mut();
            if !waiting.iter().any(|known| known.will_wake(context.waker())) {
                waiting.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await
    }
}
