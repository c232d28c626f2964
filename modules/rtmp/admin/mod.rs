//! What operators see, and what they want done.

pub mod command;
pub mod stats;
