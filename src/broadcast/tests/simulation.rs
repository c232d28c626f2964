//! Threads as processes, one at a time, switched at every step as a seed says: append, read, recycle
//! and wake in many orders. A failure names its seed.

use std::sync::{Arc, Condvar, Mutex};

use fastrand::Rng;

use super::{append, zone};
use crate::step::hooked;
use crate::{Attributes, Hint, ReadLimits, Reading, Zone};

/// Whose turn it is.
struct Turns {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    random: Rng,
    current: usize,
    running: Vec<bool>,
}

impl Turns {
    fn pass(&self, me: usize, ends: bool) {
        let mut state = self.state.lock().expect("no thread has panicked");
        state.running[me] = !ends;
        let running: Vec<usize> =
            (0..state.running.len()).filter(|&at| state.running[at]).collect();
        if let Some(bound) = std::num::NonZero::new(running.len()) {
            state.current = running[state.random.usize(..bound.get())];
        }
        self.changed.notify_all();
        while !ends && state.current != me {
            state = self.changed.wait(state).expect("no thread has panicked");
        }
    }
}

/// Gives the turn on when its thread ends, also by a panic.
struct Turn(Arc<Turns>, usize);

impl Drop for Turn {
    fn drop(&mut self) {
        hooked::set(None);
        self.0.pass(self.1, true);
    }
}

const WRITERS: usize = 2;
const READERS: usize = 2;
const RECORDS: usize = 120;

fn body(writer: usize, n: usize, len: usize) -> Vec<u8> {
    let mut body = vec![writer as u8, n as u8];
    body.resize(2 + len, (writer * 100 + n) as u8);
    body
}

fn write(zone: &Zone, writer: usize, seed: u64) {
    let mut random = Rng::with_seed(seed * 31 + writer as u64);
    for n in 0..RECORDS {
        // Some records span blocks; together they are more than the zone holds.
        let len = [5, 40, 300, 900][random.usize(..4)];
        append(zone, ["a", "b"][random.usize(..2)], &body(writer, n, len), &Attributes::default());
    }
}

fn read(zone: &'static Zone, seed: u64, done: &Mutex<usize>) {
    let reader = zone.attach().expect("a row");
    let channels = [b"a", b"b"].map(|name| reader.subscribe(name).expect("a channel").0);
    let mut random = Rng::with_seed(seed * 77);
    let (mut cursor, mut seen, mut last) = (0, 0, [None; WRITERS]);
    loop {
        seen = zone.changes(seen, |_| {}).unwrap_or_else(|missed| missed.upto);
        loop {
            let limits =
                ReadLimits { records: 1 + random.usize(..8), bytes: 4000, ..ReadLimits::default() };
            match reader.read(&channels, cursor, None, limits) {
                Reading::Batch(batch) => {
                    // The others run now, and evict what they can.
                    (0..80).for_each(|_| crate::step::step("a batch is held"));
                    for record in batch.records().iter().filter(|record| record.is_whole()) {
                        assert!(record.seq > cursor, "seed {seed}: order");
                        cursor = record.seq;
                        let mut bytes = Vec::new();
                        batch.copy(record, &mut bytes);
                        let (writer, n) = (usize::from(bytes[8]), bytes[9]);
                        assert_eq!(bytes[8..], body(writer, n.into(), bytes.len() - 10), "{seed}");
                        assert!(last[writer] < Some(n), "seed {seed}: order of a writer");
                        last[writer] = Some(n);
                    }
                }
                Reading::Lagged { upto } => {
                    assert!(upto > cursor, "seed {seed}");
                    cursor = upto;
                }
                Reading::Nothing => break,
                Reading::Torn => panic!("seed {seed}: torn"),
            }
        }
        if !reader.may_sleep(seen) {
            continue;
        }
        // Asleep: only the bell wakes. When the writers are done it has rung, or nothing is new.
        loop {
            crate::step::step("asleep");
            let over = *done.lock().expect("a lock") == WRITERS;
            if reader.silence() {
                reader.awake();
                break;
            }
            if over {
                assert_eq!(zone.newest(), seen, "seed {seed}: nobody woke the reader");
                assert!(last.iter().all(Option::is_some), "seed {seed}: it saw too little");
                return;
            }
        }
    }
}

/// Follows one channel, as a worker does: with a hint, and so mostly without the lock.
fn follow(zone: &'static Zone, seed: u64, done: &Mutex<usize>) {
    let reader = zone.attach().expect("a row");
    let (id, _) = reader.subscribe(b"a").expect("a channel");
    let mut random = Rng::with_seed(seed * 79);
    let (mut cursor, mut hint, mut number, mut count) = (0, Hint::default(), 0, 0);
    loop {
        let over = *done.lock().expect("a lock") == WRITERS;
        let limits =
            ReadLimits { records: 1 + random.usize(..8), bytes: 4000, ..ReadLimits::default() };
        match reader.read(&[id], cursor, Some(&mut hint), limits) {
            Reading::Batch(batch) => {
                (0..80).for_each(|_| crate::step::step("a batch is held"));
                for record in batch.records() {
                    assert!(record.is_whole() && record.seq > cursor, "seed {seed}: order");
                    assert!(number == 0 || record.number == number + 1, "seed {seed}: a hole");
                    (cursor, number) = (record.seq, record.number);
                    let mut bytes = Vec::new();
                    batch.copy(record, &mut bytes);
                    assert_eq!(bytes[..8], record.seq.to_le_bytes(), "seed {seed}: another record");
                    let (writer, n) = (usize::from(bytes[8]), bytes[9]);
                    assert_eq!(bytes[8..], body(writer, n.into(), bytes.len() - 10), "{seed}");
                    count += 1;
                }
            }
            Reading::Lagged { upto } => {
                assert!(upto > cursor, "seed {seed}");
                (cursor, number) = (upto, 0);
            }
            Reading::Nothing if over => break,
            Reading::Nothing => crate::step::step("nothing"),
            Reading::Torn => panic!("seed {seed}: torn"),
        }
    }
    assert!(count > 0, "seed {seed}: it saw too little");
}

fn run(seed: u64) {
    let zone = zone(104 << 10, 256);
    let turns = Arc::new(Turns {
        state: Mutex::new(State {
            random: Rng::with_seed(seed),
            current: 0,
            running: vec![true; WRITERS + READERS],
        }),
        changed: Condvar::new(),
    });
    let done = Mutex::new(0);
    std::thread::scope(|scope| {
        for me in 0..WRITERS + READERS {
            let (turns, done) = (turns.clone(), &done);
            scope.spawn(move || {
                let _turn = Turn(turns.clone(), me);
                hooked::set(Some(Box::new(move |_| turns.pass(me, false))));
                crate::step::step("begin");
                match me < WRITERS {
                    true => {
                        write(zone, me, seed);
                        *done.lock().expect("a lock") += 1;
                    }
                    false if (me + seed as usize).is_multiple_of(2) => read(zone, seed, done),
                    false => follow(zone, seed, done),
                }
            });
        }
    });
    zone.lock().verify();
}

/// More with `RSERVE_SEEDS=10000`.
#[test]
fn every_order_keeps_order_bytes_and_wakes() {
    let wanted = std::env::var("RSERVE_SEEDS").ok().and_then(|text| text.parse().ok());
    for seed in 1..=wanted.unwrap_or(20) {
        run(seed);
    }
}
