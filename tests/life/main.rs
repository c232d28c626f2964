//! The life of the processes as a property: whatever sequence of commands, crashes and faults comes,
//! somebody serves or everybody is gone as told, nothing is left behind, and nothing of a stranger's is
//! touched.
//!
//! ```text
//! steps.rs   what may happen          model.rs   what must be true then
//! world.rs   the real processes       checks.rs  what must be seen of them
//! main.rs    the same sequence in both, compared after each step
//! ```
//! `RSERVE_LIFE_SEEDS=200` tries more sequences, `RSERVE_LIFE_SEED=17` one again, both so many from that one on; the sequence so far is
//! printed when it fails.

mod checks;
mod model;
mod steps;
mod world;

use support::Random;

use crate::model::Model;
use crate::steps::Step;
use crate::world::World;

/// How long a sequence is.
const STEPS: usize = 24;
/// How many sequences one test tries.
const SEEDS: u64 = 12;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn seeds(test: u64) -> std::ops::Range<u64> {
    let (first, count) = (number("RSERVE_LIFE_SEED"), number("RSERVE_LIFE_SEEDS"));
    let count = count.unwrap_or(if first.is_some() { 1 } else { SEEDS });
    let first = first.unwrap_or(1) + test * count;
    first..first + count
}

/// One sequence.
fn live(seed: u64) {
    let mut random = Random::new(seed, 0);
    let mut model = Model::default();
    let mut world = World::new();
    let mut told = vec![format!("seed {seed}")];
    for _ in 0..STEPS {
        let step = Step::choose(&mut random, &model);
        told.push(format!("{step:?}"));
        let outcome = world.take(step, &mut model);
        let checked = outcome.and_then(|()| world.check(&model));
        if let Err(fault) = checked {
            let log = world.log_tail();
            panic!("{fault}\n--- after:\n{}\n--- model: {model:?}\n{log}", told.join("\n"));
        }
    }
    if let Err(fault) = world.end(&mut model) {
        panic!("at the end: {fault}\n--- after:\n{}\n{}", told.join("\n"), world.log_tail());
    }
}

#[test]
fn sequences_one() {
    seeds(0).for_each(live);
}

#[test]
fn sequences_two() {
    seeds(1).for_each(live);
}
