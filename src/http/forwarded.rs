//! What proxies tell of who is behind them: a list of addresses to whose end each of them adds the one that it was asked
//! from (`X-Forwarded-For: client, proxy, proxy`).

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Of the list of a proxy that is trusted, which may stand in several lines: its last address or, `recursive`, the last
/// that is none of a trusted proxy itself. What is no address ends the list. A port that is not told is 0.
pub fn behind<'l>(
    lines: impl Iterator<Item = &'l [u8]>,
    is_trusted: impl Fn(IpAddr) -> bool,
    recursive: bool,
) -> Option<SocketAddr> {
    let is_between = |byte: &u8| matches!(byte, b',' | b' ');
    let mut told = None;
    let lines: Vec<&[u8]> = lines.collect();
    for mut rest in lines.into_iter().rev() {
        loop {
            let end = rest.iter().rposition(|byte| !is_between(byte)).map_or(0, |last| last + 1);
            let from = rest[..end].iter().rposition(is_between).map_or(0, |at| at + 1);
            let Some(address) = parse(&rest[from..end]) else { return told };
            told = Some(address);
            if !recursive || !is_trusted(address.ip().to_canonical()) {
                return told;
            }
            if from == 0 {
                break;
            }
            rest = &rest[..from - 1];
        }
    }
    told
}

/// An address, which may have a port; one of IPv6 stands in brackets then. It may do so without (nginx since 1.27.3).
fn parse(text: &[u8]) -> Option<SocketAddr> {
    let text = std::str::from_utf8(text).ok()?;
    if let Ok(address) = text.parse::<SocketAddr>() {
        return (address.port() != 0).then_some(address);
    }
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = match bare {
        Some(bare) => bare.parse::<Ipv6Addr>().ok()?.into(),
        None => text.parse().ok()?,
    };
    Some(SocketAddr::new(address, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_from_their_end() {
        let trusted = |ip: IpAddr| ip.to_string().starts_with("10.");
        for (list, once, all) in [
            ("1.1.1.1, 10.0.0.2", "10.0.0.2:0", "1.1.1.1:0"),
            ("1.1.1.1 ,,10.0.0.2,, ", "10.0.0.2:0", "1.1.1.1:0"),
            ("9.9.9.9, 1.1.1.1:80, 10.0.0.2:7", "10.0.0.2:7", "1.1.1.1:80"),
            ("nonsense, 10.0.0.2", "10.0.0.2:0", "10.0.0.2:0"),
            ("10.0.0.3, 10.0.0.2", "10.0.0.2:0", "10.0.0.3:0"),
            ("[::1]:9", "[::1]:9", "[::1]:9"),
            ("[::1]", "[::1]:0", "[::1]:0"),
            ("[1.1.1.1]", "", ""),
            ("::1", "[::1]:0", "[::1]:0"),
            ("1.1.1.1, nonsense", "", ""),
            ("1.1.1.1:0", "", ""),
            ("1.1.1.1\n10.0.0.3\n10.0.0.2", "10.0.0.2:0", "1.1.1.1:0"),
            ("1.1.1.1\n,10.0.0.2", "10.0.0.2:0", "10.0.0.2:0"),
            ("1.1.1.1\n,,", "", ""),
            ("unix:", "", ""),
            ("\u{ff}", "", ""),
            ("", "", ""),
        ] {
            for (recursive, expected) in [(false, once), (true, all)] {
                let lines = list.split('\n').map(str::as_bytes);
                let told = behind(lines, trusted, recursive);
                assert_eq!(told.map(|a| a.to_string()).unwrap_or_default(), expected, "{list}");
            }
        }
    }
}
