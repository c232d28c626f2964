//! Many records through several processes, and a checker of order, loss and duplicates.

use std::os::fd::AsRawFd;

use fastrand::Rng;

use super::{append, spawn, wait, zone};
use crate::{Attachment, Attributes, ChannelId, ReadLimits, Reading, Zone};

const WRITERS: u32 = 3;

/// `[writer, n, filler…]`: what a reader checks.
fn record(writer: u32, n: u32, len: usize) -> Vec<u8> {
    let mut bytes = [writer.to_le_bytes(), n.to_le_bytes()].concat();
    bytes.resize(8 + len, n as u8 ^ writer as u8);
    bytes
}

/// Reads until all that is appended was seen or announced as gone; sleeps when there is nothing. Gives
/// how many records it saw, and in how many gaps.
fn check(reader: &Attachment, channels: &[ChannelId], each: u32) -> (u32, u32) {
    let zone = reader.zone();
    let mut next = [0; WRITERS as usize];
    // The first record is nobody's: from it on, everything that is missed is told.
    let (mut cursor, mut count, mut gaps) = (2, 0, 0);
    loop {
        let seen = zone.newest();
        match reader.read(channels, cursor, None, ReadLimits::default()) {
            Reading::Batch(batch) => {
                for found in batch.records() {
                    assert!(found.is_whole() && found.seq > cursor, "order");
                    cursor = found.seq;
                    let mut bytes = Vec::new();
                    batch.copy(found, &mut bytes);
                    let word =
                        |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4"));
                    let (writer, n) = (word(8), word(12));
                    assert_eq!(bytes[8..], record(writer, n, bytes.len() - 16), "torn");
                    let expected = &mut next[writer as usize];
                    assert!(n >= *expected, "twice, or out of order");
                    assert!(n == *expected || gaps > 0, "lost without a word");
                    *expected = n + 1;
                    count += 1;
                }
            }
            Reading::Lagged { upto } => {
                gaps += 1;
                cursor = upto;
            }
            Reading::Nothing if seen == u64::from(WRITERS * each) + 2 => return (count, gaps),
            Reading::Nothing => {
                if reader.may_sleep(seen) {
                    let fd = reader.bell_fd().as_raw_fd();
                    sys::process::wait_readable(&[fd], Some(20_000)).expect("poll");
                    assert!(reader.silence(), "nobody rang for twenty seconds");
                    reader.awake();
                }
            }
            Reading::Torn => panic!("torn"),
        }
    }
}

fn run(zone: &'static Zone, each: u32, longest: usize, may_lag: bool) {
    let channels = ["a", "b", "c"];
    append(zone, "nobody's", b"", &Attributes::default());
    let mut children = Vec::new();
    // The readers are there first: nothing is missed, unless it is more than the zone holds.
    let (ready, theirs) = std::io::pipe().expect("a pipe");
    for _ in 0..2 {
        children.push(spawn(|| {
            let reader = zone.attach().expect("a row");
            let ids = channels.map(|name| reader.subscribe(name.as_bytes()).expect("a channel").0);
            std::io::Write::write_all(&mut (&theirs), b"R").expect("written");
            let (count, gaps) = check(&reader, &ids, each);
            assert!(
                may_lag || (count, gaps) == (each * WRITERS, 0),
                "{count} records, {gaps} gaps"
            );
        }));
    }
    std::io::Read::read_exact(&mut (&ready), &mut [0; 2]).expect("both are ready");
    for writer in 0..WRITERS {
        children.push(spawn(|| {
            let mut random = Rng::with_seed(u64::from(writer) + 1);
            for n in 0..each {
                let body = record(writer, n, random.usize(..longest));
                append(zone, channels[random.usize(..3)], &body, &Attributes::default());
            }
        }));
    }
    for child in children {
        assert_eq!(wait(child), 0, "a process failed");
    }
    zone.lock().verify();
}

#[test]
fn millions_of_records_arrive_once_and_in_order() {
    run(zone(320 << 20, 4096), 400_000, 32, false);
}

#[test]
fn readers_that_are_lapped_all_the_time_are_told() {
    // 64 MB and more through 1 MB.
    run(zone(1 << 20, 1024), 30_000, 1500, true);
}
