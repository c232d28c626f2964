//! The Real Time Messaging Protocol: from the first byte of a connection to its commands.
//!
//! ```text
//! bytes ──> handshake ──> chunk ──> message ──> command ──> amf
//!           C0 C1 C2      chunks    kinds,      name,       values
//!           S0 S1 S2      to        control,    number,
//!                         messages  aggregates  arguments
//! ```
//!
//! Sources: Adobe's RTMP 1.0 (2012), AMF0 (2006) and AMF3 (2013) specifications. Where they and what
//! is in use disagree, each codec says what it does.

pub mod amf;
pub mod chunk;
pub mod command;
pub mod handshake;
pub mod message;
