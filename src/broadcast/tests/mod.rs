//! The log on its own: what it keeps, and that it keeps it whatever happens to its processes.

mod basics;
mod crash;
mod durable;
mod keys;
mod merge;
mod owner;
mod processes;
mod readers;
mod simulation;
mod stuck;
mod takeover;

use shm::Region;

use crate::{Attachment, Attributes, ChannelId, ReadLimits, Reading, Shape, Zone};

/// A zone that lives as long as the tests.
pub(super) fn zone(size: usize, block_size: usize) -> &'static Zone {
    let shape = Shape { block_size, rows: 8, channels: 64, readers: 32, counted: size / 512 };
    let region = Region::create("test", size).expect("memory");
    Box::leak(Box::new(Zone::format(region.into(), shape).expect("a zone")))
}

/// Appends to a channel, with the seq as the head.
pub(super) fn append(zone: &Zone, name: &str, body: &[u8], attributes: &Attributes) -> u64 {
    let head = |seq: u64, out: &mut Vec<u8>| out.extend_from_slice(&seq.to_le_bytes());
    zone.append(name.as_bytes(), attributes, head, &[body]).expect("appended").seq
}

/// Everything behind a cursor: seqs and bodies. Panics at a gap.
pub(super) fn read_all(
    reader: &Attachment,
    channels: &[ChannelId],
    cursor: u64,
) -> Vec<(u64, Vec<u8>)> {
    let mut all = Vec::new();
    let mut cursor = cursor;
    loop {
        match reader.read(channels, cursor, None, ReadLimits::default()) {
            Reading::Nothing => return all,
            Reading::Batch(batch) => {
                for record in batch.records() {
                    let mut bytes = Vec::new();
                    batch.copy(record, &mut bytes);
                    assert!(record.is_whole(), "these records are short");
                    assert_eq!(bytes[..8], record.seq.to_le_bytes());
                    all.push((record.seq, bytes.split_off(8)));
                    cursor = record.seq;
                }
            }
            Reading::Lagged { upto } => panic!("a gap up to {upto} at {cursor}"),
            Reading::Torn => panic!("torn"),
        }
    }
}

/// Runs `work` in a forked process; gives how that ended (0: well, 9: killed).
pub(super) fn in_child(work: impl FnOnce()) -> i32 {
    wait(spawn(work))
}

/// Starts `work` in a forked process.
pub(super) fn spawn(work: impl FnOnce()) -> i32 {
    // SAFETY: glibc makes its allocator usable in the child; the child uses nothing else that other
    // threads may hold, and never returns.
    match unsafe { libc::fork() } {
        0 => {
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            // SAFETY: ends the child without running what belongs to the parent.
            unsafe { libc::_exit(i32::from(done.is_err())) }
        }
        child => child,
    }
}

pub(super) fn wait(child: i32) -> i32 {
    let mut status = 0;
    // SAFETY: `status` is valid for the call.
    unsafe { libc::waitpid(child, &mut status, 0) };
    match libc::WIFSIGNALED(status) {
        true => libc::WTERMSIG(status),
        false => libc::WEXITSTATUS(status),
    }
}
