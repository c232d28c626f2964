//! What stands in a `listen` directive of any block: an address, and options of its socket.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

use conf::value;
use sys::socket::{Address, Keepalive, Options};

/// Why a parameter that nginx accepts has no effect here, if it has none.
pub fn ignored(address: &Address, text: &str) -> Option<String> {
    let v6 = matches!(address, Address::Inet(address) if address.is_ipv6());
    match text.split_once('=') {
        Some(("ipv6only", flag)) if !v6 && value::flag(flag).is_some() => {
            Some(format!("ipv6only has no effect on addr \"{address}\", ignored"))
        }
        Some(("accept_filter", name)) => {
            Some(format!("accept filters \"{name}\" are not supported on this platform, ignored"))
        }
        _ => None,
    }
}

/// Sets the socket option that a parameter names. The error says what is wrong with it.
pub fn option(address: &Address, options: &mut Options, text: &str) -> Result<(), String> {
    let (name, argument) = match text.split_once('=') {
        Some((name, argument)) => (name, Some(argument)),
        None => (text, None),
    };
    let invalid = || format!("invalid {name} \"{text}\"");
    let number = || argument.and_then(|a| a.parse::<i32>().ok()).filter(|n| *n != 0);
    match (name, argument) {
        ("bind", None) => {}
        ("reuseport", None) => options.reuseport = true,
        ("deferred", None) => options.deferred = true,
        ("multipath", None) => options.multipath = true,
        ("backlog", _) => options.backlog = number().ok_or_else(invalid)?,
        ("fastopen", _) => options.fastopen = Some(number().ok_or_else(invalid)?),
        ("rcvbuf", Some(size)) => options.rcvbuf = Some(bytes(size).ok_or_else(invalid)?),
        ("sndbuf", Some(size)) => options.sndbuf = Some(bytes(size).ok_or_else(invalid)?),
        ("ipv6only", Some(flag)) => {
            options.ipv6only = value::flag(flag).ok_or_else(invalid)?;
            if !matches!(address, Address::Inet(address) if address.is_ipv6()) {
                return Err(format!("ipv6only is not supported on addr \"{}\"", address));
            }
        }
        ("so_keepalive", Some(times)) => {
            options.so_keepalive = Some(keepalive(times).ok_or_else(invalid)?);
        }
        _ => return Err(format!("invalid parameter \"{text}\"")),
    }
    Ok(())
}

fn bytes(text: &str) -> Option<usize> {
    value::size(text).and_then(|size| usize::try_from(size).ok())
}

/// `on`, `off`, or `[idle]:[interval]:[count]`.
fn keepalive(text: &str) -> Option<Keepalive> {
    if let Some(on) = value::flag(text) {
        return Some(Keepalive { on, ..Keepalive::default() });
    }
    let parts: Vec<&str> = text.split(':').collect();
    let [idle, interval, count] = parts[..] else { return None };
    if parts.iter().all(|part| part.is_empty()) {
        return None;
    }
    let seconds = |part: &str| match part {
        "" => Some(None),
        part => value::seconds(part).map(Some),
    };
    let count = match count {
        "" => None,
        count => Some(count.parse().ok()?),
    };
    Some(Keepalive { on: true, idle: seconds(idle)?, interval: seconds(interval)?, count })
}

/// The addresses that are written as one: the last port may be a range, `127.0.0.1:8000-8010`.
pub fn addresses(text: &str, default: u16) -> Result<Vec<Address>, String> {
    let range = match text.starts_with("unix:") {
        true => None,
        false => text.rsplit_once('-').filter(|(_, last)| last.bytes().all(|b| b.is_ascii_digit())),
    };
    let Some((first, last)) = range else { return Ok(vec![address(text, default)?]) };
    // A name may have such an end, too: what precedes it must be a port.
    let digits = first.rsplit(':').next().unwrap_or_default();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(vec![address(text, default)?]);
    }
    let (from, to) = (port(digits, text)?, port(last, text)?);
    if from > to {
        return Err(format!("invalid port range in \"{text}\" of the \"listen\" directive"));
    }
    let start = &first[..first.len() - digits.len()];
    (from..=to).map(|port| address(&format!("{start}{port}"), default)).collect()
}

/// An address as it is written; `default` is the port of one without.
///
/// `8080`, `*:8080`, `127.0.0.1`, `127.0.0.1:8080`, `localhost:8080`, `[::1]:8080`, `unix:/path`.
pub fn address(text: &str, default: u16) -> Result<Address, String> {
    if let Some(path) = text.strip_prefix("unix:") {
        return match path {
            "" => Err(format!("no path in the unix domain socket in \"{text}\"")),
            path if path.len() > 107 => Err(format!("too long path in \"{text}\"")),
            path => Ok(Address::Unix(path.into())),
        };
    }
    let any = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(Address::Inet(SocketAddr::new(any, port(text, text)?)));
    }
    if let Some(rest) = text.strip_prefix('[') {
        let (ip, rest) = rest.split_once(']').ok_or(format!("host not found in \"{text}\""))?;
        let ip: Ipv6Addr = ip.parse().map_err(|_| format!("invalid IPv6 address in \"{text}\""))?;
        let port = match rest.strip_prefix(':') {
            Some(digits) => port(digits, text)?,
            None if rest.is_empty() => default,
            None => return Err(format!("invalid host in \"{text}\"")),
        };
        return Ok(Address::Inet(SocketAddr::new(ip.into(), port)));
    }
    let (host, port) = match text.split_once(':') {
        Some((host, digits)) => (host, port(digits, text)?),
        None => (text, default),
    };
    if host == "*" {
        return Ok(Address::Inet(SocketAddr::new(any, port)));
    }
    let ip = host.parse::<Ipv4Addr>().map(IpAddr::V4).ok();
    let ip = ip.or_else(|| {
        let mut found = (host, port).to_socket_addrs().ok()?;
        found.find(SocketAddr::is_ipv4).map(|address| address.ip())
    });
    let ip =
        ip.ok_or_else(|| format!("host not found in \"{text}\" of the \"listen\" directive"))?;
    Ok(Address::Inet(SocketAddr::new(ip, port)))
}

fn port(digits: &str, text: &str) -> Result<u16, String> {
    match digits.parse() {
        Ok(0) | Err(_) => Err(format!("invalid port in \"{text}\" of the \"listen\" directive")),
        Ok(port) => Ok(port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let shown = |text: &str| address(text, 80).map(|address| address.to_string());
        assert_eq!(shown("8080").as_deref(), Ok("0.0.0.0:8080"));
        assert_eq!(shown("*:81").as_deref(), Ok("0.0.0.0:81"));
        assert_eq!(shown("127.0.0.1").as_deref(), Ok("127.0.0.1:80"));
        assert_eq!(shown("localhost:8080").as_deref(), Ok("127.0.0.1:8080"));
        assert_eq!(shown("[::1]:8080").as_deref(), Ok("[::1]:8080"));
        assert_eq!(shown("[::]").as_deref(), Ok("[::]:80"));
        assert_eq!(shown("unix:/run/x.sock").as_deref(), Ok("unix:/run/x.sock"));
        for bad in ["0", "70000", "a:b", "[::1", "[::1]x", "[x]:1", "unix:", "no.such.host.invalid"]
        {
            assert!(shown(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn ranges_of_ports() {
        let shown = |text: &str| -> Result<Vec<String>, String> {
            Ok(super::addresses(text, 80)?.iter().map(Address::to_string).collect())
        };
        let three = |start: &str| Ok((1..4).map(|port| format!("{start}:800{port}")).collect());
        assert_eq!(shown("127.0.0.1:8001-8003"), three("127.0.0.1"));
        assert_eq!(shown("8001-8003"), three("0.0.0.0"));
        assert_eq!(shown("*:8001-8003"), three("0.0.0.0"));
        assert_eq!(shown("[::1]:8001-8003"), three("[::1]"));
        assert_eq!(shown("8001-8001").map(|all| all.len()), Ok(1));
        assert_eq!(shown("unix:/a:1-2").map(|all| all.len()), Ok(1));
        for bad in ["8003-8001", "8001-", "-8001", "0-1", "1-70000", "127.0.0.1:1-2-3", "a:1-b"] {
            assert!(shown(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_has_no_effect() {
        let v4 = address("80", 80).expect("an address");
        let v6 = address("[::]:80", 80).expect("an address");
        assert!(ignored(&v4, "ipv6only=on").is_some() && ignored(&v6, "ipv6only=on").is_none());
        assert!(ignored(&v4, "accept_filter=httpready").is_some());
        assert!(ignored(&v4, "ipv6only=x").is_none() && ignored(&v4, "deferred").is_none());
    }

    #[test]
    fn keepalive_times() {
        let times = keepalive("30m::10").expect("valid");
        assert_eq!((times.on, times.idle, times.interval), (true, Some(1800), None));
        assert_eq!(times.count, Some(10));
        assert!(keepalive("::").is_none() && keepalive("1:2").is_none());
    }
}
