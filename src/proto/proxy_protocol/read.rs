//! Headers that are received.

use super::{Addresses, Header, Parsed, SIGNATURE};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The longest header that is taken.
pub const MOST: usize = 4096;
/// The longest header of version 1.
const MOST_V1: usize = 107;

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
