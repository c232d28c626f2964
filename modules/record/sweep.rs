//! What is done with a recorder's files beside recording: those that a crash has left are made whole when the server
//! starts, and old ones are deleted (`record_delete_after`).
//!
//! Each worker does it, one after the other: the journal has a lock. A file that is being recorded is locked, too.

use std::fs;
use std::io::ErrorKind;
use std::rc::Rc;

use module::Process;

use crate::file::journal::{Entry, Journal};
use crate::file::open::repair;

/// How often old files are looked for; a shorter `record_delete_after` is its own time.
const EVERY_MS: u64 = 60_000;

/// The part of one recorder.
pub struct Sweep {
    journal: Rc<Journal>,
    /// Milliseconds; 0: never.
    delete_after: u64,
}

impl Sweep {
    /// Of this journal's files.
    pub fn new(journal: Rc<Journal>, delete_after: u64) -> Sweep {
        Sweep { journal, delete_after }
    }

    fn tick(&'static self, first: bool) {
        let (journal, delete_after) = (self.journal.share(), self.delete_after);
        let now = rt::wall().as_millis() as u64;
        let work = rt::offload(move || sweep(&journal, first, delete_after, now));
        rt::spawn(work);
        if delete_after > 0 {
            rt::after(delete_after.clamp(100, EVERY_MS), move || {
                if !rt::draining() {
                    self.tick(false);
                }
            });
        }
    }
}

impl Process for Sweep {
    fn started(&'static self) -> Result<(), String> {
        rt::after(0, || self.tick(true));
        Ok(())
    }
}

fn sweep(journal: &Journal, first: bool, delete_after: u64, now: u64) {
    let done = journal.revise(|entry| {
        if entry.open {
            return !first || !mend(entry, now / 1000) || delete_after > 0;
        }
        delete_after > 0 && !(is_due(entry, delete_after, now) && delete(entry))
    });
    if let Err(error) = done {
        sys::log!(Error, "\"{}\" cannot be used: {error}", journal.path().display());
    }
}

/// Makes a file whole, if nobody records into it. `true`: it is, or it is gone.
fn mend(entry: &mut Entry, now: u64) -> bool {
    let is_ours = |file: &fs::File| file.metadata().is_ok_and(|about| entry.is(&about));
    match repair(&entry.path, usize::MAX, is_ours) {
        Err(failed) if failed.is_busy() => return false,
        Err(failed) if failed.error.kind() == ErrorKind::NotFound => {}
        Err(failed) => {
            let path = entry.path.display();
            sys::log!(Error, "the recording \"{path}\" cannot be made whole: {failed}");
        }
        Ok(()) => sys::log!(Notice, "the recording \"{}\" is complete", entry.path.display()),
    }
    (entry.open, entry.since) = (false, now);
    true
}

/// A clock that was set back makes nothing old.
fn is_due(entry: &Entry, delete_after: u64, now: u64) -> bool {
    now >= entry.since.saturating_mul(1000).saturating_add(delete_after)
}

/// Deletes a file if it is still the recorder's. `false`: it is there, and ours, and could not be deleted.
fn delete(entry: &Entry) -> bool {
    match fs::symlink_metadata(&entry.path) {
        Ok(about) if entry.is(&about) => match fs::remove_file(&entry.path) {
            Ok(()) => true,
            Err(error) => {
                let path = entry.path.display();
                sys::log!(Error, "the recording \"{path}\" cannot be deleted: {error}");
                false
            }
        },
        // Another's has its place, or nothing has.
        _ => true,
    }
}
