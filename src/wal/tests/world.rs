//! A model of a zone, of its processes and its readers, over a log on a disk.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};

use super::disk::Disk;
use super::{Random, dying};
use crate::header::Identity;
use crate::shape::Shape;
use crate::step::hooked::LAST;
use crate::{Durability, Error, Found, Keeper, Log, LogState, Record};

/// All that a record says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Content {
    pub seq: u64,
    pub number: u64,
    pub meta: [u64; 8],
    pub channel: Vec<u8>,
    pub bytes: Vec<u8>,
}

impl Content {
    fn of(record: &Record<'_>) -> Content {
        let meta = [
            record.key,
            record.place.into(),
            record.time,
            record.wall,
            record.flags.into(),
            record.head.into(),
            record.max_count.into(),
            record.max_age,
        ];
        let (channel, bytes) = (record.channel.to_vec(), record.parts.concat());
        Content { seq: record.seq, number: record.number, meta, channel, bytes }
    }
}

/// What the zone has in memory.
#[derive(Default)]
struct Kept(RefCell<BTreeMap<Vec<u8>, BTreeMap<u64, Content>>>);

impl Keeper for Kept {
    fn is_kept(&self, channel: &[u8], seq: u64) -> bool {
        self.0.borrow().get(channel).is_some_and(|records| records.contains_key(&seq))
    }

    fn drop_upto(&self, channel: &[u8], seq: u64) {
        if let Some(records) = self.0.borrow_mut().get_mut(channel) {
            records.retain(|&kept, _| kept > seq);
        }
    }
}

pub struct World {
    pub random: Random,
    pub disk: Disk,
    pub durability: Durability,
    log: Log<Disk>,
    state: LogState,
    epoch: u32,
    newest: u64,
    kept: Kept,
    numbers: HashMap<Vec<u8>, u64>,
    /// What a sync has covered.
    durable: HashSet<u64>,
    /// All that any append was ever asked to write.
    asked: HashSet<Content>,
    /// Ids that anybody may have seen, and what they were.
    given: HashMap<(u32, u64), Content>,
    /// Something else than the log has changed the file.
    pub tampered: bool,
    /// How often which of the two was said.
    pub certain: [usize; 2],
    pub replayed: usize,
    pub dropped: bool,
}

impl World {
    pub fn new(seed: u64, shape: Shape, unit: usize, durability: Durability) -> World {
        let mut random = Random::new(seed);
        let disk = Disk::new(shape.len() as usize, unit);
        let state = LogState::default();
        let epoch = random.next() as u32;
        let newest = random.below(3) as u64;
        let identity =
            Identity { epoch, secret: [random.next(), random.next()], newest, past: Vec::new() };
        let log = Log::create_shaped(disk.clone(), shape, identity, durability, &state);
        World {
            log: log.expect("a log"),
            random,
            disk,
            durability,
            state,
            epoch,
            newest,
            kept: Kept::default(),
            numbers: HashMap::new(),
            durable: HashSet::new(),
            asked: HashSet::new(),
            given: HashMap::new(),
            tampered: false,
            certain: [0; 2],
            replayed: 0,
            dropped: false,
        }
    }

    pub fn largest(&self) -> usize {
        self.log.largest()
    }

    fn channel(&mut self) -> Vec<u8> {
        match self.random.below(12) {
            n @ 0..8 => vec![b'a' + n as u8; n * n + 1],
            8 => vec![b'z'; 255],
            _ => b"busy".to_vec(),
        }
    }

    fn content(&mut self, channel: Vec<u8>, len: usize) -> Content {
        let random = &mut self.random;
        let number = self.numbers.get(&channel).copied().unwrap_or(0) + 1;
        let half = |random: &mut Random| random.next() >> 32;
        let mut bytes: Vec<u8> = random.next().to_le_bytes().repeat(len / 8 + 1);
        bytes.truncate(len);
        let wall = crate::Device::now_ns(&self.disk) / 1_000_000;
        let meta = [
            random.next(),
            half(random),
            random.next(),
            wall,
            half(random),
            random.below(len + 1) as u64,
            half(random),
            random.next(),
        ];
        Content { seq: self.newest + 1, number, meta, channel, bytes }
    }

    /// Appends a record, and dies on the way if there is a fuse. `true`: the zone has committed it.
    pub fn append(&mut self, len: usize, fuse: Option<usize>) -> bool {
        let channel = self.channel();
        self.append_content(channel, len, fuse)
    }

    /// The same, to a channel; with the fuse [`LAST`] it dies just before the commit.
    pub fn append_to(&mut self, channel: &[u8], len: usize, fuse: Option<usize>) -> bool {
        self.append_content(channel.to_vec(), len, fuse)
    }

    /// What an append of so many bytes answers, if nobody commits it.
    pub fn try_append(&mut self, len: usize) -> Result<(), Error> {
        let parts = [&vec![0; len][..]];
        let record = Record { seq: self.newest + 1, parts: &parts, ..Record::default() };
        self.log.append(&self.state, &record, &self.kept)
    }

    fn append_content(&mut self, channel: Vec<u8>, len: usize, fuse: Option<usize>) -> bool {
        let content = self.content(channel, len);
        self.asked.insert(content.clone());
        let (a, b) = content.bytes.split_at(self.random.below(len + 1));
        let parts = [a, &[], b];
        let meta = content.meta;
        let record = Record {
            seq: content.seq,
            number: content.number,
            key: meta[0],
            place: meta[1] as u32,
            time: meta[2],
            wall: meta[3],
            flags: meta[4] as u32,
            head: meta[5] as u32,
            max_count: meta[6] as u32,
            max_age: meta[7],
            channel: &content.channel,
            parts: &parts,
        };
        let (log, state, kept, newest) = (&self.log, &self.state, &self.kept, self.newest);
        let before = kept.0.borrow().values().map(BTreeMap::len).sum::<usize>();
        let result = dying(fuse, || match log.append(state, &record, kept) {
            Err(Error::Unsynced) => {
                assert_eq!(self.durability, Durability::Ack);
                log.sync(state, newest).expect("synced");
                // Another's copies may be in between; at rest, once is enough.
                log.append(state, &record, kept)
            }
            result => result,
        });
        self.dropped |= kept.0.borrow().values().map(BTreeMap::len).sum::<usize>() != before;
        match result {
            // Sometimes the death comes before the commit.
            Some(Ok(())) if fuse.is_none() => {}
            Some(Ok(())) if fuse != Some(LAST) && !self.random.one_in(2) => {}
            Some(Err(Error::System(_))) | Some(Ok(())) | None => return false,
            Some(Err(error)) => panic!("{error}"),
        }
        self.newest = content.seq;
        self.numbers.insert(content.channel.clone(), content.number);
        self.show(&content);
        let mut kept = self.kept.0.borrow_mut();
        kept.entry(content.channel.clone()).or_default().insert(content.seq, content);
        true
    }

    /// A reader sees a record: its id is of nothing else.
    fn show(&mut self, content: &Content) {
        let id = (self.epoch, content.seq);
        let known = self.given.entry(id).or_insert_with(|| content.clone());
        assert!(known == content, "the id {id:?} is given to two contents");
    }

    pub fn sync(&mut self, fuse: Option<usize>) {
        let (log, state, newest) = (&self.log, &self.state, self.newest);
        if let Some(synced) = dying(fuse, || log.sync(state, newest)) {
            assert_eq!(synced.expect("synced"), newest);
            self.all_durable();
        }
    }

    fn all_durable(&mut self) {
        let kept = self.kept.0.borrow();
        self.durable.extend(kept.values().flat_map(|records| records.keys().copied()));
    }

    /// The zone lets go of the oldest of a channel.
    pub fn evict(&mut self) {
        let mut kept = self.kept.0.borrow_mut();
        let channel = self.random.below(kept.len());
        if let Some(records) = kept.values_mut().nth(channel) {
            for _ in 0..1 + self.random.below(8) {
                records.pop_first();
            }
        }
    }

    /// Evicts down to so many bytes.
    pub fn evict_to(&mut self, most: usize) {
        let size = |kept: &Kept| -> usize {
            let kept = kept.0.borrow();
            kept.values().flat_map(|records| records.values()).map(|c| c.bytes.len() + 100).sum()
        };
        while size(&self.kept) > most {
            self.evict();
        }
    }

    pub fn kept(&self) -> usize {
        self.kept.0.borrow().values().map(BTreeMap::len).sum()
    }

    /// The channels of which something is kept.
    pub fn names(&self) -> Vec<Vec<u8>> {
        self.kept.0.borrow().keys().cloned().collect()
    }

    /// Whether nothing but the ring's first page was needed yet.
    pub fn is_in_first_page(&self) -> bool {
        let segment = self.log.shape.segment;
        self.state.pending_end.get() <= segment + 4096
    }

    pub fn wants_sync(&self) -> bool {
        self.log.wants_sync(&self.state)
    }

    /// Closes the log; dies on the way if there is a fuse.
    pub fn close(&mut self, fuse: Option<usize>) {
        let (log, state, newest) = (&self.log, &self.state, self.newest);
        let begun = self.state.phase.get() == crate::state::BEGUN;
        if let Some(closed) = dying(fuse, || log.close(state, newest)) {
            closed.expect("closed");
            if begun {
                self.all_durable();
            }
        }
    }

    pub fn begin(&mut self, fuse: Option<usize>) {
        let (log, state) = (&self.log, &self.state);
        if let Some(begun) = dying(fuse, || log.begin(state)) {
            begun.expect("begun");
            if state.newest.get() == self.newest {
                self.all_durable();
            }
        }
    }

    /// The power fails.
    pub fn cut(&mut self) {
        self.disk.cut(&mut self.random);
        self.reopen(true);
    }

    /// All processes are gone; a server starts. `lossy`: what was not synced need not be there.
    pub fn reopen(&mut self, lossy: bool) {
        let before = self.disk.bytes();
        let found = Log::open(self.disk.clone(), self.durability).expect("opened");
        assert_eq!(before, self.disk.bytes(), "opening has written");
        let mut all: Vec<Content> = Vec::new();
        let replayed = found.replay(|record| all.push(Content::of(record))).expect("replayed");
        assert_eq!((replayed, found.records()), (all.len(), all.len()));
        self.replayed += all.len();
        self.certain[usize::from(!found.certain)] += 1;
        assert!(all.is_sorted_by(|a, b| a.seq < b.seq), "in order, each once");
        for content in &all {
            assert!(self.asked.contains(content), "nobody appended {content:?}");
        }
        if !self.tampered {
            self.check(&found, &all, lossy);
        }
        let epoch = match found.certain {
            true => found.epoch,
            false => self.random.next() as u32,
        };
        if !found.certain {
            let last = found.past.last().expect("a past");
            assert_eq!((last.epoch, last.upto), (found.epoch, found.newest));
        }
        self.go_on(found, epoch, all, lossy);
    }

    fn check(&self, found: &Found<Disk>, all: &[Content], lossy: bool) {
        let there: HashMap<u64, &Content> = all.iter().map(|c| (c.seq, c)).collect();
        let kept = self.kept.0.borrow();
        for content in kept.values().flat_map(|records| records.values()) {
            let is_there = there.get(&content.seq).is_some_and(|found| *found == content);
            let must = !lossy
                || found.certain
                || self.durability == Durability::Ack && self.durable.contains(&content.seq);
            assert!(
                is_there || !must,
                "seq {} is lost (certain {}, newest {})",
                content.seq,
                found.certain,
                self.newest
            );
        }
        if !lossy || found.certain {
            assert!(found.newest >= self.newest, "the newest is lost");
            assert!(found.newest <= self.newest + 1);
        }
    }

    fn go_on(&mut self, found: Found<Disk>, epoch: u32, all: Vec<Content>, lossy: bool) {
        self.tampered = false;
        self.epoch = epoch;
        self.newest = found.newest;
        self.state = LogState::default();
        self.log = found.go_on(&self.state, epoch);
        self.durable.retain(|_| !lossy);
        let mut kept = BTreeMap::<Vec<u8>, BTreeMap<u64, Content>>::new();
        for content in all {
            self.show(&content);
            if lossy {
                self.durable.insert(content.seq);
            }
            let number = self.numbers.entry(content.channel.clone()).or_default();
            *number = content.number.max(*number);
            kept.entry(content.channel.clone()).or_default().insert(content.seq, content);
        }
        self.kept = Kept(RefCell::new(kept));
    }

    /// Another process goes on with the state in memory, as a new binary does.
    pub fn hand_over(&mut self) {
        self.log = Log::share(self.disk.clone(), self.durability).expect("shared");
    }
}
