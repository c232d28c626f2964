//! TLS by rustls: what the `ssl_*` directives come to, and the layer that encrypts a connection ([`rt::Layer`]).
//!
//! ```text
//! bytes ─▶ hello (ours: names, protocols) ─▶ Choice: which server ─▶ its rustls configuration ─▶ handshake ─▶ records
//!                                             (http, rtmp, stream)     certificates, tickets, clients' certificates
//! ```
//! rustls is driven by its unbuffered API (`records`): ciphertext is in memory that a worker has once, so that an
//! idle connection has none.
#![forbid(unsafe_code)]

mod asking;
mod authorities;
mod caches;
mod certificate;
mod choice;
mod clients;
mod context;
mod der;
mod encrypted_key;
mod entropy;
mod expiry;
mod facts;
mod failure;
pub mod fresh;
mod issuers;
mod memory;
mod named;
pub mod ocsp;
mod offer;
pub mod outgoing;
mod pieces;
mod provider;
mod records;
mod server;
mod servers;
mod session;
pub mod settings;
mod side;
mod source;
mod stapling;
mod store;
pub mod tickets;
mod verdict;
mod verifier;
mod watch;
mod watches;
pub mod x509;

pub use choice::{Choice, Chosen};
pub use context::{Context, Name, Wanted};
pub use entropy::Entropy;
pub use failure::failure;
pub use issuers::Standing;
pub use named::{Asked, Compile, Evaluate, name_alone};
pub use offer::Offer;
pub use provider::Spoken;
pub use server::Server;
pub use servers::Servers;
pub use session::Session;
pub use settings::Conf;
pub use stapling::Fetch;
pub use verdict::Verdict;
