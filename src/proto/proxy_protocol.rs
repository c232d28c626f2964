//! The header with which a proxy tells who the client is (haproxy's proxy-protocol.txt).
//!
//! ```text
//! v1:  PROXY TCP4 192.0.2.1 198.51.100.1 56324 1935\r\n        (or PROXY UNKNOWN …\r\n)
//! v2:  0D 0A 0D 0A 00 0D 0A 51 55 49 54 0A │ 2x │ family │ length (2) │ addresses, ports │ TLVs
//! ```

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use sys::socket::Peer;

/// The longest header that is taken.
pub const MOST: usize = 536;
/// The longest header of version 1.
const MOST_V1: usize = 107;
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// What the bytes are so far.
#[derive(Debug, PartialEq, Eq)]
pub enum Parsed {
    /// A header of `len` bytes. `None`: the proxy speaks for itself, or does not tell.
    Header {
        /// How long it is.
        len: usize,
        /// Who the client is.
        peer: Option<Peer>,
    },
    /// The beginning of one.
    Incomplete,
    /// No header.
    Invalid,
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
        return Parsed::Header { len, peer: None };
    }
    let [_, family @ ("TCP4" | "TCP6"), source, target, port, target_port] = words[..] else {
        return Parsed::Invalid;
    };
    let address =
        |text: &str| text.parse::<IpAddr>().ok().filter(|ip| ip.is_ipv4() == (family == "TCP4"));
    match (address(source), address(target), port.parse(), target_port.parse::<u16>()) {
        (Some(ip), Some(_), Ok(port), Ok(_)) => {
            Parsed::Header { len, peer: Some(Peer::Inet(SocketAddr::new(ip, port))) }
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
        return Parsed::Header { len, peer: None };
    }
    let port = |at: usize| body.get(at..at + 2).map(|two| u16::from_be_bytes([two[0], two[1]]));
    let peer = match family >> 4 {
        1 => body.first_chunk::<4>().map(|ip| IpAddr::V4(Ipv4Addr::from(*ip))).zip(port(8)),
        2 => body.first_chunk::<16>().map(|ip| IpAddr::V6(Ipv6Addr::from(*ip))).zip(port(32)),
        _ => return Parsed::Header { len, peer: None },
    };
    match peer {
        Some((ip, port)) => {
            Parsed::Header { len, peer: Some(Peer::Inet(SocketAddr::new(ip, port))) }
        }
        None => Parsed::Invalid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(text: &str) -> Option<Peer> {
        Some(Peer::Inet(text.parse().expect("an address")))
    }

    #[test]
    fn version_1() {
        let line = b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 1935\r\n\x03";
        for len in 0..line.len() - 1 {
            assert_eq!(parse(&line[..len]), Parsed::Incomplete, "{len}");
        }
        let header = Parsed::Header { len: line.len() - 1, peer: peer("192.0.2.1:56324") };
        assert_eq!(parse(line), header);
        assert_eq!(
            parse(b"PROXY TCP6 2001:db8::1 ::1 1 2\r\n"),
            Parsed::Header { len: 32, peer: peer("[2001:db8::1]:1") }
        );
        assert_eq!(parse(b"PROXY UNKNOWN\r\n"), Parsed::Header { len: 15, peer: None });
        for bad in
            [&b"PROXY TCP4 ::1 ::1 1 2\r\n"[..], b"PROXY TCP4 1.2.3.4\r\n", b"\x03", b"PROXX"]
        {
            assert_eq!(parse(bad), Parsed::Invalid);
        }
        assert_eq!(parse(&[b"PROXY ", &[b'x'; 110][..]].concat()), Parsed::Invalid);
    }

    #[test]
    fn version_2() {
        let mut header = SIGNATURE.to_vec();
        header.extend_from_slice(&[0x21, 0x11, 0, 15]);
        header.extend_from_slice(&[10, 0, 0, 1, 10, 0, 0, 2, 0x12, 0x34, 7, 0x8F]);
        header.extend_from_slice(&[1, 0, 0]);
        for len in 0..header.len() {
            assert_eq!(parse(&header[..len]), Parsed::Incomplete, "{len}");
        }
        assert_eq!(parse(&header), Parsed::Header { len: 31, peer: peer("10.0.0.1:4660") });
        header[12] = 0x20;
        assert_eq!(parse(&header), Parsed::Header { len: 31, peer: None });
        header[12] = 0x31;
        assert_eq!(parse(&header), Parsed::Invalid);
    }
}
