//! Addresses of peers as directives write them: `HOST[:PORT]`, `[V6][:PORT]`, `unix:PATH`.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use sys::socket::Address;

/// What a text names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A path.
    Unix(PathBuf),
    /// A host, which may be an address, without brackets, and a port.
    Inet {
        /// The host.
        host: String,
        /// The port, if one is written.
        port: Option<u16>,
    },
}

/// Reads a text. The error is in nginx's words.
pub fn parse(text: &str) -> Result<Target, String> {
    if let Some(path) = text.strip_prefix("unix:") {
        return match path.is_empty() {
            true => Err(format!("no path in the unix domain socket in upstream \"{text}\"")),
            false => Ok(Target::Unix(conf::text::path(path))),
        };
    }
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (host, port),
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    if host.is_empty() {
        return Err(format!("no host in upstream \"{text}\""));
    }
    let invalid = || format!("invalid port in upstream \"{text}\"");
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => None,
        None => return Err(invalid()),
        Some(port) => {
            let digits = port.bytes().all(|byte| byte.is_ascii_digit());
            let number = port.parse().ok().filter(|&port: &u16| digits && port > 0);
            Some(number.ok_or_else(invalid)?)
        }
    };
    Ok(Target::Inet { host: host.to_owned(), port })
}

/// The addresses of a target, each once; names are looked up by the system. The error is in nginx's words.
pub fn addresses(target: &Target, default_port: u16) -> Result<Vec<Address>, String> {
    let (host, port) = match target {
        Target::Unix(path) => return Ok(vec![Address::Unix(path.clone())]),
        Target::Inet { host, port } => (&host[..], port.unwrap_or(default_port)),
    };
    let failed =
        |why: &dyn std::fmt::Display| format!("host not found in upstream \"{host}\" ({why})");
    let found = (host, port).to_socket_addrs().map_err(|error| failed(&error))?;
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for address in found {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    match addresses.is_empty() {
        true => Err(failed(&"no address")),
        false => Ok(addresses.into_iter().map(Address::Inet).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets() {
        let inet = |host: &str, port| Ok(Target::Inet { host: host.to_owned(), port });
        assert_eq!(parse("a.example:80"), inet("a.example", Some(80)));
        assert_eq!(parse("a.example"), inet("a.example", None));
        assert_eq!(parse("[::1]:8080"), inet("::1", Some(8080)));
        assert_eq!(parse("[::1]"), inet("::1", None));
        assert_eq!(parse("unix:/tmp/x"), Ok(Target::Unix("/tmp/x".into())));
        for text in ["a:0", "a:65536", "a:", "a:+1", "a:8x", "[::1]8", "[::1]:x"] {
            assert_eq!(parse(text), Err(format!("invalid port in upstream \"{text}\"")), "{text}");
        }
        assert_eq!(parse(":80"), Err("no host in upstream \":80\"".to_owned()));
        assert!(parse("unix:").is_err());
    }

    #[test]
    fn addresses_come_once() {
        let target = parse("127.0.0.1").expect("a target");
        let here = SocketAddr::from(([127, 0, 0, 1], 8000));
        assert_eq!(addresses(&target, 8000), Ok(vec![Address::Inet(here)]));
        let unknown = parse("no-such-host.invalid").expect("a target");
        let why = addresses(&unknown, 80).expect_err("no such host");
        assert!(why.starts_with("host not found in upstream \"no-such-host.invalid\""), "{why}");
    }
}
