//! Files: their names, what is in them, and which of them are ours.

mod duration;
pub mod film;
pub mod flv;
pub mod fmp4;
pub mod journal;
pub mod muxer;
pub mod name;
pub mod open;
mod whole;

/// Tests that ask for locks, and those that start processes, which have all descriptors until they are another program.
#[cfg(test)]
static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
