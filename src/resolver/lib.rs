//! The server's own resolver: names are looked up by the event loop itself, with the servers of `resolver`.
//!
//! ```text
//! Resolver ─▶ Cache: what this worker knows, who waits
//!    │  └───▶ Shared: what all workers know, who asks for all ─▶ shm::Cache
//!    ▼
//! Lookup: both families, CNAMEs ─▶ Client: one server after another ─▶ exchange: UDP, TCP ─▶ Query, Answer
//! ```
//! A name is asked for in a task of its own: who wants to know it waits for that, and may go. An answer counts if it comes from
//! the server that was asked, to the port and with the id of the question, and repeats it; anything else is dropped, and the wait
//! goes on. Everything that an answer fills is bounded.
//!
//! `/etc/hosts` is not read, and there are no search domains: as in nginx, a name is one of DNS, and complete.
#![forbid(unsafe_code)]

mod cache;
mod client;
mod exchange;
mod failure;
mod found;
mod lookup;
mod message;
mod name;
mod resolver;
mod servers;
mod settings;
mod shared;
mod waits;

pub use failure::Failure;
pub use found::{Found, Service};
pub use message::{Answer, Data, Kind, Query, Records};
pub use name::Name;
pub use resolver::Resolver;
pub use settings::Settings;
pub use shared::{shape, size};
