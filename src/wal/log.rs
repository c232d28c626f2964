//! Writing: the life of a log.

use std::io;

use crate::cut::Pen;
use crate::device::Device;
use crate::error::OpenError;
use crate::header::{Begun, Front, Header, Identity, Past};
use crate::read::Reader;
use crate::record::LONGEST_LEAD;
use crate::segment::Segment;
use crate::shape::Shape;
use crate::state::{BEGUN, LogState, READY, Start, raise};
use crate::step::step;

/// When what is written is to be on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// When the publisher is answered: nothing is written over whose copy is not on the disk.
    Ack,
    /// From time to time.
    Interval,
    /// When the system thinks fit.
    Off,
}

/// What the zone keeps; asked under its lock, in an append.
pub trait Keeper {
    /// Whether that record is kept.
    fn is_kept(&self, channel: &[u8], seq: u64) -> bool;

    /// The file has no room for that record: it goes, and what is older in its channel.
    fn drop_upto(&self, channel: &[u8], seq: u64);
}

/// The file of a zone, as this process sees it. What changes is in the [`LogState`].
#[derive(Debug)]
pub struct Log<D> {
    pub(crate) device: D,
    pub(crate) shape: Shape,
    pub(crate) secret: [u64; 2],
    pub(crate) durability: Durability,
    /// Where records began, when the file was opened, of which there is a later copy; sorted.
    pub(crate) superseded: Vec<u64>,
}

impl<D: Device> Log<D> {
    /// Makes a log in a device that has nothing that is needed, and syncs it.
    pub fn create(
        device: D,
        identity: Identity,
        durability: Durability,
        state: &LogState,
    ) -> io::Result<Log<D>> {
        let short = || io::Error::new(io::ErrorKind::InvalidInput, "the file is too short");
        let shape = Shape::of(device.len()?).ok_or_else(short)?;
        Log::create_shaped(device, shape, identity, durability, state)
    }

    pub(crate) fn create_shaped(
        device: D,
        shape: Shape,
        Identity { epoch, secret, newest, past }: Identity,
        durability: Durability,
        state: &LogState,
    ) -> io::Result<Log<D>> {
        // Segments count from 1.
        let begun = Begun { life: 0, at: shape.segment, newest, damaged: 0 };
        let witness = device.witness()?;
        let mut header = Header {
            shape,
            generation: 0,
            epoch,
            secret,
            boot: device.boot(),
            device: witness.device,
            inode: witness.inode,
            begun,
            closed: Some(newest),
            wall: device.now_ns(),
            past: Vec::new(),
        };
        past.into_iter().for_each(|past| header.remember(past));
        for _ in 0..2 {
            header.generation += 1;
            header.write(&device)?;
        }
        device.sync_all()?;
        let (head, segment) = (begun.at, shape.segment);
        state.start(epoch, &Start { head, clear: 1, segment, newest, ..Start::default() });
        Ok(Log { device, shape, secret, durability, superseded: Vec::new() })
    }

    /// The log that another process has opened into a [`LogState`], and that this one was handed.
    pub fn share(device: D, durability: Durability) -> Result<Log<D>, OpenError> {
        let (header, _) = OpenError::front(&device)?;
        let (shape, secret) = (header.shape, header.secret);
        Ok(Log { device, shape, secret, durability, superseded: Vec::new() })
    }

    /// What it is written to.
    pub fn device(&self) -> &D {
        &self.device
    }

    /// Bytes of the largest record, whatever its channel is called.
    pub fn largest(&self) -> usize {
        (self.shape.largest() - LONGEST_LEAD as u64).min(u64::from(u32::MAX)) as usize
    }

    /// Says in the file that somebody writes to it, and syncs that. An append does it first, if need
    /// be; the caller has the zone's lock.
    pub fn begin(&self, state: &LogState) -> io::Result<()> {
        if state.phase.get() == BEGUN {
            return Ok(());
        }
        // Whoever died here may have left a header that is not on the disk: it must be before the other
        // one is written over, or a power cut takes both.
        self.bring(state, D::sync)?;
        step("begin: what was found is on the disk");
        let mut header = self.header()?;
        let (epoch, head, newest) = (state.epoch.get(), state.head.get(), state.newest.get());
        if header.epoch != epoch {
            header.remember(Past { epoch: header.epoch, upto: newest });
        }
        let witness = self.device.witness()?;
        let last = self.shape.number(head - 1);
        let mut reader = Reader::new(&self.device, self.shape, self.secret, 0);
        let held = reader.held(last)?.filter(|held| held.number == last);
        let now = self.device.now_ns();
        let life = now.max(header.begun.life + 1).max(state.life.get() + 1);
        header = Header {
            generation: header.generation + 1,
            epoch,
            boot: self.device.boot(),
            device: witness.device,
            inode: witness.inode,
            begun: Begun { life, at: head, newest, damaged: state.damaged.get() },
            closed: None,
            wall: now,
            ..header
        };
        header.write(&self.device)?;
        step("begin: the header is written");
        self.bring(state, D::sync)?;
        step("begin: the header is on the disk");
        state.first.set(last);
        state.first_life.set(held.map_or(0, |held| held.life));
        state.life.set(life);
        // What was found is on the disk with it.
        raise(&state.synced_at, head);
        raise(&state.synced, newest);
        state.phase.publish(BEGUN);
        step("begin: done");
        Ok(())
    }

    /// What became of the last append, if the zone has committed all up to `committed`, and no more.
    pub(crate) fn resolve(&self, state: &LogState, committed: u64) -> io::Result<()> {
        let pending = state.pending.get();
        if pending == 0 {
            return Ok(());
        }
        if pending <= committed {
            state.head.publish(state.pending_end.get());
            step("resolve: the head");
        } else {
            // Its seq is given again: there must not be two.
            self.pen(state).void(state.pending_at.get())?;
            step("resolve: void");
        }
        state.pending.set(0);
        Ok(())
    }

    /// Whether a sync now would spare an append to wait for it later.
    pub fn wants_sync(&self, state: &LogState) -> bool {
        self.durability != Durability::Off && state.synced_at.published() < state.swept_at.get()
    }

    /// Brings to the disk what was appended. `newest`: the newest seq that the zone has committed, read
    /// before the call. Gives the newest seq that is on the disk. Needs no lock.
    pub fn sync(&self, state: &LogState, newest: u64) -> io::Result<u64> {
        let head = state.head.published();
        step("sync: begins");
        self.bring(state, D::sync)?;
        step("sync: done");
        raise(&state.synced_at, head);
        raise(&state.synced, newest);
        Ok(state.synced())
    }

    /// Closes the log in order: what was committed, up to `newest`, is on the disk when this returns,
    /// and a restart of the machine changes nothing. The caller has the zone's lock. An append may
    /// follow.
    pub fn close(&self, state: &LogState, newest: u64) -> io::Result<()> {
        if state.phase.get() != BEGUN {
            return Ok(());
        }
        self.resolve(state, newest)?;
        self.sync(state, newest)?;
        state.newest.set(newest);
        // From here on an append starts over, whether the header is written or not.
        state.phase.publish(READY);
        step("close: ready");
        let mut header = self.header()?;
        header.generation += 1;
        header.closed = Some(newest);
        header.wall = self.device.now_ns();
        header.write(&self.device)?;
        step("close: the header is written");
        self.bring(state, D::sync_all)
    }

    /// Brings what was written to the disk. Once that has failed it always does: the system may have
    /// thrown away what it could not write, and would say of the next time that it went well.
    fn bring(&self, state: &LogState, sync: impl FnOnce(&D) -> io::Result<()>) -> io::Result<()> {
        if state.failed.published() != 0 {
            return Err(io::Error::other(
                "an earlier sync failed: nobody knows what is on the disk",
            ));
        }
        sync(&self.device).inspect_err(|_| state.failed.publish(1))
    }

    fn header(&self) -> io::Result<Header> {
        match Front::read(&self.device)? {
            Front::Ours(header, _) => Ok(header),
            _ => Err(io::Error::new(io::ErrorKind::InvalidData, "the file's header is damaged")),
        }
    }

    pub(crate) fn pen(&self, state: &LogState) -> Pen<'_, D> {
        let (life, epoch) = (state.life.get(), state.epoch.get());
        let number = self.shape.number(state.head.get() - 1);
        let began = if number <= state.first.get() { state.first_life.get() } else { life };
        let seed = Segment { number, life: began, epoch, wall: 0 }.seed(self.secret);
        Pen { device: &self.device, shape: self.shape, secret: self.secret, life, epoch, seed }
    }
}
