//! How long a search goes on, and what it has found.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use support::compare::is_deliberate;

/// So many differences are enough for one run.
const ENOUGH: usize = 20;

/// The rounds of a search, each with its seed, and its findings.
pub struct Rounds {
    seed: u64,
    first: u64,
    count: u64,
    deadline: Option<Instant>,
    seen: BTreeSet<String>,
    found: Vec<String>,
}

fn variable(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} is a number, not {value:?}")))
}

impl Rounds {
    /// `count` rounds, if the environment does not say otherwise.
    pub fn new(count: u64) -> Rounds {
        let seconds = variable("RSERVE_SEARCH_SECONDS");
        let first = variable("RSERVE_SEARCH_SEED").unwrap_or(1);
        Rounds {
            seed: first,
            first,
            count,
            deadline: seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds)),
            seen: BTreeSet::new(),
            found: Vec::new(),
        }
    }

    /// The seed of the next round; `None`: it is enough.
    pub fn next(&mut self) -> Option<u64> {
        let goes_on = match self.deadline {
            Some(deadline) => Instant::now() < deadline,
            None => self.seed - self.first < self.count,
        };
        if !goes_on || self.found.len() >= ENOUGH {
            return None;
        }
        self.seed += 1;
        Some(self.seed - 1)
    }

    /// Whether a difference of this name is not meant, and none of this form was seen.
    pub fn is_new(&mut self, name: &str, form: &str) -> bool {
        !is_deliberate(name) && self.seen.insert(form.to_owned())
    }

    /// Notes a difference: `name` is what the table of deliberate ones knows it by. `false`: it is
    /// one of them, or was found before.
    pub fn note(&mut self, name: &str, form: &str, text: impl FnOnce() -> String) -> bool {
        if !self.is_new(name, form) {
            return false;
        }
        let text = format!(
            "--- RSERVE_SEARCH_SEED={} brings it back\n--- {name}\n{}\n",
            self.seed - 1,
            text()
        );
        eprintln!("{text}");
        self.found.push(text);
        true
    }

    /// Panics if something was found.
    pub fn end(self) {
        let (count, rounds) = (self.found.len(), self.seed - self.first);
        eprintln!("{rounds} rounds from seed {}, {count} differences", self.first);
        assert!(count == 0, "{count} differences in {rounds} rounds:\n{}", self.found.join("\n"));
    }
}
