//! Files: their names, what is in them, and which of them are ours.

pub mod flv;
pub mod journal;
pub mod name;
pub mod open;
