//! What a worker that drains still has to do, though no connection waits for it.

use crate::worker::{Worker, worker};

/// While there is one, a worker that drains does not end: something live is about to be written. What it is kept by must
/// come to an end by itself.
pub struct Hold {
    worker: &'static Worker,
}

/// Holds this worker.
pub fn hold() -> Hold {
    let worker = worker();
    worker.holds.set(worker.holds.get() + 1);
    Hold { worker }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.worker.holds.set(self.worker.holds.get() - 1);
    }
}
