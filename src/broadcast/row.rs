//! A worker's part in a zone: what it is interested in, whether it sleeps, what it reads.

use std::cell::RefCell;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::atomic::{Ordering, fence};
use std::sync::{Arc, Weak};

use sys::bell::Bell;

use crate::index::{ChannelId, Full};
use crate::layout::Row;
use crate::lengths::Lengths;
use crate::lock::Locked;
use crate::step::step;
use crate::zone::Zone;

/// A process that is attached to a zone: it subscribes, reads and is woken.
pub struct Attachment {
    pub(crate) zone: &'static Zone,
    pub(crate) row: usize,
    /// None: it has left.
    bell: RefCell<Option<Arc<Bell>>>,
    fd: RawFd,
    pub(crate) lengths: Lengths,
}

/// The rows that an append wakes.
#[derive(Default)]
pub(crate) struct Wakes {
    rows: Vec<u32>,
}

impl Wakes {
    pub fn add(&mut self, row: u32) {
        if !self.rows.contains(&row) {
            self.rows.push(row);
        }
    }
}

impl Zone {
    /// Attaches this process. The error says what is in the way: as many processes as there is room
    /// for may be attached already.
    pub fn attach(&'static self) -> io::Result<Attachment> {
        let locked = self.lock();
        let rows = 0..self.memory.layout.rows;
        let free = rows.clone().find(|&row| self.memory.row(row).pid.get() == 0).or_else(|| {
            // Those whose master died could not be swept by it.
            let dead = |&row: &usize| !sys::process::exists(self.memory.row(row).pid.get() as i32);
            let dead: Vec<usize> = rows.filter(dead).collect();
            dead.iter().for_each(|&row| locked.clear_row(row));
            dead.first().copied()
        });
        let first = free.ok_or_else(|| io::Error::other("too many processes use the zone"))?;
        let free = |&row: &usize| self.memory.row(row).pid.get() == 0;
        // A stranger may have taken a name: then the next row's.
        let bound =
            (first..self.memory.layout.rows).filter(free).find_map(|row| {
                match Bell::bind(&self.bell_name(row)) {
                    Err(error) if error.kind() == io::ErrorKind::AddrInUse => None,
                    result => Some(result.map(|bell| (row, Arc::new(bell)))),
                }
            });
        let (row, bell) = bound.unwrap_or_else(|| Err(io::ErrorKind::AddrInUse.into()))?;
        let _ = self.bell.set(Arc::downgrade(&bell));
        let used = &self.header().rows_used;
        used.set(used.get().max(row as u32 + 1));
        self.memory.row(row).empty();
        self.memory.row(row).pid.publish(sys::process::pid() as u32);
        drop(locked);
        let fd = bell.as_raw_fd();
        Ok(Attachment {
            zone: self,
            row,
            bell: RefCell::new(Some(bell)),
            fd,
            lengths: Lengths::default(),
        })
    }

    fn bell_name(&self, row: usize) -> String {
        format!("rserve/{:016x}/{row}", self.header().bells.get())
    }

    /// A process has ended: what it was interested in, and what it was reading, is forgotten. Whom it
    /// should have woken is woken. Gives the channels that it owned, which are nobody's now.
    /// `None`: somebody has the lock, and the caller, whom no worker may keep waiting, comes again.
    pub fn sweep(&self, pid: i32) -> Option<Vec<Vec<u8>>> {
        let locked = self.try_lock()?;
        let orphans = locked.disown(pid);
        for row in 0..self.memory.layout.rows {
            if self.memory.row(row).pid.get() == pid as u32 {
                locked.clear_row(row);
            }
        }
        drop(locked);
        self.wake_all();
        Some(orphans)
    }

    /// The processes that are attached.
    pub fn processes(&self) -> Vec<i32> {
        let rows = (0..self.memory.layout.rows).map(|row| self.memory.row(row).pid.get());
        rows.filter(|&pid| pid != 0).map(|pid| pid as i32).collect()
    }

    /// How many more processes can be attached.
    pub fn free_rows(&self) -> usize {
        self.memory.layout.rows - self.processes().len()
    }

    /// Wakes every process that sleeps.
    pub fn wake_all(&self) {
        let all = (0..self.memory.layout.rows as u32).collect();
        self.wake(&Wakes { rows: all });
    }

    /// Wakes those of the rows that sleep, once each.
    pub(crate) fn wake(&self, wakes: &Wakes) {
        for &row in &wakes.rows {
            if self.memory.row(row as usize).sleeping.exchange(0) == 1 {
                step("wake");
                let name = self.bell_name(row as usize);
                match self.bell.get().and_then(Weak::upgrade) {
                    Some(bell) => bell.ring(&name),
                    None => sys::bell::ring(&name),
                }
            }
        }
    }
}

impl Row {
    /// What is in it is nobody's. A row that is free is empty already, unless something has damaged the memory.
    fn empty(&self) {
        for word in [&self.sleeping, &self.pinned, &self.subscribers, &self.behind] {
            word.set(0);
        }
    }
}

impl Locked<'_> {
    /// Empties a row: its interest, its pins.
    pub fn clear_row(&self, row: usize) {
        for index in self.memory.channels() {
            if self.memory.channel(index).lives() {
                self.lose_interest(index, row);
            }
        }
        self.memory.forget_counts(row);
        step("clear: the counts are gone");
        let row = self.memory.row(row);
        row.empty();
        // At last: who is killed before leaves it to be emptied once more.
        row.pid.set(0);
    }
}

impl Attachment {
    /// The zone.
    pub fn zone(&self) -> &'static Zone {
        self.zone
    }

    /// Counts a subscriber; from now on this process is woken for the channel, for which a slot is reserved if nobody
    /// has published to it. Gives the subscribers that there are now, in all processes.
    pub fn subscribe(&self, name: &[u8]) -> Result<(ChannelId, u32), Full> {
        let locked = self.zone.lock();
        let index = locked.find_or_reserve(name)?;
        Ok(self.subscribe_slot(&locked, index))
    }

    pub(crate) fn subscribe_slot(&self, locked: &Locked<'_>, index: u32) -> (ChannelId, u32) {
        let memory = &self.zone.memory;
        let interest = memory.interest(index, self.row);
        interest.add(1);
        step("subscribe: counted");
        let bits = memory.interest_bits(index, self.row / 64);
        bits.set(bits.get() | 1 << (self.row % 64));
        memory.channel(index).touched.set(self.zone.now());
        memory.row(self.row).subscribers.add(1);
        (locked.id(index), locked.subscribers(index))
    }

    /// Takes a subscriber back.
    pub fn unsubscribe(&self, id: ChannelId) {
        if self.has_left() {
            return;
        }
        let locked = self.zone.lock();
        let Some(channel) = locked.channel(id) else { return };
        let memory = &self.zone.memory;
        let interest = memory.interest(id.index, self.row);
        interest.sub(1);
        memory.row(self.row).subscribers.sub(1);
        if interest.get() == 0 {
            locked.lose_interest(id.index, self.row);
        }
        channel.touched.set(self.zone.now());
    }

    /// Tells how many records the slowest of this process's subscribers is behind.
    pub fn set_behind(&self, id: ChannelId, behind: u32) {
        if (id.index as usize) < self.zone.memory.layout.channels {
            let channel = self.zone.memory.channel(id.index);
            let (known, row) = (channel.behind.get(), self.row as u32);
            // The one that is further behind has the word; only a figure depends on it.
            if known != behind && (behind > known || channel.behind_row.get() == row) {
                channel.behind.set(behind);
                channel.behind_row.set(row);
            }
        }
    }

    /// Adds to this process's counts: deliveries, their bytes, readers that were lapped.
    pub fn count(&self, delivered: u64, bytes: u64, lapped: u64) {
        if self.has_left() {
            return;
        }
        let row = self.zone.memory.row(self.row);
        row.delivered.add(delivered);
        row.delivered_bytes.add(bytes);
        row.lapped.add(lapped);
    }

    /// Tells how many subscribers of this process have not got all there is.
    pub fn set_row_behind(&self, behind: u32) {
        if self.has_left() {
            return;
        }
        self.zone.memory.row(self.row).behind.set(behind);
    }

    /// The descriptor that becomes readable when this process is woken.
    pub fn bell_fd(&self) -> RawFd {
        self.fd
    }

    /// Takes what the bell has rung; `true`: it has.
    pub fn silence(&self) -> bool {
        self.bell.borrow().as_ref().is_some_and(|bell| bell.silence())
    }

    /// Clients of this process.
    pub fn clients(&self) -> u32 {
        self.zone.memory.row(self.row).clients.get()
    }

    /// Gives this process's place to others, if it has no client any more; it must not have one again.
    pub fn leave(&self) {
        if self.clients() == 0 {
            self.give_up();
        }
    }

    fn give_up(&self) {
        if let Some(bell) = self.bell.take() {
            self.zone.lock().clear_row(self.row);
            drop(bell);
        }
    }

    /// Whether it has left.
    pub fn has_left(&self) -> bool {
        self.bell.borrow().is_none()
    }

    /// Says that this process is about to sleep, having seen everything up to `seen`. `false`: there
    /// is more, it must not. Without this check, a record that is committed just before would wake
    /// nobody: each side says its own before it looks at the other's.
    pub fn may_sleep(&self, seen: u64) -> bool {
        if self.has_left() {
            return true;
        }
        let row = self.zone.memory.row(self.row);
        row.sleeping.exchange(1);
        fence(Ordering::SeqCst);
        step("sleep: said");
        if self.zone.newest() == seen {
            return true;
        }
        row.sleeping.exchange(0);
        false
    }

    /// Says that this process is awake: it need not be rung.
    pub fn awake(&self) {
        if !self.has_left() {
            self.zone.memory.row(self.row).sleeping.set(0);
        }
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        self.give_up();
    }
}
