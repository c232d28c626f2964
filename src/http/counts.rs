//! What all workers together count of their connections: for those who ask (`stub_status`, `$connections_active` …).
//!
//! ```text
//! words  0        │ 1         │ 8 …: rows, one for each process
//!        accepted │ requests  │ pid │ accepted │ requests │ open │ idle │ beginning │ - │ -
//!        of those that ended
//! ```
//! Each process writes its own row once a turn of its loop. Nothing is locked: who takes a row over from one that has
//! ended adds what that had counted to the sum. Rows of processes that have ended count no connections.

use std::cell::Cell;
use std::sync::{Arc, OnceLock};

use conf::Error;
use module::{Process, Setup, Slot, Wanted};
use rt::{Figures, Pulse};
use shm::{Region, U64};

/// Those that it is for.
pub const VARIABLES: [&str; 4] =
    ["connections_active", "connections_reading", "connections_waiting", "connections_writing"];

const ROW: usize = 8;
const ROWS: usize = 500;

/// The part in the life of the processes.
pub struct Counter {
    slot: Slot,
    region: OnceLock<Arc<Region>>,
    row: Cell<Option<usize>>,
    written: Cell<Figures>,
}

/// What is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Accepted connections, since the start of the server.
    pub accepted: u64,
    /// Requests, likewise.
    pub requests: u64,
    /// Open connections.
    pub active: u64,
    /// Those of them whose request is being read.
    pub reading: u64,
    /// ... is being answered.
    pub writing: u64,
    /// Those that wait for a request.
    pub waiting: u64,
}

thread_local! {
    static HERE: Cell<Option<&'static Counter>> = const { Cell::new(None) };
}

/// What all workers count now; `None`: nobody has asked for it in the configuration.
pub fn counts() -> Option<Counts> {
    let counter = HERE.get()?;
    counter.write();
    Some(counter.sum())
}

impl Counter {
    /// Asks for the memory.
    pub fn new(setup: &mut Setup<'_>) -> Counter {
        let wanted = Wanted {
            name: "http_connections".to_owned(),
            shape: "1".to_owned(),
            len: (1 + ROWS) * ROW * size_of::<U64>(),
            file: None,
        };
        let slot = setup.region(wanted);
        Counter { slot, region: OnceLock::new(), row: Cell::new(None), written: Cell::default() }
    }

    fn words(&self) -> &[U64] {
        self.region.get().map(|region| region.words()).unwrap_or_default()
    }

    fn rows(&self) -> impl Iterator<Item = &[U64]> {
        self.words().chunks_exact(ROW).skip(1).take(ROWS)
    }

    /// Takes a row that nobody has.
    fn attach(&self) {
        let own = sys::process::pid() as u64;
        let is_free = |pid: u64| pid == 0 || pid == own || !sys::process::exists(pid as i32);
        for (at, row) in self.rows().enumerate() {
            let pid = row[0].published();
            if is_free(pid) && row[0].replace(pid, own) {
                for (sum, counted) in self.words().iter().zip(&row[1..3]) {
                    add(sum, counted.exchange(0));
                }
                row[3..].iter().for_each(|word| word.publish(0));
                return self.row.set(Some(at));
            }
        }
    }

    /// What has changed goes into the own row.
    fn write(&self) {
        let figures = rt::figures();
        let row = self.row.get().and_then(|at| self.rows().nth(at));
        if let Some(row) = row.filter(|_| self.written.replace(figures) != figures) {
            let Figures { accepted, requests, open, idle, beginning } = figures;
            let values = [accepted, requests, open.into(), idle.into(), beginning.into()];
            row[1..].iter().zip(values).for_each(|(word, value)| word.publish(value));
        }
    }

    fn sum(&self) -> Counts {
        let words = self.words();
        let past = |at: usize| words.get(at).map_or(0, U64::published);
        let mut counts = Counts { accepted: past(0), requests: past(1), ..Counts::default() };
        for row in self.rows() {
            let value = |at: usize| row[at].published();
            if value(0) == 0 {
                continue;
            }
            counts.accepted += value(1);
            counts.requests += value(2);
            if sys::process::exists(value(0) as i32) {
                counts.active += value(3);
                counts.waiting += value(4);
                counts.reading += value(5);
            }
        }
        counts.writing = counts.active.saturating_sub(counts.waiting + counts.reading);
        counts
    }
}

fn add(sum: &U64, value: u64) {
    loop {
        let before = sum.published();
        if sum.replace(before, before.wrapping_add(value)) {
            return;
        }
    }
}

impl Process for Counter {
    fn opened(&self) -> Result<(), Error> {
        drop(self.slot.take_previous());
        if let Some(region) = self.slot.region() {
            let _ = self.region.set(region.clone());
        }
        Ok(())
    }

    fn started(&'static self) -> Result<(), String> {
        self.attach();
        HERE.set(Some(self));
        rt::add_pulse(self);
        Ok(())
    }
}

impl Pulse for Counter {
    fn beat(&'static self) {
        self.write();
    }

    fn may_sleep(&'static self) -> bool {
        true
    }

    fn awake(&'static self) {}
}
