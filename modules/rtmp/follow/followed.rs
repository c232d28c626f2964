//! A stream that this worker follows: reads the log once, and gives it to all who follow.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use broadcast::{Attachment, ChannelId, Hint, Owner, ReadLimits, Reading, Start};

use crate::follow::api::{Follow, Message, Progress, Stream};
use crate::follow::claim::{self, Claim};
use crate::play::protocol::Hub;
use crate::play::view::View;
use crate::publish::resume;
use crate::record::Change;
use crate::settings::app::App;

thread_local! {
    /// The streams that this worker follows.
    static FOLLOWED: RefCell<HashMap<ChannelId, Rc<Followed>>> = RefCell::default();
}

/// As much is read in one turn of the loop.
const TURN: usize = 1 << 20;

/// A stream and its followers in this worker.
pub struct Followed {
    hub: &'static Hub,
    app: &'static App,
    id: ChannelId,
    /// Its name in the log.
    pub channel: Vec<u8>,
    followers: RefCell<Vec<Follower>>,
    /// What nobody here needs any more.
    done: Cell<u64>,
    /// A turn is set for later.
    due: Cell<bool>,
    /// While something is not read, or not done, the worker does not end.
    hold: RefCell<Option<rt::Hold>>,
}

struct Follower {
    name: String,
    claim: Claim,
    follow: Box<dyn Follow>,
    cursor: u64,
    told: u64,
    hint: Hint,
    /// What happened last to the stream, as far as this one has read: another may be ahead of it.
    last: Option<Change>,
    patience: u64,
    /// When it was given something last, in the loop's milliseconds.
    read_at: u64,
}

/// Follows a stream in this worker with all its application's followers; `force`: also if another process does so.
pub fn follow(
    hub: &'static Hub,
    app: &'static App,
    channel: &[u8],
    force: bool,
) -> Option<Rc<Followed>> {
    if app.followers.is_empty() {
        return None;
    }
    let id = hub.attachment.zone().find(channel)?;
    let known = FOLLOWED.with_borrow(|all| all.get(&id).cloned());
    let followed = known.unwrap_or_else(|| {
        let followed = Rc::new(Followed {
            hub,
            app,
            id,
            channel: channel.to_vec(),
            followers: RefCell::default(),
            done: Cell::new(0),
            due: Cell::new(false),
            hold: RefCell::new(None),
        });
        let listener = Rc::downgrade(&followed);
        hub.listen(id, Rc::new(move || listener.upgrade().into_iter().for_each(|it| it.later())));
        FOLLOWED.with_borrow_mut(|all| all.insert(id, followed.clone()));
        followed
    });
    for place in 0..app.followers.len() {
        followed.add(place, force);
    }
    followed.later();
    Some(followed)
}

/// An operator wants something of a follower of a stream that this worker follows. `None`: it is not here, or does not know
/// the word.
pub fn command(channel: &[u8], follower: &str, word: &[u8]) -> Option<Vec<u8>> {
    let followed = all().into_iter().find(|followed| followed.channel == channel)?;
    let mut followers = followed.followers.borrow_mut();
    let known = followers.iter_mut().find(|known| known.name == follower);
    known?.follow.command(word)
}

/// All that this worker follows.
pub fn all() -> Vec<Rc<Followed>> {
    FOLLOWED.with_borrow(|all| all.values().cloned().collect())
}

impl Followed {
    /// Begins with one of the application's followers, if it is not here already.
    fn add(self: &Rc<Self>, place: usize, force: bool) {
        let followers = &self.app.followers[place];
        let mut here = self.followers.borrow_mut();
        if here.iter().any(|known| known.name == followers.name() && known.claim.holds()) {
            return;
        }
        let number = self.hub.with_worker(|worker| worker.next_publisher());
        let owner = Owner { pid: sys::process::pid(), number };
        let name = claim::name(followers.name(), &self.channel);
        let attachment = self.hub.attachment;
        let Some(claim) = Claim::take(attachment, &name, owner, force) else { return };
        let noted = claim.read();
        // Where it was begun, if whoever did so has noted nothing of its own.
        let start = || attachment.start(&[self.id], Start::Marked);
        let (since, told) = noted.as_ref().map_or_else(start, |noted| (noted.since, 0));
        let note = noted.map(|noted| noted.note).filter(|note| !note.is_empty());
        // So that it is found by who goes on, whatever is noted later.
        let noted = claim.begin(since, note.as_deref().unwrap_or_default());
        let this = Rc::downgrade(self);
        let settle = move || this.upgrade().into_iter().for_each(|followed| followed.settle());
        let stream = Stream {
            app: &self.app.name,
            name: self.channel[self.app.prefix.len()..].to_vec(),
            channel: self.channel.clone(),
            note,
            progress: Progress(Rc::new(settle)),
        };
        match followers.follow(stream) {
            Ok(follow) if noted => {
                let (cursor, told) = follow.resumes().map_or((since, told), |seq| (seq, 0));
                let name = followers.name().to_owned();
                here.push(Follower {
                    name,
                    claim,
                    follow,
                    cursor,
                    told,
                    hint: Hint::default(),
                    last: None,
                    patience: followers.patience(),
                    read_at: 0,
                });
            }
            Ok(_) => claim.give_up(),
            Err(why) => {
                let name = self.label();
                sys::log!(
                    Error,
                    "{} does not follow the stream \"{name}\": {why}",
                    followers.name()
                );
                claim.finish();
            }
        }
    }

    /// The stream's name, for people.
    pub fn label(&self) -> String {
        let name = &self.channel[self.app.prefix.len()..];
        format!("{}/{}", self.app.name, String::from_utf8_lossy(name))
    }

    /// Records up to this seq are needed by nobody here.
    pub fn done(&self) -> u64 {
        self.done.get()
    }

    /// Looks for what has come, with what else comes in this turn of the loop.
    fn later(self: &Rc<Self>) {
        if !self.due.replace(true) {
            let (followed, now) = (self.clone(), rt::now());
            let here = self.followers.borrow();
            let wait = here.iter().map(|follower| follower.due().saturating_sub(now)).min();
            rt::after(wait.unwrap_or(0), move || followed.turn(false));
            self.hold.borrow_mut().get_or_insert_with(rt::hold);
        }
    }

    /// Gives what has come to all who follow; `all`: also to those who have patience.
    pub fn turn(self: &Rc<Self>, all: bool) {
        self.due.set(false);
        let mut followers = self.followers.borrow_mut();
        let (mut more, now) = (false, rt::now());
        followers.retain_mut(|follower| {
            if !all && now < follower.due() {
                return true;
            }
            follower.read_at = now;
            more |= follower.read(self.hub.attachment, self.id);
            follower.settle()
        });
        self.note_done(&followers);
        drop(followers);
        if more {
            self.later();
        }
    }

    /// Has them write down how far they are.
    pub fn settle(&self) {
        let mut followers = self.followers.borrow_mut();
        followers.retain_mut(Follower::settle);
        self.note_done(&followers);
    }

    fn note_done(&self, followers: &[Follower]) {
        let done = followers.iter().map(|follower| follower.follow.done()).min();
        self.done.set(done.unwrap_or(u64::MAX));
        let is_idle = followers.iter().all(|follower| follower.follow.is_idle());
        let mut hold = self.hold.borrow_mut();
        match is_idle && !self.due.get() {
            true => *hold = None,
            false => drop(hold.get_or_insert_with(rt::hold)),
        }
    }

    /// Every second or so: what only time brings, and the end.
    pub fn tick(self: &Rc<Self>) {
        self.followers.borrow_mut().retain_mut(|follower| {
            let holds = follower.claim.holds();
            if !holds {
                follower.follow.replaced();
            }
            holds
        });
        self.turn(true);
        let mut followers = self.followers.borrow_mut();
        if followers.iter().any(|follower| follower.last == Some(Change::Broke)) {
            resume::end_if_broken(self.hub.attachment, self.id, self.app);
        }
        let has_owner = self.hub.attachment.zone().owner(self.id).is_some();
        followers.retain_mut(|follower| {
            let ended = follower.last == Some(Change::Ended);
            let over = ended && !has_owner && follower.follow.is_finished();
            if over {
                follower.claim.finish();
            }
            !over
        });
        if followers.is_empty() {
            self.hub.unlisten(self.id);
            FOLLOWED.with_borrow_mut(|all| all.remove(&self.id));
        }
    }
}

impl Follower {
    /// When it is to be given what has come, in the loop's milliseconds.
    fn due(&self) -> u64 {
        self.read_at + self.patience
    }

    /// Reads on. `true`: there may be more.
    fn read(&mut self, attachment: &'static Attachment, id: ChannelId) -> bool {
        let mut taken = 0;
        while taken < TURN && self.follow.takes() {
            let limits = ReadLimits { told: self.told, ..ReadLimits::default() };
            match attachment.read(&[id], self.cursor, Some(&mut self.hint), limits) {
                Reading::Nothing | Reading::Torn => return false,
                Reading::Lagged { upto } => {
                    self.told = upto;
                    let (cursor, _) = attachment.start(&[id], Start::Marked);
                    self.cursor = cursor.max(upto);
                    self.follow.lost();
                }
                Reading::Batch(batch) if batch.records()[0].is_whole() => {
                    taken += batch.len();
                    self.cursor = batch.records().last().map_or(self.cursor, |last| last.seq);
                    if !batch.records().last().is_some_and(|last| last.is_whole()) {
                        self.cursor -= 1;
                    }
                    let clock = Wall::new(attachment);
                    give(&View::of(&batch), &mut *self.follow, &mut self.last, clock);
                }
                Reading::Batch(batch) => {
                    let record = batch.records()[0].clone();
                    taken += record.len;
                    self.cursor = record.seq;
                    if let Some(bytes) = live::whole(attachment, id, batch) {
                        let clock = Wall::new(attachment);
                        give(
                            &View::of_long(&record, &bytes),
                            &mut *self.follow,
                            &mut self.last,
                            clock,
                        );
                    }
                }
            }
        }
        // One that takes no more is asked again when something comes, or in a while.
        self.follow.takes()
    }

    /// Writes down how far it is. `false`: it follows no more.
    fn settle(&mut self) -> bool {
        if !self.follow.settle() {
            self.claim.finish();
            return false;
        }
        let kept = self.follow.note().is_none_or(|note| self.claim.write(&note));
        if !kept {
            self.follow.replaced();
        }
        kept
    }
}

/// What adds up with the zone's time to Unix time.
#[derive(Clone, Copy)]
struct Wall {
    zone: u64,
    unix: u64,
}

impl Wall {
    fn new(attachment: &Attachment) -> Wall {
        Wall { zone: attachment.zone().time_of(rt::now()), unix: rt::wall().as_millis() as u64 }
    }

    fn of(self, zone: u64) -> u64 {
        (self.unix + zone).saturating_sub(self.zone)
    }
}

fn give(view: &View<'_>, follow: &mut dyn Follow, last: &mut Option<Change>, clock: Wall) {
    let mut copy = Vec::new();
    for item in &view.items {
        let payload = match &view.whole[item.whole.clone()] {
            [] => &[],
            [whole] => *whole,
            pieces => {
                copy.clear();
                pieces.iter().for_each(|piece| copy.extend_from_slice(piece));
                &copy[..]
            }
        };
        let message = Message {
            seq: item.seq,
            kind: item.head.kind,
            time: item.head.time,
            wall: clock.of(item.time),
            payload,
            flags: item.flags,
        };
        match item.head.event().filter(|_| message.is_change()) {
            Some(change) => {
                *last = Some(change);
                follow.change(change, item.seq, message.wall);
            }
            None => follow.message(&message),
        }
    }
}
