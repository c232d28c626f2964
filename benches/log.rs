//! The broadcast log alone: `cargo run --release -p rserve-broadcast --example log`.
//!
//! Nanoseconds per append and per record read, and how long a sleeping process takes to see a record
//! that another appends.

use std::os::fd::AsRawFd;
use std::time::Instant;

use broadcast::{Attributes, Hint, ReadLimits, Reading, Shape, Zone};
use shm::Region;

const RECORDS: u32 = 1_000_000;
/// Records of the channel that is read: some 20,000 blocks.
const HISTORY: u32 = 80_000;

fn zone() -> &'static Zone {
    let region = Region::create("bench", 256 << 20).expect("memory");
    let shape =
        Shape { block_size: 1024, rows: 32, channels: 16 << 10, readers: 32, counted: 1024 };
    Box::leak(Box::new(Zone::format(region.into(), shape).expect("a zone")))
}

fn append(zone: &Zone, name: &[u8], body: &[u8], attributes: &Attributes) {
    let head = |seq: u64, out: &mut Vec<u8>| out.extend_from_slice(&seq.to_le_bytes());
    zone.append(name, attributes, head, &[body]).expect("appended");
}

fn report(what: &str, count: u32, begun: Instant) {
    match begun.elapsed().as_nanos().checked_div(u128::from(count)) {
        Some(each) => println!("{what}: {each} ns"),
        None => println!("{what}: nothing was done"),
    }
}

fn main() {
    let zone = zone();
    let reader = zone.attach().expect("a row");
    let (id, _) = reader.subscribe(b"a").expect("a channel");
    let attributes = Attributes { max_count: 100, ..Attributes::default() };

    let begun = Instant::now();
    for _ in 0..RECORDS {
        append(zone, b"a", &[b'x'; 150], &attributes);
    }
    report("append of 150 bytes to a channel that keeps 100", RECORDS, begun);

    let names: Vec<String> = (0..10_000).map(|n| format!("channel.{n}")).collect();
    let begun = Instant::now();
    for n in 0..RECORDS {
        append(zone, names[n as usize % names.len()].as_bytes(), &[b'x'; 150], &attributes);
    }
    report("append of 150 bytes to 10,000 channels in turn", RECORDS, begun);

    // What the others have left of it is not much: a history of its own to read.
    let mut cursor = zone.newest();
    for _ in 0..HISTORY {
        append(zone, b"a", &[b'x'; 150], &Attributes::default());
    }
    let oldest = cursor;
    let begun = Instant::now();
    let mut count = 0;
    let mut hint = Hint::default();
    while let Reading::Batch(batch) =
        reader.read(&[id], cursor, Some(&mut hint), ReadLimits::default())
    {
        count += batch.records().len() as u32;
        cursor = batch.records().last().map_or(cursor, |record| record.seq);
    }
    assert_eq!(count, HISTORY, "all of the history is read");
    report("read of a record, in batches", count, begun);

    let limits = ReadLimits { records: 1, ..ReadLimits::default() };
    let begun = Instant::now();
    for n in 0..RECORDS {
        let from = oldest + u64::from(n % HISTORY);
        assert!(matches!(reader.read(&[id], from, None, limits), Reading::Batch(_)));
    }
    report("read of one record, its place looked for in 20,000 blocks", RECORDS, begun);

    wake(zone);
}

/// Ping-pong between two processes that sleep in turn.
fn wake(zone: &'static Zone) {
    const ROUNDS: u32 = 20_000;
    let play = |mine: &'static [u8], other: &'static [u8], first: bool| {
        let me = zone.attach().expect("a row");
        let (id, _) = me.subscribe(mine).expect("a channel");
        let mut cursor = 0;
        if first {
            while zone.count_of(other) == 0 {}
            append(zone, other, b"ball", &Attributes::default());
        }
        for _ in 0..ROUNDS {
            loop {
                let seen = zone.newest();
                if let Reading::Batch(batch) = me.read(&[id], cursor, None, ReadLimits::default()) {
                    cursor = batch.records().last().map_or(cursor, |record| record.seq);
                    break;
                }
                if me.may_sleep(seen) {
                    let _ = sys::process::wait_readable(&[me.bell_fd().as_raw_fd()], Some(1000));
                    me.silence();
                    me.awake();
                }
            }
            append(zone, other, b"ball", &Attributes::default());
        }
    };
    let begun = Instant::now();
    match sys::process::fork().expect("fork") {
        sys::process::Fork::Child => {
            play(b"ping", b"pong", false);
            std::process::exit(0)
        }
        sys::process::Fork::Parent(_) => play(b"pong", b"ping", true),
    }
    report("from an append to a sleeping process that has read it", ROUNDS * 2, begun);
}
