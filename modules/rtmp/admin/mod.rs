//! What operators see, and what they want done.

pub mod command;
pub mod record;
pub mod stats;
