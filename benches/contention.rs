//! Processes at one zone: `cargo run --release -p rserve-broadcast --example contention`.
//!
//! Processor time per append and per record read with 1, 4 and 16 processes; and what the others do and use while
//! one of them stands still in the middle of an append: appends wait, in the kernel; reads go on.

use std::time::Duration;

use broadcast::{Attributes, Hint, ReadLimits, Reading, Shape, Zone};
use libc::{SIGCONT, SIGKILL, SIGSTOP};
use shm::{Holder, Region};
use sys::process::{self, Fork};

const PROCESSES: [usize; 3] = [1, 4, 16];
const MEASURE: Duration = Duration::from_millis(1500);
/// How often one is stopped, each time for [`STOP`], wherever it is.
const STOPS: u32 = 20;
const STOP: Duration = Duration::from_millis(100);
const HISTORY: u64 = 5000;
const READS: u64 = 5000;

/// What the processes share.
#[derive(Clone, Copy)]
struct Bench {
    zone: &'static Zone,
    /// Its newest number counts what was read, by [`READS`]: no process of the bench holds its lock for long.
    read: &'static Zone,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    Append,
    Read,
}

fn zone(size: usize, channels: usize) -> &'static Zone {
    let region = Region::create("bench", size).expect("memory");
    let shape = Shape { block_size: 1024, rows: 32, channels, readers: 32, counted: 1024 };
    Box::leak(Box::new(Zone::format(region.into(), shape).expect("a zone")))
}

fn bench() -> Bench {
    let (zone, read) = (zone(64 << 20, 16 << 10), zone(2 << 20, 64));
    for _ in 0..HISTORY {
        append(zone);
    }
    Bench { zone, read }
}

fn append(zone: &Zone) {
    let head = |seq: u64, out: &mut Vec<u8>| out.extend_from_slice(&seq.to_le_bytes());
    zone.append(b"a", &Attributes::default(), head, &[&[b'x'; 150]]).expect("appended");
}

impl Bench {
    /// Works for ever.
    fn work(self, work: Work) -> ! {
        match work {
            Work::Append => loop {
                append(self.zone);
            },
            Work::Read => self.read_again_and_again(),
        }
    }

    /// Reads to the newest record, goes back to a place that it knows, and so on.
    fn read_again_and_again(self) -> ! {
        let reader = self.zone.attach().expect("a row");
        let (id, _) = reader.subscribe(b"a").expect("a channel");
        let mut known = (0, Hint::default());
        let (mut cursor, mut hint) = known;
        let mut count = 0;
        loop {
            match reader.read(&[id], cursor, Some(&mut hint), ReadLimits::default()) {
                Reading::Batch(batch) => {
                    count += batch.records().len() as u64;
                    cursor = batch.records().last().map_or(cursor, |record| record.seq);
                    if self.zone.newest() - known.0 > 2 * HISTORY {
                        known = (cursor, hint);
                    }
                }
                Reading::Lagged { upto } => {
                    known = (upto, Hint::default());
                    (cursor, hint) = known;
                }
                _ => (cursor, hint) = known,
            }
            if count >= READS {
                append(self.read);
                count -= READS;
            }
        }
    }

    /// Records appended and read.
    fn done(self) -> u64 {
        self.zone.newest() + self.read.newest() * READS
    }
}

/// Processes that work, ended with the value.
struct Crowd(Vec<i32>);

impl Crowd {
    fn start(bench: Bench, work: impl Iterator<Item = Work>) -> Crowd {
        let start = |work: Work| match process::fork().expect("fork") {
            Fork::Child => bench.work(work),
            Fork::Parent(pid) => pid,
        };
        let crowd = Crowd(work.map(start).collect());
        std::thread::sleep(STOP);
        crowd
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        for &pid in &self.0 {
            let _ = process::kill(pid, SIGKILL);
        }
        let mut ended = 0;
        while ended < self.0.len() {
            std::thread::sleep(Duration::from_millis(1));
            ended += process::reap().len();
        }
    }
}

/// Nanoseconds that processes have been on a processor.
fn busy(pids: &[i32]) -> u64 {
    let of = |pid: &i32| {
        let text = std::fs::read_to_string(format!("/proc/{pid}/schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    };
    pids.iter().filter_map(of).sum()
}

/// Stops a process while it has the zone's lock.
fn stop_inside(zone: &Zone, pid: i32) {
    loop {
        process::kill(pid, SIGSTOP).expect("stopped");
        let mut holder = Holder::default();
        // It is in the state of the stopped a moment later.
        std::thread::sleep(Duration::from_millis(1));
        zone.look(&mut holder, 0, 0);
        if zone.look(&mut holder, 0, 0) == Some(pid) {
            return;
        }
        process::kill(pid, SIGCONT).expect("it goes on");
        std::thread::sleep(Duration::from_micros(300));
    }
}

fn main() {
    println!(
        "| processes | µs per append | µs per record read | one stopped in an append: ms that the others, who \
         append, use in a second | others who read: µs per record |"
    );
    println!("|---|---|---|---|---|");
    for count in PROCESSES {
        let (append, read) = (together(count, Work::Append), together(count, Work::Read));
        let stopped = |work| if count > 1 { one_stopped(count, work) } else { String::new() };
        let (appending, reading) = (stopped(Work::Append), stopped(Work::Read));
        println!("| {count} | {append} | {read} | {appending} | {reading} |");
    }
}

/// Microseconds of processor time for each piece of work.
fn together(count: usize, work: Work) -> String {
    let bench = bench();
    let crowd = Crowd::start(bench, std::iter::repeat_n(work, count));
    let (before, began) = (bench.done(), busy(&crowd.0));
    std::thread::sleep(MEASURE);
    let (after, ended) = (bench.done(), busy(&crowd.0));
    format!("{:.3}", (ended - began) as f64 / 1e3 / (after - before) as f64)
}

/// What the others use while the first one stands still in an append.
fn one_stopped(count: usize, work: Work) -> String {
    let bench = bench();
    let others = std::iter::repeat_n(work, count - 1);
    let crowd = Crowd::start(bench, std::iter::once(Work::Append).chain(others));
    let (mut used, mut done) = (0, 0);
    for _ in 0..STOPS {
        stop_inside(bench.zone, crowd.0[0]);
        let (before, began) = (bench.done(), busy(&crowd.0[1..]));
        std::thread::sleep(STOP);
        used += busy(&crowd.0[1..]) - began;
        done += bench.done() - before;
        process::kill(crowd.0[0], SIGCONT).expect("it goes on");
    }
    match work {
        Work::Append => format!("{:.2}", used as f64 / 1e6 / (STOP * STOPS).as_secs_f64()),
        Work::Read => format!("{:.3}", used as f64 / 1e3 / done as f64),
    }
}
