//! A durable zone's way to the disk, as a worker sees it: one sync at a time, for all who wait for one.
//!
//! ```text
//! appends ─▶ newest seq ─┐
//! publishers that wait ──┴▶ one sync on another thread ─▶ all up to there are answered; the others' turn
//! ```

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::task::{Poll, Waker};

use crate::hub::Hub;
use live::Sync;

/// What waits for the disk.
#[derive(Default)]
pub struct Disk {
    sync: Option<Sync>,
    running: Cell<bool>,
    /// An alarm is set.
    due: Cell<bool>,
    /// Nobody knows what is on the disk any more.
    failed: Cell<bool>,
    waiting: RefCell<Vec<Waker>>,
    /// A WebSocket's answers wait.
    pub holds_answers: Cell<bool>,
    /// The zone's newest seq when one looked for others' events, and that time.
    looked: Cell<(u64, u64)>,
}

impl Disk {
    /// Of a zone whose file is synced so.
    pub fn new(sync: Option<Sync>) -> Disk {
        Disk { sync, ..Disk::default() }
    }

    /// Whether nobody knows any more what is on the disk.
    pub fn has_failed(&self) -> bool {
        self.failed.get()
    }
}

impl Hub {
    /// Syncs what nobody else has when it was time: the worker that has appended it may be gone.
    pub fn sync_for_others(&'static self) {
        let zone = self.attachment.zone();
        let (seq, at) = self.disk.looked.get();
        let is_late = match self.disk.sync {
            _ if zone.synced() >= seq => {
                self.disk.looked.set((zone.newest(), rt::now()));
                false
            }
            Some(Sync::Interval(ms)) => rt::now() >= at + ms,
            _ => false,
        };
        if is_late {
            self.sync();
        }
    }

    /// Waits until the zone's file has room that it could not give before a sync.
    pub async fn room(&'static self) -> io::Result<()> {
        let zone = self.attachment.zone();
        self.until(|| !zone.wants_sync()).await
    }

    /// Something was appended to the zone.
    pub fn appended(&'static self, sync: Option<Sync>) {
        let zone = self.attachment.zone();
        match sync {
            Some(Sync::Interval(_)) if zone.wants_sync() => self.sync(),
            Some(Sync::Interval(ms)) if !self.disk.due.replace(true) => rt::after(ms, move || {
                self.disk.due.set(false);
                // Another worker may have done it.
                if zone.synced() < zone.newest() {
                    self.sync();
                }
            }),
            _ => {}
        }
    }

    /// Waits until everything up to a seq is on the disk, where that is promised.
    pub async fn kept(&'static self, sync: Option<Sync>, seq: u64) -> io::Result<()> {
        self.appended(sync);
        if sync != Some(Sync::Ack) {
            return Ok(());
        }
        let zone = self.attachment.zone();
        self.until(|| zone.synced() >= seq).await
    }

    /// Syncs until something has come to be.
    async fn until(&'static self, is_done: impl Fn() -> bool) -> io::Result<()> {
        let zone = self.attachment.zone();
        poll_fn(|cx| {
            if is_done() {
                return Poll::Ready(Ok(()));
            }
            if self.disk.failed.get() || !zone.is_durable() {
                return Poll::Ready(Err(io::ErrorKind::Other.into()));
            }
            self.disk.waiting.borrow_mut().push(cx.waker().clone());
            self.sync();
            Poll::Pending
        })
        .await
    }

    /// Begins to sync, unless that is being done.
    pub fn sync(&'static self) {
        if self.disk.running.replace(true) {
            return;
        }
        rt::spawn(async {
            let zone = self.attachment.zone();
            let synced = rt::offload(move || zone.sync()).await;
            self.disk.running.set(false);
            if let Err(error) = synced {
                self.disk.failed.set(true);
                // One that was given up is another server's.
                if zone.file_fd().is_some() {
                    let errno = sys::log::errno(&error);
                    sys::log!(Alert, "the file of an sse_zone was not synced {errno}");
                }
            }
            // Those whose events came later look once more, and begin the next one.
            self.disk.waiting.take().into_iter().for_each(Waker::wake);
            self.release_answers();
        });
    }
}
