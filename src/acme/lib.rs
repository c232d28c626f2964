//! Certificates by ACME (RFC 8555), a client's half without I/O: whoever uses it sends its requests, waits and has a clock
//! ([`Transport`]), and shows what proves that a name is its own ([`Prover`]).
//!
//! ```text
//! Client::new ─▶ account ─▶ issue: order ─▶ each name: show the proof, ask to look, wait ─▶ finalize ─▶ certificate
//!     directory    key, terms                 http-01, tls-alpn-01                            key, CSR     chain
//! ```
//!
//! Not instant-acme: it sleeps by tokio's timer, so it wants tokio's runtime, and its transport is made of the types of
//! `http`, `http-body` and `bytes`, which nothing else here has. Keys and certificates are made by rcgen.
#![forbid(unsafe_code)]

mod challenge;
mod client;
mod error;
mod issue;
mod key;
mod message;
mod renewal;
mod transport;

pub use challenge::{Identifier, Kind, Proof, is_token};
pub use client::{Account, Client, External};
pub use error::{Error, Problem};
pub use issue::{Issued, Prover, Wish};
pub use key::{AccountKey, KeyType};
pub use renewal::{Renewal, certificate_id};
pub use transport::{Request, Response, Transport};
