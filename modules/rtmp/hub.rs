//! The players of one worker, and how news of the log come to them.
//!
//! ```text
//! bell or own append ─▶ news: which streams? ─▶ one batch, seen once ─▶ all players that are up to date
//!                                            └▶ those that are behind: one by one, from their cursors
//! ```
//! Invariant: a player whose outlet is clear and that is not up to date is in `waiting`, or its stream is
//! dirty or due.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::rc::Rc;

use broadcast::{Attachment, ChannelId, Hint};
use proto::rtmp::{chunk, message};
use rt::Pulse;

use crate::draft::Draft;
use crate::outlet::Outlet;
use crate::player::Player;
use crate::settings::App;
use crate::slab::Slab;
use crate::wire::Wire;

/// How often aged records are taken away and streams are looked at whose publisher has gone.
const TICK_MS: u64 = 500;

/// A worker's part of the zone.
pub struct Hub {
    /// The zone, and this process's place in it.
    pub attachment: Attachment,
    /// The rest.
    pub inner: RefCell<Inner>,
    /// Numbers of this process's publishers.
    pub publishers: Cell<u32>,
}

/// What changes.
pub struct Inner {
    /// News up to this seq have been seen.
    pub seen: u64,
    /// Streams with players here, by their number in the zone.
    pub streams: HashMap<u32, Stream>,
    /// All players.
    pub players: Slab<Player>,
    /// All connections that have, or may have, players.
    pub outlets: Slab<Outlet>,
    /// Streams with news.
    pub dirty: VecDeque<u32>,
    /// Players that are to be served one by one.
    pub waiting: VecDeque<u32>,
    /// Room for what is being written.
    pub draft: Draft,
    /// Messages delivered, their bytes, players that were too slow; not yet counted in the zone.
    pub counts: (u64, u64, u64),
    /// Channels on which workers talk to each other, and who listens.
    pub listeners: HashMap<u32, Rc<dyn Fn()>>,
}

/// A stream and its players here.
pub struct Stream {
    /// Its name in the zone.
    pub id: ChannelId,
    /// Its application.
    pub app: &'static App,
    /// All who are up to date have got everything up to here.
    pub cursor: u64,
    /// Where that is.
    pub hint: Hint,
    /// What its newest record tells of its tracks.
    pub contents: u32,
    /// Its players.
    pub players: Vec<u32>,
    /// It is in `dirty`.
    pub dirty: bool,
    /// An alarm is set that will make it dirty.
    pub due: bool,
    /// Its publisher's connection broke at this time of the zone.
    pub broke: Option<u64>,
}

impl Hub {
    /// Ends all connections.
    pub fn send_away(&self) {
        for outlet in self.inner.borrow_mut().outlets.iter_mut() {
            match outlet.session {
                Some(_) => outlet.end(),
                None => outlet.conn.hang_up(),
            }
        }
    }

    /// Takes a connection in; gives its number.
    pub fn add_outlet(&self, outlet: Outlet) -> u32 {
        self.inner.borrow_mut().outlets.add(outlet)
    }

    /// Forgets a connection and its players. Gives what it was.
    pub fn remove_outlet(&self, number: u32) -> Option<Outlet> {
        let mut inner = self.inner.borrow_mut();
        let outlet = inner.outlets.take(number)?;
        for &player in &outlet.players {
            inner.leave(&self.attachment, player);
        }
        drop(inner);
        Some(outlet)
    }

    /// Sends bytes on a connection, behind what waits there.
    pub fn send(&self, outlet: u32, bytes: &[u8]) {
        let mut inner = self.inner.borrow_mut();
        if let Some(outlet) = inner.outlets.get_mut(outlet) {
            outlet.unsent.extend_from_slice(bytes);
            outlet.flush();
        }
    }

    /// Sends a message on a connection, behind what waits there.
    pub fn send_message(&self, outlet: u32, csid: u32, kind: u8, stream: u32, payload: &[u8]) {
        let mut inner = self.inner.borrow_mut();
        if let Some(outlet) = inner.outlets.get_mut(outlet) {
            let size = outlet.lane.chunk_size();
            chunk::write_message(&mut outlet.unsent, size, csid, kind, stream, 0, payload);
            outlet.flush();
        }
    }

    /// Tells the client of a connection the size of chunks to come.
    pub fn set_chunk_size(&self, outlet: u32, size: usize) {
        let payload = (size as u32).to_be_bytes();
        self.send_message(outlet, 2, message::SET_CHUNK_SIZE, 0, &payload);
        if let Some(outlet) = self.inner.borrow_mut().outlets.get_mut(outlet) {
            outlet.lane.set_chunk_size(size);
        }
    }

    /// Since when the connection takes nothing, in the loop's milliseconds.
    pub fn blocked_since(&self, outlet: u32) -> Option<u64> {
        self.inner.borrow().outlets.get(outlet).and_then(|outlet| outlet.blocked)
    }

    /// Whether so much waits on the connection that its client is not to ask for more.
    pub fn is_full(&self, outlet: u32) -> bool {
        self.inner.borrow().outlets.get(outlet).is_some_and(Outlet::is_full)
    }

    /// Changes a player.
    pub fn change<T>(&self, player: u32, change: impl FnOnce(&mut Player) -> T) -> Option<T> {
        self.inner.borrow_mut().players.get_mut(player).map(change)
    }

    /// Bytes sent on a connection, and bits per second.
    pub fn sent(&self, outlet: u32, now: u64) -> (u64, u64) {
        let inner = self.inner.borrow();
        let sent = inner.outlets.get(outlet).map(|outlet| &outlet.sent);
        sent.map_or((0, 0), |sent| (sent.total(), sent.bits_per_second(now)))
    }

    /// What is spoken on a connection.
    pub fn wire(&self, outlet: u32) -> Option<Wire> {
        self.inner.borrow().outlets.get(outlet).map(|outlet| outlet.lane.wire)
    }

    /// Looks at a player.
    pub fn with_player(&self, player: u32, look: impl FnOnce(&Player)) {
        if let Some(player) = self.inner.borrow().players.get(player) {
            look(player);
        }
    }

    /// Ends a connection when what waits on it is sent.
    pub fn end_outlet(&self, outlet: u32) {
        if let Some(outlet) = self.inner.borrow_mut().outlets.get_mut(outlet) {
            outlet.end();
            outlet.flush();
        }
    }

    /// The same, where these bytes have already said that it is the end.
    pub fn end_outlet_with(&self, outlet: u32, said: &[u8]) {
        if let Some(outlet) = self.inner.borrow_mut().outlets.get_mut(outlet) {
            outlet.end_with(said);
            outlet.flush();
        }
    }

    /// Takes a player in and serves it. The subscription of its stream is the player's from now on.
    pub fn add_player(&'static self, player: Player) -> u32 {
        let mut inner = self.inner.borrow_mut();
        let outlet = player.outlet;
        let number = inner.enter(player, self.attachment.zone().newest());
        if let Some(outlet) = inner.outlets.get_mut(outlet) {
            outlet.players.push(number);
        }
        inner.wait(number);
        number
    }

    /// Forgets a player. Gives what it was.
    pub fn remove_player(&self, number: u32) -> Option<Player> {
        let mut inner = self.inner.borrow_mut();
        let player = inner.leave(&self.attachment, number)?;
        if let Some(outlet) = inner.outlets.get_mut(player.outlet) {
            outlet.players.retain(|&known| known != number);
        }
        Some(player)
    }

    /// A player that waited for what its stream consists of looks whether that is known.
    pub fn look_again(&self, number: u32) {
        let mut inner = self.inner.borrow_mut();
        if let Some(player) = inner.players.get_mut(number) {
            player.opening.waits = false;
        }
        inner.wait(number);
    }

    /// A connection's task: there may be room to write. `false`: the connection is over.
    pub fn attend(&'static self, number: u32) -> bool {
        let mut inner = self.inner.borrow_mut();
        let inner = &mut *inner;
        let Some(outlet) = inner.outlets.get_mut(number) else { return false };
        let was_clear = outlet.is_clear();
        if outlet.blocked.is_some() && outlet.conn.is_writable() {
            outlet.blocked = None;
        }
        if !was_clear && outlet.flush() && outlet.is_clear() {
            let players = std::mem::take(&mut outlet.players);
            players.iter().for_each(|&player| inner.wait(player));
            if let Some(outlet) = inner.outlets.get_mut(number) {
                outlet.players = players;
            }
        }
        inner.outlets.get_mut(number).is_some_and(|outlet| !outlet.is_over())
    }

    fn tick(&'static self) {
        // First: whatever becomes of this one.
        rt::after(TICK_MS, || self.tick());
        let zone = self.attachment.zone();
        zone.expire();
        let mut inner = self.inner.borrow_mut();
        let (messages, bytes, skips) = std::mem::take(&mut inner.counts);
        self.attachment.count(messages, bytes, skips);
        inner.look_after_broken(&self.attachment);
        drop(inner);
        if zone.is_retired() {
            // Another zone has this one's place: what is live goes on there.
            self.send_away();
        }
    }

    /// Streams with news become dirty, or due.
    fn hear(&'static self, inner: &mut Inner) {
        let zone = self.attachment.zone();
        if zone.newest() == inner.seen {
            return;
        }
        let mut asked = Vec::new();
        let heard = zone.news(inner.seen, |channel| {
            inner.mark(self, channel);
            asked.extend(inner.listeners.get(&channel).cloned());
        });
        inner.seen = heard.unwrap_or_else(|missed| {
            let all: Vec<u32> = inner.streams.keys().copied().collect();
            all.into_iter().for_each(|channel| inner.mark(self, channel));
            asked.extend(inner.listeners.values().cloned());
            missed.upto
        });
        // They borrow the hub themselves.
        asked.dedup_by(|a, b| Rc::ptr_eq(a, b));
        for listener in asked {
            rt::after(0, move || listener());
        }
    }
}

impl live::Listen for Hub {
    fn attachment(&self) -> &Attachment {
        &self.attachment
    }

    fn listen(&self, channel: ChannelId, listener: Rc<dyn Fn()>) {
        self.inner.borrow_mut().listeners.insert(channel.index(), listener);
    }
}

impl live::Hub for Hub {
    fn start(attachment: Attachment, _: Option<live::Sync>) -> io::Result<&'static Hub> {
        let inner = Inner {
            seen: attachment.zone().newest(),
            streams: HashMap::new(),
            players: Slab::default(),
            outlets: Slab::default(),
            dirty: VecDeque::new(),
            waiting: VecDeque::new(),
            draft: Draft::default(),
            counts: (0, 0, 0),
            listeners: HashMap::new(),
        };
        // One for each process, to its end.
        let hub: &'static Hub = Box::leak(Box::new(Hub {
            attachment,
            inner: RefCell::new(inner),
            publishers: Cell::new(0),
        }));
        rt::on_readable(hub.attachment.bell_fd(), || {
            hub.attachment.silence();
        })?;
        rt::add_pulse(hub);
        hub.tick();
        Ok(hub)
    }

    fn drain(&'static self, within: Option<u64>) {
        // Publishers and players come back to a worker that goes on; the streams wait for them (`publish_grace`).
        if let Some(within) = within {
            rt::after(within * 3 / 4, || self.send_away());
        }
    }
}

impl Pulse for Hub {
    fn beat(&'static self) {
        let mut inner = self.inner.borrow_mut();
        self.hear(&mut inner);
        inner.deliver(self);
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
    fn enter(&mut self, mut player: Player, newest: u64) -> u32 {
        let (id, app) = (player.stream, player.app);
        let number = self.players.next();
        let stream = self.streams.entry(id.index()).or_insert_with(|| Stream {
            id,
            app,
            cursor: newest,
            hint: Hint::default(),
            contents: 0,
            players: Vec::new(),
            dirty: false,
            due: false,
            broke: None,
        });
        if stream.players.is_empty() {
            // Nobody has had anything of it since.
            stream.cursor = if app.delay > 0 { player.state.cursor } else { newest };
        }
        stream.app = app;
        player.number = number;
        player.at = stream.players.len() as u32;
        stream.players.push(number);
        self.players.add(player)
    }

    fn leave(&mut self, attachment: &Attachment, number: u32) -> Option<Player> {
        let player = self.players.take(number)?;
        attachment.unsubscribe(player.stream);
        let index = player.stream.index();
        if let Some(stream) = self.streams.get_mut(&index)
            && (player.at as usize) < stream.players.len()
        {
            stream.players.swap_remove(player.at as usize);
            match stream.players.get(player.at as usize) {
                Some(&moved) => {
                    if let Some(moved) = self.players.get_mut(moved) {
                        moved.at = player.at;
                    }
                }
                None if stream.players.is_empty() => {
                    self.streams.remove(&index);
                }
                None => {}
            }
        }
        Some(player)
    }

    /// A player is to be served by itself.
    pub fn wait(&mut self, number: u32) {
        if let Some(player) = self.players.get_mut(number)
            && !std::mem::replace(&mut player.waiting, true)
        {
            self.waiting.push_back(number);
        }
    }

    /// A stream has news: it is dirty at once, or when its frames have been collected.
    fn mark(&mut self, hub: &'static Hub, index: u32) {
        let Some(stream) = self.streams.get_mut(&index) else { return };
        match stream.app.merge_write {
            0 => self.make_dirty(index),
            time => self.make_due(hub, index, time),
        }
    }

    /// A stream is to be delivered.
    pub fn make_dirty(&mut self, index: u32) {
        if let Some(stream) = self.streams.get_mut(&index)
            && !std::mem::replace(&mut stream.dirty, true)
        {
            self.dirty.push_back(index);
        }
    }

    /// A stream is to be delivered in `ms` milliseconds.
    pub fn make_due(&mut self, hub: &'static Hub, index: u32, ms: u64) {
        if let Some(stream) = self.streams.get_mut(&index)
            && !std::mem::replace(&mut stream.due, true)
        {
            rt::after(ms.max(1), move || {
                let mut inner = hub.inner.borrow_mut();
                if let Some(stream) = inner.streams.get_mut(&index) {
                    stream.due = false;
                }
                inner.make_dirty(index);
            });
        }
    }
}

/// Counts a client as one of its stream's; gives the stream. Those that nobody publishes have half of the slots at
/// most: players cannot keep publishers out.
pub fn subscribe(attachment: &Attachment, channel: &[u8]) -> Result<ChannelId, broadcast::Full> {
    attachment.subscribe(channel).map(|(id, _)| id)
}
