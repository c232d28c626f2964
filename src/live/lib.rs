//! What everything live has in common: a zone of the broadcast log, and the readers of a worker.
//!
//! ```text
//! directive ─▶ ZoneConf ─▶ master: memory, its file, what another configuration had
//!                       └▶ worker: a Hub
//! ```
#![forbid(unsafe_code)]

mod file;
mod long;
mod rpc;
mod zone;

pub use file::{FileConf, Sync};
pub use long::whole;
pub use rpc::{Listen, Replies, Rpc};
pub use zone::{Form, Hub, ZoneConf, by_name};
