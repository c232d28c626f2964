//! From directives to servers and applications.

pub mod app;
mod assembly;
pub mod block;
pub mod callbacks;
pub mod connection;
pub mod guards;
pub mod logging;
pub mod options;
pub mod stream;
mod values;
mod written;
