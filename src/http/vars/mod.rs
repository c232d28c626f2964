//! Variables, and words that have them in them.

pub mod assigned;
pub mod connection;
pub mod handshake;
pub mod lookup;
pub mod names;
pub mod part;
pub mod scope;
pub mod settable;
pub mod ssl;
pub mod template;
pub mod variables;
