//! Headers to be sent.

use super::{Addresses, SIGNATURE};
use std::fmt;
use std::io::Write;
use std::net::{IpAddr, SocketAddr};

/// Bytes of a Unix socket's path in a header.
const PATH: usize = 108;
/// What stands beside a family.
const STREAM: u8 = 1;
const DATAGRAM: u8 = 2;

/// What a header tells of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told<'a> {
    /// It is the proxy's own: a health check.
    Local,
    /// It is a client's; from where is not told.
    Unknown,
    /// A client's over TCP.
    Tcp(Addresses),
    /// A client's over UDP.
    Udp(Addresses),
    /// A client's over a Unix socket: paths of 108 bytes at most, empty for a socket without a name.
    Unix {
        /// The client's.
        source: &'a [u8],
        /// The one that it connected to.
        destination: &'a [u8],
    },
}

/// A header cannot be that long, or a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the PROXY protocol header would be too long")
    }
}

impl std::error::Error for TooLong {}

/// Appends a header of version 1, which knows TCP only: datagrams are told as nginx does, as if they were of TCP, and of anything else
/// it says that it is unknown.
pub fn write_v1(told: &Told<'_>, out: &mut Vec<u8>) {
    let (Told::Tcp(addresses) | Told::Udp(addresses)) = told else {
        return out.extend_from_slice(b"PROXY UNKNOWN\r\n");
    };
    let (source, destination) = of_one_family(addresses);
    let family = if source.is_ipv4() { "TCP4" } else { "TCP6" };
    let (from, to) = (addresses.source.port(), addresses.destination.port());
    // Writing to a Vec cannot fail.
    let _ = write!(out, "PROXY {family} {source} {destination} {from} {to}\r\n");
}

/// Appends a header of version 2, with TLVs: types and values.
pub fn write_v2(told: &Told<'_>, tlvs: &[(u8, &[u8])], out: &mut Vec<u8>) -> Result<(), TooLong> {
    let mut body = Vec::new();
    let (command, family) = match told {
        Told::Local => (0x20, 0x00),
        Told::Unknown => (0x21, 0x00),
        Told::Tcp(addresses) => (0x21, family(addresses, &mut body) | STREAM),
        Told::Udp(addresses) => (0x21, family(addresses, &mut body) | DATAGRAM),
        Told::Unix { source, destination } => {
            for path in [source, destination] {
                let zeros = PATH.checked_sub(path.len()).ok_or(TooLong)?;
                body.extend_from_slice(path);
                body.resize(body.len() + zeros, 0);
            }
            (0x21, 0x31)
        }
    };
    for (kind, value) in tlvs {
        write_tlv(*kind, value, &mut body)?;
    }
    let len = u16::try_from(body.len()).map_err(|_| TooLong)?;
    out.extend_from_slice(SIGNATURE);
    out.extend_from_slice(&[command, family]);
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(&body);
    Ok(())
}

/// Appends a TLV: to the value of one that is made of others, that of TLS.
pub fn write_tlv(kind: u8, value: &[u8], out: &mut Vec<u8>) -> Result<(), TooLong> {
    let len = u16::try_from(value.len()).map_err(|_| TooLong)?;
    out.push(kind);
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(value);
    Ok(())
}

/// Appends addresses and ports, and tells the family, without what is said in it.
fn family(addresses: &Addresses, body: &mut Vec<u8>) -> u8 {
    let (source, destination) = of_one_family(addresses);
    for ip in [source, destination] {
        match ip {
            IpAddr::V4(ip) => body.extend_from_slice(&ip.octets()),
            IpAddr::V6(ip) => body.extend_from_slice(&ip.octets()),
        }
    }
    for port in [addresses.source.port(), addresses.destination.port()] {
        body.extend_from_slice(&port.to_be_bytes());
    }
    if source.is_ipv4() { 0x10 } else { 0x20 }
}

/// Both as a header can tell them: where only one of them is of IPv4, which a proxy in front may have told, it is mapped.
fn of_one_family(addresses: &Addresses) -> (IpAddr, IpAddr) {
    let mapped = |end: SocketAddr| match end.ip() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().into(),
        ip => ip,
    };
    let (source, destination) = (addresses.source, addresses.destination);
    match source.is_ipv4() == destination.is_ipv4() {
        true => (source.ip(), destination.ip()),
        false => (mapped(source), mapped(destination)),
    }
}
