//! The header with which a proxy tells who the client is (haproxy's proxy-protocol.txt): read and written.
//!
//! ```text
//! v1:  PROXY TCP4 192.0.2.1 198.51.100.1 56324 1935\r\n        (or PROXY UNKNOWN …\r\n)
//! v2:  0D 0A 0D 0A 00 0D 0A 51 55 49 54 0A │ 2x │ family │ length (2) │ addresses, ports │ TLVs
//! TLV: type (1) │ length (2) │ value          of TLS: 20 │ length │ client (1) │ verify (4) │ TLVs
//! ```
//!
//! `2x` is 20 for LOCAL, the proxy's own connection, and 21 for PROXY. Families: 00 none, 11 TCP over IPv4 (12 bytes of
//! addresses), 21 TCP over IPv6 (36), 31 Unix sockets (paths, 216); 12 and 22 are datagrams, UDP.
//!
//! Not left to the crate `ppp`: a header without TLVs must not allocate where connections are accepted, and TLVs are kept as
//! they stand there, to be looked up when a variable asks for one.

mod read;
mod tlv;
mod write;

pub use read::{MOST, parse};
pub use write::{Told, TooLong, write_tlv, write_v1, write_v2};

use std::net::SocketAddr;

const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// What the bytes are so far.
#[derive(Debug, PartialEq, Eq)]
pub enum Parsed {
    /// A header of so many bytes.
    Header(usize, Header),
    /// The beginning of one.
    Incomplete,
    /// No header.
    Invalid,
}

/// What a proxy tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// The client, and the address that it connected to. `None`: the proxy speaks for itself, or does not tell.
    pub addresses: Option<Addresses>,
    /// What else it tells, of version 2, as it stands there.
    pub tlvs: Vec<u8>,
}

/// Both ends of the client's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// The client's.
    pub source: SocketAddr,
    /// The one that it connected to.
    pub destination: SocketAddr,
}
