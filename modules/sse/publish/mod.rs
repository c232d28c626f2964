//! From what is published to the log.

pub mod answer;
pub mod append;
pub mod arguments;
pub mod asked;
pub mod event_stream;
pub mod handler;
pub mod internal;
pub mod progress;
pub mod sequence;
