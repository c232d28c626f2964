//! The life of the processes as a property: whatever sequence of commands, crashes and faults comes,
//! somebody serves or everybody is gone as told, nothing is left behind, and nothing of a stranger's is
//! touched.
//!
//! ```text
//! steps.rs   what may happen          model.rs   what must be true then
//! world.rs   the real processes       checks.rs  what must be seen of them
//! main.rs    the same sequence in both, compared after each step
//! ```
//! `RSERVE_LIFE_SEEDS=200` tries more sequences, `RSERVE_LIFE_SEED=17` one again; the sequence so far is
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

fn seeds(test: u64) -> Vec<u64> {
    match number("RSERVE_LIFE_SEED") {
        Some(seed) => vec![seed],
        None => {
            let count = number("RSERVE_LIFE_SEEDS").unwrap_or(SEEDS);
            (0..count).map(|at| 1 + test * count + at).collect()
        }
    }
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
    seeds(0).into_iter().for_each(live);
}

#[test]
fn sequences_two() {
    seeds(1).into_iter().for_each(live);
}
