//! The processes that have entries of their own in a table: what they have counted is theirs, and goes with them.

use std::sync::atomic::Ordering;

use crate::entries::Locked;
use crate::table::{Entry, ROWS, Table};

impl Table {
    /// Attaches this process. Gives the tag of its entries; `None`: there are as many processes as there may be.
    pub fn attach(&self) -> Option<u16> {
        let locked = self.lock();
        let rows = &self.header().rows;
        let own = sys::process::pid();
        // Whoever had this number before, and was not swept, has ended; as have those whose master died first.
        let is_dead = |pid: i32| pid == own || !sys::process::exists(pid);
        let dead = rows.iter().map(|row| row.get() as i32).filter(|&pid| pid != 0 && is_dead(pid));
        dead.collect::<Vec<_>>().into_iter().for_each(|pid| locked.sweep(pid));
        let free = rows.iter().position(|row| row.get() == 0)?;
        rows[free].publish(own as u32);
        Some(free as u16 + 1)
    }

    /// The tag of this process, which is attached when it first asks. It is the region's: each table that is made of one has
    /// the same, in a process without master those of several configurations.
    pub fn own_tag(&self) -> Option<u16> {
        const BITS: u32 = u16::BITS;
        let own = sys::process::pid() as u64;
        let kept = &self.region().tag;
        let known = kept.load(Ordering::Relaxed);
        // A process that was forked has its parent's.
        if known >> BITS == own {
            return Some(known as u16);
        }
        let tag = self.attach()?;
        kept.store(own << BITS | u64::from(tag), Ordering::Relaxed);
        Some(tag)
    }

    /// A process has ended: its entries go. `false`: somebody has the lock, and the caller, whom no worker may keep
    /// waiting, comes again.
    pub fn sweep(&self, pid: i32) -> bool {
        self.try_lock().map(|locked| locked.sweep(pid)).is_some()
    }

    /// The processes that are attached.
    pub fn processes(&self) -> Vec<i32> {
        let rows = self.header().rows.iter().map(|row| row.get() as i32);
        rows.filter(|&pid| pid != 0).collect()
    }

    /// How many more processes can be attached.
    pub fn free_rows(&self) -> usize {
        ROWS - self.processes().len()
    }
}

impl Locked<'_> {
    fn sweep(&self, pid: i32) {
        for (row, word) in self.header().rows.iter().enumerate() {
            if word.get() != pid as u32 {
                continue;
            }
            let its = self.entries().filter(|&entry| usize::from(self.tag(entry)) == row + 1);
            its.collect::<Vec<Entry>>().into_iter().for_each(|entry| self.remove(entry));
            // At last: who is killed before leaves it to be swept once more.
            word.set(0);
        }
    }
}
