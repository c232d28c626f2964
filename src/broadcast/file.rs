//! A process's hold on the file of a zone.

use std::sync::{Arc, Mutex, PoisonError};

use wal::{File, Log};

/// The log that this process writes to, as long as it has it.
#[derive(Default)]
pub(crate) struct Hold(Mutex<Option<Arc<Log<File>>>>);

impl Hold {
    /// The log, unless the file was given up.
    pub fn log(&self) -> Option<Arc<Log<File>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes hold of another file, or of none; gives the log that it has had.
    pub fn replace(&self, log: Option<Log<File>>) -> Option<Arc<Log<File>>> {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *place, log.map(Arc::new))
    }
}
