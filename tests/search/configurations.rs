//! The search among configurations: what `-t` says.
use crate::rounds::Rounds;

/// Searches for so many rounds.
pub fn search(rounds: u64) {
    Rounds::new(rounds).end();
}
