//! The peers of a group, and what is known of them: in shared memory, so that all workers know it, and still know it
//! after a reload, an upgrade, or the death of one of them.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::{Rc, Weak};

use conf::Error;
use mem::Str;
use module::{Process, Setup, Slot, Wanted};
use shm::{Holder, PATIENCE_MS, RecordShape, Records, RecordsLock, U64};
use sys::socket::Address;

use crate::server::{Options, Server};

/// What shared memory has room for. What is not used of it costs nothing.
const SHAPE: RecordShape = RecordShape { records: 16 << 10, words: 13, processes: 256 };
/// The version of what is in the words of a record.
const VERSION: u32 = 1;

/// One address that requests go to.
#[derive(Debug)]
pub struct Peer {
    /// Where it is.
    pub address: Address,
    /// That, as `$upstream_addr` shows it.
    pub name: Str,
    /// The server that it is of, as it is written.
    server: String,
    /// How it is treated.
    pub options: Options,
    /// Which of the records is its own, once memory is open.
    record: Cell<usize>,
}

/// The peers of a group: the usual ones, then those that serve where these cannot.
#[derive(Debug)]
pub struct Peers {
    all: Vec<Peer>,
    usual: usize,
}

impl Peer {
    /// Whether it is of the server that is written so.
    pub fn is_of(&self, server: &str) -> bool {
        self.server == server
    }
}

impl Peers {
    /// Of these servers.
    pub fn of(servers: &[Server]) -> Peers {
        let peers = |backup: bool| {
            let servers = servers.iter().filter(move |server| server.options.backup == backup);
            servers.flat_map(|server| {
                server.addresses.iter().map(|address| Peer {
                    address: address.clone(),
                    name: Str::from(address.to_string()),
                    server: server.name.clone(),
                    options: server.options,
                    record: Cell::default(),
                })
            })
        };
        let mut all: Vec<Peer> = peers(false).collect();
        let usual = all.len();
        all.extend(peers(true));
        Peers { all, usual }
    }

    /// All of them.
    pub fn all(&self) -> &[Peer] {
        &self.all
    }

    /// Which of them are tried: the usual ones, or those behind them.
    pub fn range(&self, backup: bool) -> std::ops::Range<usize> {
        match backup {
            false => 0..self.usual,
            true => self.usual..self.all.len(),
        }
    }

    /// Whether one of them is there.
    pub fn has(&self, address: &Address) -> bool {
        self.all.iter().any(|peer| peer.address == *address)
    }

    /// Whether there is but one: it is tried whatever is known of it.
    pub fn is_single(&self) -> bool {
        self.all.len() == 1
    }

    /// How many are worth a try.
    pub fn tries(&self) -> usize {
        self.all.iter().filter(|peer| !peer.options.down).count()
    }
}

/// What is known of a peer. Times are milliseconds of the system's monotonic clock, which all processes share.
pub struct Known<'r>(&'r [U64]);

impl<'r> Known<'r> {
    /// Failures that have not been made good.
    pub fn fails(&self) -> &'r U64 {
        &self.0[0]
    }

    /// When it failed last.
    pub fn failed_at(&self) -> &'r U64 {
        &self.0[1]
    }

    /// When it failed last, or was tried again since.
    pub fn checked_at(&self) -> &'r U64 {
        &self.0[2]
    }

    /// Where it stands among the others of its group, whose sum is 0.
    pub fn current(&self) -> i64 {
        self.0[3].get() as i64
    }

    /// Sets that.
    pub fn set_current(&self, value: i64) {
        self.0[3].set(value as u64);
    }

    /// What failures have taken from its weight.
    pub fn penalty(&self) -> &'r U64 {
        &self.0[4]
    }
}

/// Peers that belong together.
pub trait Members {
    /// How they are called.
    fn name(&self) -> &Str;

    /// They, as they are now.
    fn peers(&self) -> Rc<Peers>;

    /// Worker: nothing is kept for requests to come.
    fn let_go(&self);
}

/// The memory of all peers of a configuration.
#[derive(Default)]
pub struct Memory {
    slot: OnceCell<Slot>,
    records: OnceCell<Records>,
    row: OnceCell<usize>,
    /// They have their memory, too.
    groups: RefCell<Vec<Weak<dyn Members>>>,
    holder: RefCell<Holder>,
}

impl Memory {
    /// Asks for it, once. `false`: that was done before; else it is to become a part of the processes' life.
    /// `name`: how the memory is called, which a reload and an upgrade find it by.
    pub fn install(&self, name: &str, setup: &mut Setup<'_>) -> bool {
        if self.slot.get().is_some() {
            return false;
        }
        let slot = setup.region(Wanted {
            name: name.to_owned(),
            shape: VERSION.to_string(),
            len: SHAPE.size(),
            file: None,
        });
        self.slot.set(slot).is_ok()
    }

    /// A group whose peers are to have records.
    pub fn add(&self, group: Rc<dyn Members>) {
        self.groups.borrow_mut().push(Rc::downgrade(&group));
    }

    fn groups(&self) -> Vec<Rc<dyn Members>> {
        self.groups.borrow().iter().filter_map(Weak::upgrade).collect()
    }

    /// The records, in the master and in workers.
    pub fn records(&self) -> &Records {
        self.records.get().expect("requests come when memory is open")
    }

    /// What is known of a peer.
    pub fn known(&self, peer: &Peer) -> Known<'_> {
        Known(self.records().words(peer.record.get()))
    }

    /// Requests that all workers have with a peer.
    pub fn in_flight(&self, peer: &Peer) -> u64 {
        self.records().total(peer.record.get())
    }

    /// Those of this worker.
    pub fn own(&self, peer: &Peer) -> &U64 {
        let row = self.row.get().copied().unwrap_or_default();
        self.records().count(row, peer.record.get())
    }

    fn open(&self, records: Records) -> Result<(), Error> {
        let lock = records.lock();
        lock.begin();
        self.place_all(&lock)?;
        drop(lock);
        let _ = self.records.set(records);
        Ok(())
    }

    /// Worker: gives the peers that a group is about to have their records: those that they had before, or new ones.
    pub fn admit(&self, group: &[u8], peers: &Peers) -> Result<(), Error> {
        let lock = self.records().lock();
        if place(&lock, group, peers).is_ok() {
            return Ok(());
        }
        // What no group has any more, in two generations, makes room.
        for _ in 0..2 {
            lock.begin();
            self.place_all(&lock)?;
        }
        place(&lock, group, peers)
    }

    fn place_all(&self, lock: &RecordsLock<'_>) -> Result<(), Error> {
        self.groups().iter().try_for_each(|group| place(lock, group.name(), &group.peers()))
    }
}

/// Finds the records of a group's peers, or makes them.
fn place(lock: &RecordsLock<'_>, group: &[u8], peers: &Peers) -> Result<(), Error> {
    for (at, peer) in peers.all().iter().enumerate() {
        // One that is written twice is two.
        let is_same = |other: &&Peer| (&other.server, &other.name) == (&peer.server, &peer.name);
        let number = peers.all()[..at].iter().filter(is_same).count();
        let words = [group, peer.server.as_bytes(), &peer.name];
        let record = lock.place(key(&words, number));
        let full = || {
            let most = SHAPE.records;
            Error::new(format!("there are more than {most} peers of upstreams"))
        };
        peer.record.set(record.ok_or_else(full)?);
    }
    Ok(())
}

/// What a record is found by, of the words that make a peer what it is: FNV-1a, of 128 bits.
fn key(words: &[&[u8]], number: usize) -> u128 {
    const PRIME: u128 = (1 << 88) + 0x13b;
    let number = number.to_le_bytes();
    let words = words.iter().copied().chain([&number[..]]);
    let bytes = words.flat_map(|word| word.iter().copied().chain([0]));
    bytes.fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(PRIME)
    })
}

impl Process for Memory {
    fn opened(&self) -> Result<(), Error> {
        let missing = || Error::new("the memory of upstreams is not there");
        let slot = self.slot.get().ok_or_else(missing)?;
        // Of another version nothing is taken over.
        drop(slot.take_previous());
        let region = slot.region().cloned().ok_or_else(missing)?;
        let records = Records::of(region, SHAPE);
        let unusable =
            |error| Error::new(format!("the memory of upstreams cannot be used: {error}"));
        self.open(records.map_err(unusable)?)
    }

    fn started(&'static self) -> Result<(), String> {
        let full = "the memory of upstreams has no place for another process";
        let row = self.records().attach().ok_or(full)?;
        let _ = self.row.set(row);
        Ok(())
    }

    fn draining(&'static self, _: Option<u64>) {
        self.groups().iter().for_each(|group| group.let_go());
    }

    fn stopping(&'static self) {
        self.groups().iter().for_each(|group| group.let_go());
    }

    fn worker_ended(&self, pid: i32) -> bool {
        self.records.get().is_none_or(|records| records.sweep(pid))
    }

    fn capacity(&self) -> usize {
        self.records.get().map_or(usize::MAX, Records::free_rows)
    }

    fn attached(&self) -> Vec<i32> {
        self.records.get().map(Records::processes).unwrap_or_default()
    }

    fn stuck(&self) -> Vec<i32> {
        let now = sys::clock::monotonic_ms();
        let look =
            |records: &Records| records.look(&mut self.holder.borrow_mut(), now, PATIENCE_MS);
        self.records.get().and_then(look).into_iter().collect()
    }
}

#[cfg(test)]
impl Memory {
    /// Memory of this process alone.
    pub fn open_here(&self) {
        let region = shm::Region::create("upstreams-test", SHAPE.size()).expect("a region");
        let records = Records::of(region.into(), SHAPE).expect("records");
        self.open(records).expect("room");
        self.row.set(self.records().attach().expect("a row")).expect("the first");
    }
}
