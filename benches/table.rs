//! The table in shared memory: `cargo run --release -p rserve-shm --example table`.
//!
//! Nanoseconds of processor time per operation, with 1 and 4 processes at one table: what `limit_req` does for
//! a request (find, make the newest, change the value), and what `limit_conn` does for one (find or add, count, take away).

use std::time::{Duration, Instant};

use shm::{Region, Table};
use sys::process::{self, Fork};

const PROCESSES: [usize; 2] = [1, 4];
const MEASURE: Duration = Duration::from_millis(1000);
const KEYS: u32 = 100_000;

type Work = fn(&Table, u32, u16);

/// A request of a key that is known.
fn known(table: &Table, n: u32, _: u16) {
    let key = (n % KEYS).to_le_bytes();
    let locked = table.lock();
    if let Some(entry) = locked.find(table.key(&key), 0) {
        locked.touch(entry);
        locked.value(entry)[0].set(u64::from(n));
        locked.value(entry)[1].add(1);
    }
}

/// A key that is not, in a full table: the oldest goes.
fn unknown(table: &Table, n: u32, tag: u16) {
    let key = [n.to_le_bytes(), u32::from(tag).to_le_bytes()].concat();
    let locked = table.lock();
    let key = table.key(&key);
    while locked.insert(key, tag, [1, 0]).is_none() {
        locked.oldest().into_iter().for_each(|entry| locked.remove(entry));
    }
}

/// A request that is counted, and is over.
fn counted(table: &Table, n: u32, tag: u16) {
    let key = (n % KEYS + KEYS).to_le_bytes();
    let locked = table.lock();
    let entry = locked.insert(table.key(&key), tag, [1, 0]);
    drop(locked);
    let locked = table.lock();
    entry.into_iter().for_each(|entry| locked.remove(entry));
}

/// What this process has used of the processors.
fn processor_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|used| used.parse().ok()).unwrap_or_default()
}

/// Runs the work in so many processes at once; gives the processor time of one operation.
fn measure(processes: usize, size: usize, work: Work) -> u64 {
    let table = Table::of(Region::create("bench", size).expect("memory").into()).expect("a table");
    for n in 0..KEYS {
        let _ = table.lock().insert(table.key(&n.to_le_bytes()), 0, [0, 0]);
    }
    let results =
        Table::of(Region::create("results", 1 << 16).expect("memory").into()).expect("a table");
    let children: Vec<i32> = (0..processes)
        .map(|child| match process::fork().expect("fork") {
            Fork::Parent(pid) => pid,
            Fork::Child => {
                let (begun, used, tag) = (Instant::now(), processor_ns(), child as u16 + 1);
                let mut done = 0;
                while begun.elapsed() < MEASURE {
                    (done..done + 1000).for_each(|n| work(&table, n, tag));
                    done += 1000;
                }
                let each = (processor_ns() - used) / u64::from(done);
                results.lock().insert(results.key(b"ns"), tag, [each, 0]);
                std::process::exit(0);
            }
        })
        .collect();
    while children.iter().any(|&pid| process::exists(pid)) {
        std::thread::sleep(Duration::from_millis(10));
        process::reap();
    }
    let locked = results.lock();
    let all: Vec<u64> = locked.entries().map(|entry| locked.value(entry)[0].get()).collect();
    all.iter().sum::<u64>() / all.len().max(1) as u64
}

fn main() {
    println!("| ns per operation | 1 process | 4 processes |\n|---|---|---|");
    let rows: [(&str, usize, Work); 3] = [
        ("a key of 100,000 that is known", 16 << 20, known),
        ("one that is not, for the oldest of a full table", 4 << 20, unknown),
        ("a key that is added, and taken away again", 16 << 20, counted),
    ];
    for (name, size, work) in rows {
        let [one, four] = PROCESSES.map(|processes| measure(processes, size, work));
        println!("| {name} | {one} | {four} |");
    }
}
