//! What an append costs: records of 150 bytes into a file, not synced, beside a plain `pwrite`.
//!
//! `cargo run --release -p rserve-wal --example append [FILE]`
#![forbid(unsafe_code)]

use std::error::Error;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::Instant;

use wal::{Durability, Identity, Keeper, Log, LogState, Record};

const RECORDS: u64 = 1_000_000;
const BYTES: usize = 150;
const FILE: u64 = 64 << 20;

/// Keeps the newest so many.
struct Newest(std::cell::Cell<u64>, u64);

impl Keeper for Newest {
    fn is_kept(&self, _: &[u8], seq: u64) -> bool {
        seq + self.1 > self.0.get()
    }

    fn drop_upto(&self, _: &[u8], _: u64) {}
}

fn main() -> Result<(), Box<dyn Error>> {
    let named = std::env::args_os().nth(1).map(PathBuf::from);
    let path = named.unwrap_or_else(|| std::env::temp_dir().join("rserve-wal-example"));
    let body = [b'x'; BYTES];
    let (file, new) = wal::create(&path, FILE)?;
    let state = LogState::default();
    let identity = Identity { epoch: 1, secret: [1, 2], ..Identity::default() };
    let log = Log::create(file, identity, Durability::Off, &state)?;
    new.install()?;
    for kept in [0, 100_000] {
        let keeper = Newest(Default::default(), kept);
        let first = keeper.0.get().max(if kept == 0 { 0 } else { RECORDS });
        let begin = Instant::now();
        for seq in first + 1..=first + RECORDS {
            keeper.0.set(seq);
            let record = Record { seq, channel: b"channel", parts: &[&body], ..Record::default() };
            log.append(&state, &record, &keeper)?;
        }
        print(&format!("append, {kept} kept"), begin);
    }
    drop(log);
    let begin = Instant::now();
    let found = Log::open(wal::open_file(&path)?.ok_or("no file")?, Durability::Off)?;
    let records = found.replay(|_| {})?;
    println!("opened and replayed {records} in {} ms", begin.elapsed().as_millis());
    drop(found);
    let file = std::fs::File::options().write(true).open(&path)?;
    let begin = Instant::now();
    for n in 0..RECORDS {
        file.write_all_at(&body, n * BYTES as u64 % (FILE - BYTES as u64))?;
    }
    print("pwrite", begin);
    std::fs::remove_file(&path)?;
    Ok(())
}

fn print(what: &str, begin: Instant) {
    let seconds = begin.elapsed().as_secs_f64();
    println!(
        "{what}: {:.0} a second, {:.2} us",
        RECORDS as f64 / seconds,
        seconds * 1e6 / RECORDS as f64
    );
}
