//! What all workers know of names: one of them asks, the others look again until it has told.

use std::io;
use std::sync::Arc;

use shm::{Asked, CACHE_VERSION, Cache, Holder, Region};

use crate::failure::Failure;
use crate::found::{Failed, Found, Outcome, Row};
use crate::name::Name;

/// Addresses of a name. One that has more is asked for by each worker.
const ROWS: usize = 16;
/// Words of a row.
const ROW: usize = 3;
/// What was found: a word that says how much, or why nothing, and the rows.
const VALUE: usize = 1 + ROWS * ROW;
/// In that word, beside the code of a failure.
const FAILED: u64 = 1 << 32;
/// The settings, what is asked for, the name.
const KEY: usize = 8 + 1 + 253;
/// Milliseconds between two looks: at first, and at last.
const SOON_MS: u64 = 2;
const LATER_MS: u64 = 50;

/// How the memory is divided, for the shape of a region.
pub fn shape() -> String {
    format!("{CACHE_VERSION}.{KEY}.{VALUE}")
}

/// Bytes of a region for so many names.
pub const fn size(names: usize) -> usize {
    Cache::size(names, KEY, VALUE)
}

/// What a resolver shares with those of the same settings in other workers.
#[derive(Debug)]
pub(crate) struct Shared {
    cache: Cache,
    fingerprint: u64,
    lease_ms: u64,
}

impl Shared {
    /// In this region. Who asks is given `lease_ms` milliseconds.
    pub fn of(region: Arc<Region>, fingerprint: u64, lease_ms: u64) -> io::Result<Shared> {
        Ok(Shared { cache: Cache::of(region, KEY, VALUE)?, fingerprint, lease_ms })
    }

    pub fn look(&self, holder: &mut Holder, now: u64, patience: u64) -> Option<i32> {
        self.cache.look(holder, now, patience)
    }

    /// What is known; else what comes of `ask`, unless another is asking.
    pub async fn find<T: Row>(
        &self,
        kind: u8,
        name: &Name,
        ask: impl Future<Output = Outcome<T>>,
    ) -> Outcome<T> {
        let key = [&self.fingerprint.to_le_bytes(), &[kind][..], name.as_str().as_bytes()].concat();
        let mut pause = SOON_MS;
        loop {
            match self.cache.ask(&key, rt::now(), self.lease_ms) {
                Asked::Known { value, until } => return read(&value, until),
                Asked::Unknown(lease) => {
                    let outcome = ask.await;
                    let (value, until) = write(&outcome);
                    lease.tell(&value, until);
                    return outcome;
                }
                Asked::NoPlace => return ask.await,
                Asked::BeingFound => {
                    rt::sleep(pause).await;
                    pause = (2 * pause).min(LATER_MS);
                }
            }
        }
    }
}

fn write<T: Row>(outcome: &Outcome<T>) -> (Vec<u64>, u64) {
    match outcome {
        Ok(found) => {
            let rows = found.all.iter().flat_map(Row::store);
            (std::iter::once(found.all.len() as u64).chain(rows).collect(), found.until)
        }
        Err(failed) => (vec![FAILED | u64::from(failed.why.code())], failed.until),
    }
}

fn read<T: Row>(value: &[u64], until: u64) -> Outcome<T> {
    let rows = value.get(1..).unwrap_or_default().chunks_exact(ROW);
    match value.first() {
        Some(&count) if count & FAILED == 0 => {
            let all = rows.take(count as usize).map(|row| T::load([row[0], row[1], row[2]]));
            Ok(Found { all: all.collect(), until })
        }
        code => {
            let code = code.map_or(0, |&word| word as u16);
            Err(Failed { why: Failure::of_code(code), until })
        }
    }
}
