//! The header with which a proxy tells who the client is (haproxy's proxy-protocol.txt).
//!
//! ```text
//! v1:  PROXY TCP4 192.0.2.1 198.51.100.1 56324 1935\r\n        (or PROXY UNKNOWN …\r\n)
//! v2:  0D 0A 0D 0A 00 0D 0A 51 55 49 54 0A │ 2x │ family │ length (2) │ addresses, ports │ TLVs
//! TLV: type (1) │ length (2) │ value          of TLS: 20 │ length │ client (1) │ verify (4) │ TLVs
//! ```
//!
//! Not left to the crate `ppp`: a header without TLVs must not allocate where connections are accepted, and TLVs are kept as
//! they stand there, to be looked up when a variable asks for one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The longest header that is taken.
pub const MOST: usize = 4096;
/// The longest header of version 1.
const MOST_V1: usize = 107;
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

/// Reads a header.
pub fn parse(bytes: &[u8]) -> Parsed {
    let start = bytes.len().min(SIGNATURE.len());
    if bytes[..start] == SIGNATURE[..start] {
        return parse_v2(bytes);
    }
    let start = bytes.len().min(6);
    if bytes[..start] != b"PROXY "[..start] {
        return Parsed::Invalid;
    }
    match bytes.windows(2).take(MOST_V1 - 1).position(|pair| pair == b"\r\n") {
        Some(end) => parse_v1(&bytes[..end], end + 2),
        None if bytes.len() < MOST_V1 => Parsed::Incomplete,
        None => Parsed::Invalid,
    }
}

fn parse_v1(line: &[u8], len: usize) -> Parsed {
    let Ok(line) = std::str::from_utf8(line) else { return Parsed::Invalid };
    let words: Vec<&str> = line.split(' ').collect();
    if words.get(1) == Some(&"UNKNOWN") {
        return Parsed::Header(len, Header::default());
    }
    let [_, family @ ("TCP4" | "TCP6"), source, destination, port, other_port] = words[..] else {
        return Parsed::Invalid;
    };
    let end = |ip: &str, port: &str| {
        let ip = ip.parse::<IpAddr>().ok().filter(|ip| ip.is_ipv4() == (family == "TCP4"))?;
        let plain = port.bytes().all(|byte| byte.is_ascii_digit());
        Some(SocketAddr::new(ip, port.parse().ok().filter(|_| plain)?))
    };
    match (end(source, port), end(destination, other_port)) {
        (Some(source), Some(destination)) => {
            let addresses = Some(Addresses { source, destination });
            Parsed::Header(len, Header { addresses, tlvs: Vec::new() })
        }
        _ => Parsed::Invalid,
    }
}

fn parse_v2(bytes: &[u8]) -> Parsed {
    let Some(&[version, family, high, low]) = bytes.get(12..16) else { return Parsed::Incomplete };
    let len = 16 + usize::from(u16::from_be_bytes([high, low]));
    if version >> 4 != 2 || version & 15 > 1 || len > MOST {
        return Parsed::Invalid;
    }
    let Some(body) = bytes.get(16..len) else { return Parsed::Incomplete };
    // LOCAL: the proxy's own connection, a health check.
    if version & 15 == 0 {
        return Parsed::Header(len, Header::default());
    }
    let (addresses, used) = match family >> 4 {
        1 => (v4(body), 12),
        2 => (v6(body), 36),
        // Of Unix sockets, or not told.
        3 => return Parsed::Header(len, Header { tlvs: rest(body, 216), addresses: None }),
        _ => return Parsed::Header(len, Header { tlvs: rest(body, 0), addresses: None }),
    };
    match addresses {
        Some(_) => Parsed::Header(len, Header { addresses, tlvs: rest(body, used) }),
        None => Parsed::Invalid,
    }
}

fn rest(body: &[u8], used: usize) -> Vec<u8> {
    body.get(used..).unwrap_or_default().to_vec()
}

fn v4(body: &[u8]) -> Option<Addresses> {
    let (from, body) = body.split_first_chunk::<4>()?;
    let (to, ports) = body.split_first_chunk::<4>()?;
    addresses(Ipv4Addr::from(*from).into(), Ipv4Addr::from(*to).into(), ports)
}

fn v6(body: &[u8]) -> Option<Addresses> {
    let (from, body) = body.split_first_chunk::<16>()?;
    let (to, ports) = body.split_first_chunk::<16>()?;
    addresses(Ipv6Addr::from(*from).into(), Ipv6Addr::from(*to).into(), ports)
}

fn addresses(from: IpAddr, to: IpAddr, ports: &[u8]) -> Option<Addresses> {
    let &[a, b, c, d] = ports.first_chunk::<4>()?;
    let source = SocketAddr::new(from, u16::from_be_bytes([a, b]));
    Some(Addresses { source, destination: SocketAddr::new(to, u16::from_be_bytes([c, d])) })
}

/// The TLV in which a proxy tells of the client's TLS: `client`, `verify`, and TLVs of its own.
const SSL: u8 = 0x20;

/// Types by their names; those of TLS stand in its own TLV.
const TYPES: [(&str, u8); 10] = [
    ("alpn", 0x01),
    ("authority", 0x02),
    ("unique_id", 0x05),
    ("ssl", SSL),
    ("netns", 0x30),
    ("ssl_version", 0x21),
    ("ssl_cn", 0x22),
    ("ssl_cipher", 0x23),
    ("ssl_sig_alg", 0x24),
    ("ssl_key_alg", 0x25),
];

impl Header {
    /// What the proxy tells under a name: one of its types', `ssl_verify`, or `0x` and a type's number, which after `ssl_`
    /// is one of TLS.
    pub fn tlv(&self, name: &str) -> Option<Vec<u8>> {
        let ssl = || find(&self.tlvs, SSL)?.split_first_chunk::<5>();
        if name == "ssl_verify" {
            let ([_, verify @ ..], _) = ssl()?;
            return Some(u32::from_be_bytes(*verify).to_string().into_bytes());
        }
        let of_ssl = name.starts_with("ssl_");
        let number = name.trim_start_matches("ssl_").strip_prefix("0x");
        let known = TYPES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
        let kind = number.and_then(|hex| u8::from_str_radix(hex, 16).ok()).or(known)?;
        let value = if of_ssl { find(ssl()?.1, kind) } else { find(&self.tlvs, kind) };
        value.map(<[u8]>::to_vec)
    }
}

/// The value of the first TLV of a type.
fn find(mut tlvs: &[u8], wanted: u8) -> Option<&[u8]> {
    while let Some((&[kind, high, low], rest)) = tlvs.split_first_chunk::<3>() {
        let (value, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([high, low])))?;
        if kind == wanted {
            return Some(value);
        }
        tlvs = rest;
    }
    None
}
