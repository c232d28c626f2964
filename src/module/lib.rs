//! What a module is to the server: a table of directives and the hooks of the start-up steps.
//!
//! A core module owns a block of the configuration (`http {}`) or a set of plain directives. The
//! server creates its configuration, sets its directives, and asks for an [`Instance`]: the module as
//! this configuration wants it. Instances live as long as their configuration.
#![forbid(unsafe_code)]

mod error_log;
mod files;
pub mod listen;
mod regions;
mod setup;
mod sockets;

use std::any::Any;

use conf::{Entry, Error};

pub use error_log::error_log;
pub use files::{LogFile, Logs};
pub use regions::{Inherited, Place, Previous, Regions, Slot, Wanted};
pub use setup::{Request, Setup};
pub use sockets::Sockets;

/// A core module, compiled in and listed in `main.rs`.
pub trait Module {
    /// Its name, as `-V` lists it.
    fn name(&self) -> &'static str;

    /// Its rows for the main context: the block that it owns, or plain directives.
    fn directives(&self) -> Vec<Entry>;

    /// An empty configuration, before any directive is set.
    fn create(&self) -> Box<dyn Any>;

    /// Every directive is set: fill defaults, check, ask for listeners and log files.
    /// `conf` is what [`Module::create`] made.
    fn init(&self, conf: Box<dyn Any>, setup: &mut Setup<'_>) -> Result<Box<dyn Instance>, Error>;

    /// The rows of every context, by the module that they belong to: for the directive reference.
    fn parts(&self) -> Vec<(&'static str, Vec<Entry>)> {
        vec![(self.name(), self.directives())]
    }

    /// The variables, by the module that they belong to: name and help, for the reference.
    fn variables(&self) -> Vec<(&'static str, Vec<(&'static str, &'static str)>)> {
        Vec::new()
    }
}

/// A module, configured. Its methods run in the process that is named.
pub trait Instance {
    /// Master, before the first fork: listeners and files are open.
    fn opened(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Master, at a reload: the workers of another configuration, with these regions, are forked next; `back` if
    /// they did not come to serve, and this configuration stays.
    fn outgoing(&self, next: &Regions, back: bool) {
        let _ = (next, back);
    }

    /// Master, at the start and at a reload: this configuration serves now; or it does not come to serve, and its
    /// workers have ended.
    fn decided(&self, serves: bool) {
        let _ = serves;
    }

    /// Master, at a reload: the workers of another configuration, with these regions, serve in the place of this
    /// one's.
    fn replaced(&self, by: &Regions) {
        let _ = by;
    }

    /// Worker `number`: the loop exists, nothing is accepted yet. Add the listeners here.
    fn start(&'static self, sockets: &Sockets, number: usize) -> Result<(), String> {
        let _ = (sockets, number);
        Ok(())
    }

    /// Worker: log files were opened anew; write what is buffered before that to the old ones.
    fn flush(&self) {}

    /// Worker: it stops accepting, and ends when its last connection has; `within` so many
    /// milliseconds, if that is limited.
    fn drain(&'static self, within: Option<u64>) {
        let _ = within;
    }

    /// Worker: its master is gone, and another may start at any moment: what only one server may have is let go.
    fn orphaned(&self) {}

    /// Master: the last worker has ended, and no other master of this server runs.
    fn closed(&self) {}

    /// Master: a worker has ended, in whichever way. `false`: what it left in shared memory cannot be seen to now,
    /// because somebody has the lock. The master, which never waits for a worker, asks again.
    fn ended(&self, pid: i32) -> bool {
        let _ = pid;
        true
    }

    /// Master, at a reload: how many more processes there is room for in shared memory.
    fn room(&self) -> usize {
        usize::MAX
    }

    /// Master, twice a second: the processes that have a part in shared memory.
    fn attached(&self) -> Vec<i32> {
        Vec::new()
    }

    /// Master, twice a second: processes that keep a lock of shared memory, and get no further.
    fn stuck(&self) -> Vec<i32> {
        Vec::new()
    }
}
