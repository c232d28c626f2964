//! The listening sockets of a configuration.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsRawFd, RawFd};

use sys::socket::{Address, Listener};

/// Open listening sockets by address; with `reuseport` an address has several.
#[derive(Debug, Default)]
pub struct Sockets {
    sockets: BTreeMap<Address, Vec<Listener>>,
    /// How many workers share them.
    workers: usize,
}

impl Sockets {
    /// No sockets, for `workers` workers.
    pub fn new(workers: usize) -> Sockets {
        Sockets { sockets: BTreeMap::new(), workers: workers.max(1) }
    }

    /// Adds a socket.
    pub fn add(&mut self, address: Address, socket: Listener) {
        self.sockets.entry(address).or_default().push(socket);
    }

    /// The sockets bound to `address`.
    pub fn at(&self, address: &Address) -> &[Listener] {
        self.sockets.get(address).map_or(&[], Vec::as_slice)
    }

    /// The sockets that worker `number` accepts from. One that is alone is everybody's; of several,
    /// each has one worker, also when there are more sockets than workers (after a reload with fewer
    /// workers): none is left with connections that nobody accepts.
    pub fn of_worker(&self, address: &Address, number: usize) -> impl Iterator<Item = &Listener> {
        let all = self.at(address);
        let alone = all.len() == 1;
        let workers = self.workers;
        let mine = move |&(at, _): &(usize, &Listener)| alone || at % workers == number % workers;
        all.iter().enumerate().filter(mine).map(|(_, socket)| socket)
    }

    /// Whether other processes accept from the same sockets of `address`.
    pub fn shared(&self, address: &Address) -> bool {
        self.workers > 1 && self.at(address).len() == 1
    }

    /// Gives the sockets of an address to what adds them to the loop of worker `number`; the second word says whether other
    /// processes accept from them, too.
    pub fn each<T>(
        &self,
        address: &Address,
        number: usize,
        mut add: impl FnMut(&Listener, bool) -> io::Result<T>,
    ) -> Result<(), String> {
        let shared = self.shared(address);
        self.of_worker(address, number).try_for_each(|socket| {
            let failed = |error| format!("epoll_ctl({address}) failed {}", sys::log::errno(&error));
            add(socket, shared).map(drop).map_err(failed)
        })
    }

    /// All sockets with their addresses.
    pub fn iter(&self) -> impl Iterator<Item = (&Address, &Listener)> {
        self.sockets.iter().flat_map(|(address, all)| all.iter().map(move |one| (address, one)))
    }

    /// All descriptors.
    pub fn descriptors(&self) -> Vec<RawFd> {
        self.iter().map(|(_, socket)| socket.as_raw_fd()).collect()
    }
}
