//! A stream that this worker follows: reads the log once, and gives it to all who follow.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use broadcast::{Attachment, ChannelId, Hint, Owner, ReadLimits, Reading, Start};

use crate::follow::api::{Follow, Progress, Stream};
use crate::follow::claim::{self, Claim};
use crate::follow::messages::{Wall, give};
use crate::follow::turns::Turns;
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
/// So many turns what has come before an operator's word may take; what is more comes behind it.
const BEFORE_A_WORD: usize = 16;

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
    turns: Turns,
    /// There may be something that it was not given.
    behind: bool,
    /// Its next turn is set.
    alarm: bool,
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
            hold: RefCell::new(None),
        });
        let listener = Rc::downgrade(&followed);
        hub.listen(id, Rc::new(move || listener.upgrade().into_iter().for_each(|it| it.came())));
        FOLLOWED.with_borrow_mut(|all| all.insert(id, followed.clone()));
        followed
    });
    for place in 0..app.followers.len() {
        followed.add(place, force);
    }
    // What was known here before may be of followers that have left: nothing may go that these still need.
    followed.go_on(&mut followed.followers.borrow_mut());
    Some(followed)
}

/// An operator wants something of a follower of a stream that this worker follows. `None`: it is not here, or does not know
/// the word.
pub fn command(channel: &[u8], follower: &str, word: &[u8]) -> Option<Vec<u8>> {
    let followed = all().into_iter().find(|followed| followed.channel == channel)?;
    // What came before it is before it for the follower, too, and what comes next is not waited with.
    for _ in 0..BEFORE_A_WORD {
        followed.give(true);
        if !followed.is_behind() {
            break;
        }
    }
    let answer = {
        let mut followers = followed.followers.borrow_mut();
        let known = followers.iter_mut().find(|known| known.name == follower)?;
        known.alarm = false;
        known.turns.hurry();
        known.follow.command(word)
    };
    followed.settle();
    answer
}

/// This process ends at once: what has come is given to all who follow, and they write what they have.
pub fn leave() {
    for followed in all() {
        followed.followers.borrow_mut().iter_mut().for_each(|follower| follower.follow.leave());
        followed.give(true);
    }
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
        let this = Rc::downgrade(self);
        let note_now = move || this.upgrade().into_iter().for_each(|followed| followed.note());
        let stream = Stream {
            app: &self.app.name,
            name: self.channel[self.app.prefix.len()..].to_vec(),
            channel: self.channel.clone(),
            note,
            progress: Progress { settle: Rc::new(settle), note: Rc::new(note_now) },
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
                    turns: Turns::new(followers.patience()),
                    behind: true,
                    alarm: false,
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

    /// Something has come.
    fn came(self: &Rc<Self>) {
        let mut followers = self.followers.borrow_mut();
        // All who have patience know already, for nearly every message.
        if followers.iter().any(|follower| !follower.alarm) {
            followers.iter_mut().for_each(|follower| follower.behind = true);
            self.go_on(&mut followers);
        }
    }

    /// Gives what has come to those who follow and whose turn it is, or to `all`.
    pub fn give(self: &Rc<Self>, all: bool) {
        let mut followers = self.followers.borrow_mut();
        let now = rt::now();
        followers.retain_mut(|follower| {
            if !all && now < follower.turns.due() {
                return true;
            }
            if !follower.holds() {
                return false;
            }
            follower.alarm = false;
            follower.behind = follower.read(self.hub.attachment, self.id);
            follower.turns.had(now);
            // Behind the end there is nothing to be patient with, and it is looked whether somebody publishes again.
            if follower.behind || follower.last == Some(Change::Ended) {
                follower.turns.hurry();
            }
            follower.settle()
        });
        self.go_on(&mut followers);
    }

    /// Whether somebody takes more of what there is.
    fn is_behind(&self) -> bool {
        self.followers.borrow().iter().any(|follower| follower.behind && follower.follow.takes())
    }

    /// Has them write down how far they are.
    pub fn settle(self: &Rc<Self>) {
        let mut followers = self.followers.borrow_mut();
        followers.retain_mut(Follower::settle);
        self.go_on(&mut followers);
    }

    /// Has them tell their successors how far they are.
    fn note(&self) {
        self.followers.borrow_mut().retain_mut(Follower::note);
    }

    /// Sets the next turn of all who may have one, and notes what is done.
    fn go_on(self: &Rc<Self>, followers: &mut [Follower]) {
        let now = rt::now();
        for follower in followers.iter_mut() {
            if follower.behind && !follower.alarm && follower.follow.takes() {
                follower.alarm = true;
                let wait = follower.turns.due().saturating_sub(now);
                let followed = self.clone();
                rt::after(wait, move || followed.give(false));
            }
        }
        let done = followers.iter().map(|follower| follower.follow.done()).min();
        self.done.set(done.unwrap_or(u64::MAX));
        let is_idle = followers.iter().all(|it| !it.alarm && it.follow.is_idle());
        let mut hold = self.hold.borrow_mut();
        match is_idle {
            true => *hold = None,
            false => drop(hold.get_or_insert_with(rt::hold)),
        }
    }

    /// Every second or so: what only time brings, and the end.
    pub fn tick(self: &Rc<Self>) {
        self.followers.borrow_mut().retain_mut(Follower::holds);
        self.give(false);
        let mut followers = self.followers.borrow_mut();
        if followers.iter().any(|follower| follower.last == Some(Change::Broke)) {
            resume::end_if_broken(self.hub.attachment, self.id, self.app);
        }
        let has_owner = self.hub.attachment.zone().owner(self.id).is_some();
        followers.retain_mut(|follower| {
            let ended = follower.last == Some(Change::Ended);
            let over = ended && !has_owner && !follower.behind && follower.follow.is_finished();
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
    /// Whether it is still this one that follows, and no other process.
    fn holds(&mut self) -> bool {
        let holds = self.claim.holds();
        if !holds {
            self.follow.replaced();
        }
        holds
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
                    let (clock, mut copy) = (Wall::new(attachment), Vec::new());
                    let mut view = View::default();
                    for record in batch.records() {
                        view.turn_to(&batch, record);
                        give(&view, &mut copy, &mut *self.follow, &mut self.last, clock);
                    }
                }
                Reading::Batch(batch) => {
                    let record = batch.records()[0].clone();
                    taken += record.len;
                    self.cursor = record.seq;
                    if let Some(bytes) = live::whole(attachment, id, batch) {
                        let clock = Wall::new(attachment);
                        let view = View::of_long(&record, &bytes);
                        give(&view, &mut Vec::new(), &mut *self.follow, &mut self.last, clock);
                    }
                }
            }
        }
        true
    }

    /// Writes down how far it is. `false`: it follows no more.
    fn settle(&mut self) -> bool {
        if !self.follow.settle() {
            self.claim.finish();
            return false;
        }
        self.note()
    }

    /// Tells its successor how far it is. `false`: that one follows already.
    fn note(&mut self) -> bool {
        let kept = match self.follow.note() {
            Some(note) => self.claim.write(&note),
            None => self.claim.holds(),
        };
        if !kept {
            self.follow.replaced();
        }
        kept
    }
}
