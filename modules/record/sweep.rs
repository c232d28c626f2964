//! What is done with a recorder's files beside recording: those that a crash has left are made whole when the server
//! starts, and old ones are deleted (`record_delete_after`).
//!
//! Each worker does it, one after the other: the journal has a lock. A file that is being recorded is locked, too; one whose
//! worker has died is in that one's note, and belongs to who goes on.

use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::rc::Rc;

use module::Process;

use crate::file::journal::{Entry, Journal};
use crate::file::open::repair;
use crate::recorder::Recorder;
use crate::recording::Note;

/// How often old files are looked for; a shorter `record_delete_after` is its own time.
const EVERY_MS: u64 = 60_000;

/// The part of one recorder.
pub struct Sweep {
    lane: rt::Lane,
    journal: Rc<Journal>,
    /// The recorder's name among followers.
    follower: String,
    /// Milliseconds; 0: never.
    delete_after: u64,
}

impl Sweep {
    /// Of the files of this recorder.
    pub fn new(recorder: &Recorder, delete_after: u64) -> Sweep {
        let (journal, follower) = (recorder.journal.clone(), recorder.follower.clone());
        Sweep { lane: recorder.lane.clone(), journal, follower, delete_after }
    }

    fn tick(&'static self, first: bool) {
        let (journal, delete_after) = (Journal::clone(&self.journal), self.delete_after);
        let now = rt::wall().as_millis() as u64;
        let recorded = if first { recorded(&self.follower) } else { HashSet::new() };
        let is_left = move |entry: &Entry| first && !recorded.contains(&entry.path);
        let work = self.lane.offload(move || sweep(&journal, first, is_left, delete_after, now));
        let again = Again(self);
        rt::spawn(async move {
            work.await;
            drop(again);
        });
    }
}

/// Old files are looked for once more when this goes, whatever became of the last look.
struct Again(&'static Sweep);

impl Drop for Again {
    fn drop(&mut self) {
        let Again(sweep) = *self;
        if sweep.delete_after > 0 {
            rt::after(sweep.delete_after.clamp(100, EVERY_MS), move || {
                if !rt::draining() {
                    sweep.tick(false);
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

/// The files that somebody records, or will go on with.
fn recorded(follower: &str) -> HashSet<PathBuf> {
    let notes = rtmp::follow::notes(follower);
    let notes = notes.iter().filter_map(|note| serde_json::from_slice::<Note>(note).ok());
    notes.filter_map(|note| note.file).map(|file| file.path).collect()
}

/// `is_left`: whether nobody will go on with what is open.
fn sweep(
    journal: &Journal,
    first: bool,
    is_left: impl Fn(&Entry) -> bool,
    delete_after: u64,
    now: u64,
) {
    // Another worker may be at it: what that one has made whole is not looked at again.
    let turn = if first && journal.path().exists() { journal.turn().map(Some) } else { Ok(None) };
    let done = turn.and_then(|_turn| {
        journal.revise(|entry| {
            if entry.open {
                return !is_left(entry) || !mend(entry, now / 1000) || is_there(entry);
            }
            match delete_after > 0 && is_due(entry, delete_after, now) {
                true => !delete(entry),
                // Of files that others have deleted nothing is to be known for ever.
                false => !first || is_there(entry),
            }
        })
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
    // How long it is its head says.
    (entry.open, entry.since, entry.duration) = (false, now, None);
    true
}

/// Whether the file is where it was, and still the recorder's.
fn is_there(entry: &Entry) -> bool {
    fs::symlink_metadata(&entry.path).is_ok_and(|about| entry.is(&about))
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
