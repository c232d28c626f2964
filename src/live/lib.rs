//! What everything live has in common: a zone of the broadcast log, and the readers of a worker.
//!
//! ```text
//! directive ─▶ ZoneConf ─▶ master: memory, its file, what another configuration had
//!                       └▶ worker: Hub ─▶ Outlet: a connection ─▶ its Readers: cursors in the log
//! ```
//! A [`Hub`] is made for a [`Protocol`], when the server is compiled: what a batch looks like to its readers, and what a
//! write that took less leaves behind, is the protocol's; everything else is here.
#![forbid(unsafe_code)]

pub mod appender;
mod changes;
mod channels;
mod clientless;
mod clients;
mod deliver;
mod disk;
mod drain;
mod file;
mod hub;
mod inner;
mod limits;
mod long;
mod membership;
mod outlet;
mod patterns;
mod protocol;
mod reader;
mod rpc;
pub mod spares;
#[cfg(test)]
mod tests;
mod zone;

pub use clientless::Clientless;
pub use disk::Disk;
pub use file::{FileConf, Sync};
pub use hub::Hub;
pub use limits::{ClientLimits, Limit};
pub use long::whole;
pub use membership::{Joining, Membership};
pub use outlet::{Link, Outlet};
pub use protocol::{Delivered, Protocol, To};
pub use reader::Reader;
pub use rpc::{Replies, Rpc};
pub use zone::{Form, ZoneConf, by_name};
