//! Files: their names, what is in them, and which of them are ours.

mod duration;
pub mod film;
pub mod flv;
pub mod fmp4;
pub mod journal;
pub mod name;
pub mod open;
