//! A program of the user's is asked and told what clients do.

pub mod call;
pub mod hook;
pub mod location;
pub mod netcall;
mod recorded;
pub mod telling;
