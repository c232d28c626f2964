//! What a TLS client says first, and the names of what TLS is made of.
//!
//! ```text
//! record:   16 │ 03 xx │ length (2) │ a piece of a handshake message      ≤ 2^14 bytes, any number of records
//! message:  01 │ length (3) │ hello
//! hello:    version (2) │ random (32) │ session id <1> │ suites <2> │ compressions <1> │ extensions <2>
//! extension: type (2) │ body <2>                                         <n>: a length of n bytes before it
//! ```
//!
//! Not left to rustls' `Acceptor`: it allocates for each extension, tells nothing of those that it does not know, and
//! nothing at all of a hello that it refuses; and a hello that is only looked at (`ssl_preread`) needs no handshake.

pub mod cipher_list;
mod hello;
mod ja4;
pub mod names;
mod record;
pub mod suites;

pub use hello::{ClientHello, Parsed, parse};
pub use ja4::ja4;
