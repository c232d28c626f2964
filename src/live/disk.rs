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

use broadcast::Zone;

use crate::file::Sync;

/// What waits for the disk.
pub struct Disk {
    zone: &'static Zone,
    sync: Option<Sync>,
    running: Cell<bool>,
    /// An alarm is set.
    due: Cell<bool>,
    /// Nobody knows what is on the disk any more.
    failed: Cell<bool>,
    waiting: RefCell<Vec<Waker>>,
    /// The zone's newest seq when one looked for others' records, and that time.
    looked: Cell<(u64, u64)>,
}

impl Disk {
    /// Of a zone whose file is synced so.
    pub(crate) fn new(zone: &'static Zone, sync: Option<Sync>) -> Disk {
        Disk {
            zone,
            sync,
            running: Cell::default(),
            due: Cell::default(),
            failed: Cell::default(),
            waiting: RefCell::default(),
            looked: Cell::default(),
        }
    }

    /// Whether nobody knows any more what is on the disk.
    pub fn has_failed(&self) -> bool {
        self.failed.get()
    }

    /// Syncs what nobody else has when it was time: the worker that has appended it may be gone.
    pub(crate) fn sync_for_others(&'static self) {
        let zone = self.zone;
        let (seq, at) = self.looked.get();
        let is_late = match self.sync {
            _ if zone.synced() >= seq => {
                self.looked.set((zone.newest(), rt::now()));
                false
            }
            Some(Sync::Interval(ms)) => rt::now() >= at + ms,
            _ => false,
        };
        if is_late {
            self.begin();
        }
    }

    /// Waits until the zone's file has room that it could not give before a sync.
    pub async fn wait_for_space(&'static self) -> io::Result<()> {
        self.until(|| !self.zone.wants_sync()).await
    }

    /// Something was appended to the zone.
    pub fn appended(&'static self, sync: Option<Sync>) {
        let zone = self.zone;
        match sync {
            Some(Sync::Interval(_)) if zone.wants_sync() => self.begin(),
            Some(Sync::Interval(ms)) if !self.due.replace(true) => rt::after(ms, move || {
                self.due.set(false);
                // Another worker may have done it.
                if zone.synced() < zone.newest() {
                    self.begin();
                }
            }),
            _ => {}
        }
    }

    /// Waits until everything up to a seq is on the disk, where that is promised.
    pub async fn wait_for_sync(&'static self, sync: Option<Sync>, seq: u64) -> io::Result<()> {
        self.appended(sync);
        if sync != Some(Sync::Ack) {
            return Ok(());
        }
        self.until(|| self.zone.synced() >= seq).await
    }

    /// Syncs, and waits for it, however it ends.
    pub async fn sync(&'static self) {
        let mut begun = false;
        poll_fn(|context| {
            if std::mem::replace(&mut begun, true) {
                return Poll::Ready(());
            }
            self.wait(context.waker());
            self.begin();
            Poll::Pending
        })
        .await;
    }

    /// Syncs until something has come to be.
    async fn until(&'static self, is_done: impl Fn() -> bool) -> io::Result<()> {
        poll_fn(|context| {
            if is_done() {
                return Poll::Ready(Ok(()));
            }
            if self.failed.get() || !self.zone.is_durable() {
                return Poll::Ready(Err(io::ErrorKind::Other.into()));
            }
            self.wait(context.waker());
            self.begin();
            Poll::Pending
        })
        .await
    }

    /// Is woken, once, when a sync has ended.
    fn wait(&self, waker: &Waker) {
        let mut waiting = self.waiting.borrow_mut();
        if !waiting.iter().any(|other| other.will_wake(waker)) {
            waiting.push(waker.clone());
        }
    }

    /// Begins to sync, unless that is being done.
    fn begin(&'static self) {
        if self.running.replace(true) {
            return;
        }
        rt::spawn(async {
            let zone = self.zone;
            let synced = rt::offload(move || zone.sync()).await;
            self.running.set(false);
            if let Err(error) = synced {
                self.failed.set(true);
                // One that was given up is another server's.
                if zone.file_fd().is_some() {
                    let errno = sys::log::errno(&error);
                    sys::log!(Alert, "the file of a zone was not synced {errno}");
                }
            }
            // Those whose records came later look once more, and begin the next one.
            self.waiting.take().into_iter().for_each(Waker::wake);
        });
    }
}
