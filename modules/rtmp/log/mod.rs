//! A line for each connection.

pub mod format;
pub mod line;
