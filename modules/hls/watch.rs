//! Streams that clients of this worker have asked for of late.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::poll_fn;
use std::path::PathBuf;
use std::rc::Rc;
use std::task::Poll;

use broadcast::ChannelId;
use mem::Str;

use crate::archive::disk;
use crate::archive::window::Reach;
use crate::timeline::{self, Timeline};
use crate::waiters::{Waiter, Waiters};
use crate::zone::Hub;

/// Nobody has asked for so long: the worker need not be woken for what comes.
const IDLE_MS: u64 = 60_000;
const LOOK_MS: u64 = 10_000;
/// A disk that hangs is waited for so long: then memory serves without it.
const HANGS_MS: u64 = 5_000;
/// Playlists of one stream that are kept as they were made: the arguments of clients may be in them.
const MOST_PLAYLISTS: usize = 64;

thread_local! {
    static WATCHED: RefCell<HashMap<Vec<u8>, Rc<Watched>>> = RefCell::default();
    static LOOKS: Cell<bool> = const { Cell::new(false) };
}

/// A playlist, and of which extent of the stream it was made.
type Made = ((u64, u64), Str);

/// A stream of the zone, as this worker knows it.
pub struct Watched {
    hub: &'static Hub,
    /// Its channel.
    pub id: ChannelId,
    timeline: RefCell<Timeline>,
    /// Its name there.
    channel: Vec<u8>,
    /// Where that is which has left memory.
    pub directory: Option<PathBuf>,
    /// All of that is known.
    loaded: Cell<bool>,
    /// Times that it was read.
    loads: Cell<u64>,
    /// Playlists as they were made last, and of how much.
    playlists: RefCell<HashMap<Vec<u8>, Made>>,
    waiting: Waiters,
    used: Cell<u64>,
}

/// The stream of that name, of which there is so much. `None`: there is none.
pub fn watch(hub: &'static Hub, channel: &[u8], reach: &Reach) -> Option<Rc<Watched>> {
    let zone = hub.attachment.zone();
    let known = WATCHED.with_borrow(|all| all.get(channel).cloned());
    if let Some(known) = known {
        if std::ptr::eq(known.hub, hub) && !known.is_gone() {
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
    let directory = reach.window.as_ref().and_then(|window| window.directory(channel));
    let window = reach.window.as_ref().filter(|_| directory.is_some());
    let watched = Rc::new(Watched {
        hub,
        id,
        timeline: RefCell::new(Timeline::new(reach.memory, window.as_ref().map(|it| it.length))),
        channel: channel.to_vec(),
        directory,
        loaded: Cell::new(window.is_none()),
        loads: Cell::new(0),
        playlists: RefCell::default(),
        waiting: Waiters::default(),
        used: Cell::new(rt::now()),
    });
    let listener = Rc::downgrade(&watched);
    hub.listen(id, Rc::new(move || listener.upgrade().into_iter().for_each(|it| it.wake())));
    WATCHED.with_borrow_mut(|all| all.insert(channel.to_vec(), watched.clone()));
    if !watched.is_loaded() {
        rt::spawn(watched.clone().load());
    }
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
            let idle = now >= watched.used.get() + IDLE_MS && watched.waiting.is_empty();
            if idle {
                watched.leave();
            }
            !idle
        });
    });
}

impl Watched {
    /// Whether its channel is another's, or nobody's.
    pub fn is_gone(&self) -> bool {
        let zone = self.hub.attachment.zone();
        zone.generation(self.id.index()) != self.id.generation()
    }

    /// Whether what has left memory is known.
    pub fn is_loaded(self: &Rc<Self>) -> bool {
        if self.loaded.get() && self.with(|timeline| timeline.torn) {
            self.loaded.set(false);
            rt::spawn(self.clone().load());
        }
        self.loaded.get()
    }

    async fn load(self: Rc<Self>) {
        let Some(directory) = self.directory.clone() else { return };
        let (channel, path) = (self.channel.clone(), directory.display().to_string());
        let number = self.loads.get() + 1;
        self.loads.set(number);
        let hangs = Rc::downgrade(&self);
        rt::after(HANGS_MS, move || {
            let watched = hangs.upgrade().filter(|it| it.loads.get() == number && !it.loaded.get());
            watched.into_iter().for_each(|watched| watched.set_loaded());
        });
        // Memory before the files: what leaves it meanwhile is known, and what has left it before is in the files.
        self.with(|_| ());
        let read = rt::offload(move || disk::load(&directory, &channel)).await;
        if self.loads.get() != number || self.loaded.get() {
            // It came too late: a playlist does not grow at its beginning.
            return;
        }
        match read {
            Ok(pieces) => {
                self.with(|_| ());
                self.timeline.borrow_mut().load(&pieces);
            }
            Err(error) => {
                let errno = sys::log::errno(&error);
                sys::log!(Error, "the window in \"{path}\" cannot be read {errno}");
            }
        }
        self.set_loaded();
    }

    /// What is known now is all.
    fn set_loaded(&self) {
        self.timeline.borrow_mut().torn = false;
        // Playlists that were made meanwhile lack it.
        self.playlists.borrow_mut().clear();
        self.loaded.set(true);
        self.wake();
    }

    fn leave(&self) {
        self.hub.unlisten(self.id);
        self.hub.attachment.unsubscribe(self.id);
        self.wake();
    }

    fn wake(&self) {
        self.waiting.wake();
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
            let extent = timeline.extent();
            if let Some((known, text)) = self.playlists.borrow().get(name)
                && *known == extent
            {
                return Some(text.clone());
            }
            let text = Str::from(make(timeline)?);
            let mut playlists = self.playlists.borrow_mut();
            // Of what is too old nothing is kept.
            playlists.retain(|_, (known, _)| *known == extent);
            if playlists.len() >= MOST_PLAYLISTS {
                playlists.clear();
            }
            playlists.insert(name.to_vec(), (extent, text.clone()));
            Some(text)
        })
    }

    /// One that is to be woken when something comes.
    pub fn waiter(&self) -> Waiter {
        self.waiting.waiter()
    }

    /// Waits until all is known and `is_there` says so, up to a time of the loop. `false`: it is not.
    pub async fn wait(self: &Rc<Self>, until: u64, is_there: impl Fn(&Timeline) -> bool) -> bool {
        let late = rt::sleep(until.saturating_sub(rt::now()));
        let mut late = std::pin::pin!(late);
        let mut waiter = self.waiter();
        poll_fn(|context| {
            self.used.set(rt::now());
            if self.is_loaded() && self.with(&is_there) {
                return Poll::Ready(true);
            }
            if late.as_mut().poll(context).is_ready() {
                return Poll::Ready(false);
            }
            waiter.wait(context.waker());
            Poll::Pending
        })
        .await
    }
}
