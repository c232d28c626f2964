//! The subscribers of one worker, and how news of the zone come to them.
//!
//! ```text
//! bell or own append ─▶ news: which channels? ─▶ dirty channels ─▶ one batch to all who are up to date
//!                                             └▶ those behind, or with several channels: one by one
//! ```
//! Invariant: a subscriber that is not blocked and not up to date is in `waiting`.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::rc::Rc;

use broadcast::{Attachment, ChannelId, Hint};
use rt::Pulse;

use crate::disk::Disk;
use crate::gzip::Gzip;
use crate::leaving::Leaving;
use crate::patterns::Patterns;
use crate::subscriber::{Route, Subscriber};
use live::Sync;

/// How often counts are published and aged events taken away.
const TICK_MS: u64 = 1000;

/// Milliseconds within which the readers of a zone that another one has replaced are sent away.
const RETIRED_MS: u64 = 1000;

/// A worker's part of a zone.
pub struct Hub {
    /// The zone, and this process's place in it.
    pub attachment: Attachment,
    /// The rest.
    pub inner: RefCell<Inner>,
    /// How far it is with leaving.
    pub leaving: Leaving,
    /// What waits for the zone's file.
    pub disk: Disk,
    retired: Cell<bool>,
    /// Channels that were displaced, as far as it is told, and when.
    displaced: Cell<(u64, u64)>,
}

/// What changes.
pub struct Inner {
    /// News up to this seq have been seen.
    pub seen: u64,
    /// Channels with subscribers here, by number.
    pub channels: HashMap<u32, LocalChannel>,
    /// Subscribers of patterns, by the beginning of the names.
    pub patterns: Patterns,
    /// Subscribers of channels that do not exist, by name.
    pub waiting_for: HashMap<Rc<[u8]>, Vec<u32>>,
    /// By number.
    pub subscribers: Vec<Option<Subscriber>>,
    free: Vec<u32>,
    /// Channels with news.
    pub dirty: VecDeque<u32>,
    /// Subscribers that are to be served one by one.
    pub waiting: VecDeque<u32>,
    /// How many are blocked.
    pub behind: u32,
    /// What was compressed.
    pub gzip: Gzip,
    /// Events delivered, their bytes, readers lapped; not yet counted in the zone.
    pub counts: (u64, u64, u64),
}

/// A channel and its subscribers here.
pub struct LocalChannel {
    /// Its name in the zone.
    pub id: ChannelId,
    /// All who are up to date have got everything up to here.
    pub cursor: u64,
    /// Where that is.
    pub hint: Hint,
    /// Those who have this channel alone.
    pub singles: Vec<u32>,
    /// Those who have others, too.
    pub many: Vec<u32>,
    /// It is in `dirty`.
    pub dirty: bool,
    /// A walk over `singles` that is not done: the next of them, and the batch's records.
    pub walk: Option<(usize, usize)>,
}

impl live::Hub for Hub {
    fn start(attachment: Attachment, sync: Option<Sync>) -> io::Result<&'static Hub> {
        let displaced = Cell::new((attachment.zone().displaced(), 0));
        let inner = Inner {
            seen: attachment.zone().newest(),
            channels: HashMap::new(),
            patterns: Patterns::default(),
            waiting_for: HashMap::new(),
            subscribers: Vec::new(),
            free: Vec::new(),
            dirty: VecDeque::new(),
            waiting: VecDeque::new(),
            behind: 0,
            gzip: Gzip::new(1),
            counts: (0, 0, 0),
        };
        // One for each zone of a process, to its end.
        let hub: &'static Hub = Box::leak(Box::new(Hub {
            attachment,
            inner: RefCell::new(inner),
            leaving: Leaving::default(),
            disk: Disk::new(sync),
            retired: Cell::new(false),
            displaced,
        }));
        rt::on_readable(hub.attachment.bell_fd(), || {
            hub.attachment.silence();
        })?;
        rt::add_pulse(hub);
        hub.tick();
        Ok(hub)
    }

    fn drain(&'static self, within: Option<u64>) {
        self.send_away_within(within);
    }
}

impl Hub {
    /// Takes a subscriber in and serves it. Gives its number.
    pub fn add(&'static self, subscriber: Subscriber) -> u32 {
        let mut inner = self.inner.borrow_mut();
        let number = inner.enter(subscriber);
        inner.attach(number, self.attachment.zone().newest());
        inner.look_again(&self.attachment, number);
        inner.wait(number);
        inner.serve(&self.attachment, number);
        number
    }

    /// Forgets a subscriber.
    pub fn remove(&self, number: u32) {
        let gone = self.inner.borrow_mut().leave(number);
        // Its log line and its place in the zone are not the hub's business.
        drop(gone);
    }

    /// Another zone has this one's place: nothing comes here any more.
    fn retire(&'static self) {
        if !self.retired.replace(true) {
            self.attachment.zone().let_go();
            self.send_away_within(Some(RETIRED_MS));
        }
    }

    /// Says that kept events go for want of room for channels: once a minute at most.
    fn tell_of_the_displaced(&self) {
        let (zone, now) = (self.attachment.zone(), rt::now());
        let (known, told) = self.displaced.get();
        let displaced = zone.displaced();
        if displaced != known && (told == 0 || now >= told + 60_000) {
            self.displaced.set((displaced, now.max(1)));
            let (gone, most) = (displaced - known, zone.most_channels());
            sys::log!(
                Warn,
                "an sse_zone has room for {most} channels (channels=, or its size): {gone} quiet ones were \
                 forgotten with their events"
            );
        }
    }

    fn tick(&'static self) {
        // First: whatever becomes of this one.
        rt::after(TICK_MS, || self.tick());
        self.attachment.zone().expire();
        self.tell_of_the_displaced();
        self.sync_for_others();
        let mut inner = self.inner.borrow_mut();
        let (events, bytes, lapped) = std::mem::take(&mut inner.counts);
        self.attachment.count(events, bytes, lapped);
        self.attachment.set_row_behind(inner.behind);
        inner.tell_who_is_behind(&self.attachment);
        if rt::draining() && inner.subscribers.iter().all(Option::is_none) {
            // Other connections may keep this worker for long: its place is another's.
            self.attachment.leave();
        }
    }
}

impl Pulse for Hub {
    fn beat(&'static self) {
        if self.attachment.zone().is_retired() {
            self.retire();
        }
        let mut inner = self.inner.borrow_mut();
        self.hear(&mut inner);
        inner.deliver(&self.attachment);
    }

    fn may_sleep(&'static self) -> bool {
        let inner = self.inner.borrow();
        inner.dirty.is_empty() && inner.waiting.is_empty() && self.attachment.may_sleep(inner.seen)
    }

    fn awake(&'static self) {
        self.attachment.awake();
    }
}

impl Inner {
    /// The name of a channel that does not exist: those who wait for it have it together.
    pub fn shared(&self, name: &[u8]) -> Rc<[u8]> {
        let known = self.waiting_for.get_key_value(name);
        known.map_or_else(|| name.into(), |(name, _)| name.clone())
    }

    fn enter(&mut self, subscriber: Subscriber) -> u32 {
        match self.free.pop() {
            Some(number) => {
                self.subscribers[number as usize] = Some(subscriber);
                number
            }
            None => {
                self.subscribers.push(Some(subscriber));
                self.subscribers.len() as u32 - 1
            }
        }
    }

    /// A subscriber, if it is still there.
    pub fn subscriber(&mut self, number: u32) -> Option<&mut Subscriber> {
        self.subscribers.get_mut(number as usize)?.as_mut()
    }

    /// Puts a subscriber's number where news are looked up.
    fn attach(&mut self, number: u32, newest: u64) {
        let Some(subscriber) = self.subscribers[number as usize].as_mut() else { return };
        let channels = &mut self.channels;
        for name in subscriber.membership.waiting() {
            self.waiting_for.entry(name.clone()).or_default().push(number);
        }
        match &mut subscriber.route {
            Route::Single { id, at } => {
                let channel = entry(channels, *id, newest);
                if channel.singles.is_empty() {
                    // Nobody has had anything of it since.
                    channel.cursor = newest;
                }
                *at = channel.singles.len() as u32;
                channel.singles.push(number);
            }
            Route::Many(many) => {
                for id in many.channels.iter() {
                    entry(channels, *id, newest).many.push(number);
                }
                for prefix in &many.prefixes {
                    self.patterns.add(prefix, number);
                }
            }
            Route::Waiting => {}
        }
    }

    fn leave(&mut self, number: u32) -> Option<Subscriber> {
        let gone = self.subscribers.get_mut(number as usize)?.take()?;
        self.free.push(number);
        self.behind -= u32::from(gone.blocked);
        for name in gone.membership.waiting() {
            if let Some(members) = self.waiting_for.get_mut(name) {
                members.retain(|&member| member != number);
                if members.is_empty() {
                    self.waiting_for.remove(name);
                }
            }
        }
        match &gone.route {
            Route::Single { id, at } => self.leave_single(*id, *at as usize),
            Route::Many(many) => {
                for id in many.channels.iter() {
                    if let Some(channel) = self.channels.get_mut(&id.index()) {
                        channel.many.retain(|&member| member != number);
                        self.forget_if_empty(*id);
                    }
                }
                for prefix in &many.prefixes {
                    self.patterns.remove(prefix, number);
                }
            }
            Route::Waiting => {}
        }
        Some(gone)
    }

    fn leave_single(&mut self, id: ChannelId, at: usize) {
        let Some(channel) = self.channels.get_mut(&id.index()) else { return };
        if at >= channel.singles.len() {
            return;
        }
        channel.singles.swap_remove(at);
        let moved = channel.singles.get(at).copied();
        // The one that has taken its place may have missed its turn in a walk.
        let missed = channel.walk.is_some_and(|(next, _)| at < next);
        if let Some(moved) = moved {
            if let Some(subscriber) = self.subscriber(moved)
                && let Route::Single { at: place, .. } = &mut subscriber.route
            {
                *place = at as u32;
            }
            if missed {
                self.wait(moved);
            }
        }
        self.forget_if_empty(id);
    }

    fn forget_if_empty(&mut self, id: ChannelId) {
        let empty = |channel: &LocalChannel| channel.singles.is_empty() && channel.many.is_empty();
        if self.channels.get(&id.index()).is_some_and(empty) {
            self.channels.remove(&id.index());
        }
    }

    /// A subscriber is to be served by itself, unless it cannot take anything now.
    pub fn wait(&mut self, number: u32) {
        if let Some(subscriber) = self.subscriber(number)
            && !subscriber.blocked
            && !std::mem::replace(&mut subscriber.waiting, true)
        {
            self.waiting.push_back(number);
        }
    }

    /// Publishes how far the slowest of each channel's subscribers is behind.
    fn tell_who_is_behind(&mut self, attachment: &Attachment) {
        for channel in self.channels.values() {
            let slow = channel.singles.iter().filter_map(|&number| {
                let subscriber = self.subscribers[number as usize].as_ref()?;
                subscriber.blocked.then_some(subscriber.cursor)
            });
            let behind = slow.min().map_or(0, |cursor| attachment.behind(&[channel.id], cursor));
            attachment.set_behind(channel.id, behind.min(u64::from(u32::MAX)) as u32);
        }
    }
}

pub fn entry(
    channels: &mut HashMap<u32, LocalChannel>,
    id: ChannelId,
    newest: u64,
) -> &mut LocalChannel {
    channels.entry(id.index()).or_insert_with(|| LocalChannel {
        id,
        cursor: newest,
        hint: Hint::default(),
        singles: Vec::new(),
        many: Vec::new(),
        dirty: false,
        walk: None,
    })
}
