//! An RTMP client's connection, from its handshake to its end.

pub mod connect;
pub mod control;
pub mod error;
pub mod flow;
pub mod handshake;
pub mod media;
pub mod play;
pub mod publish;
pub mod read_buffer;
pub mod reply;
pub mod serve;
pub mod state;
