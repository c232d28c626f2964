//! From the log to players.

pub mod chunk_streams;
pub mod join;
pub mod link;
pub mod mux;
pub mod muxed;
pub mod newest;
pub mod output;
pub mod player;
pub mod protocol;
pub mod status;
pub mod view;
pub mod write_batch;
