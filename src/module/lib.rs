//! What a module is to the server: a table of directives and the hooks of the start-up steps.
//!
//! A core module owns a block of the configuration (`http {}`) or a set of plain directives. The
//! server creates its configuration, sets its directives, and asks for an [`Instance`]: the module as
//! this configuration wants it. Instances live as long as their configuration.
#![forbid(unsafe_code)]

mod error_log;
mod files;
pub mod listen;
mod process;
mod regions;
mod setup;
mod sockets;
pub mod syslog;
mod table;

use std::any::Any;

use conf::{Entry, Error};

pub use error_log::error_log;
pub use files::{LogFile, Logs};
pub use process::{Process, Role};
pub use regions::{Inherited, Place, Previous, Regions, Slot, Wanted};
pub use setup::{Folder, Request, Setup};
pub use sockets::Sockets;
pub use table::{TableZone, zone_argument};

/// A core module, compiled in and listed in the binary's `modules.rs`.
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

/// A module, configured.
pub trait Instance: Process {
    /// Worker `number`: the loop exists, everything has [started](Process::started), nothing is accepted yet. Add the
    /// listeners here.
    fn listen(&'static self, sockets: &Sockets, number: usize) -> Result<(), String> {
        let _ = (sockets, number);
        Ok(())
    }

    /// Worker: log files were reopened; write what is buffered before that to the old ones.
    fn flush(&self) {}
}
