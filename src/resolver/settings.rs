//! What `resolver` says: `resolver ADDRESS[:PORT] … [valid=TIME] [ipv4=on|off] [ipv6=on|off] [status_zone=NAME]`.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, ToSocketAddrs};

use conf::{Error, Setting, value};

/// The port of DNS.
const PORT: u16 = 53;
/// Milliseconds after which a question is asked again: nginx's.
const RESEND_MS: u64 = 5000;

/// Who is asked, for what, and how long that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The servers, at least one.
    pub servers: Vec<SocketAddr>,
    /// How many milliseconds answers hold, whatever they say themselves.
    pub valid_ms: Option<u64>,
    /// Whether addresses of IPv4 are asked for.
    pub ipv4: bool,
    /// Whether addresses of IPv6 are asked for.
    pub ipv6: bool,
    /// After so many milliseconds without an answer the next server is asked.
    pub resend_ms: u64,
}

impl Settings {
    /// Those of servers of which nothing else is said.
    pub fn of(servers: Vec<SocketAddr>) -> Settings {
        Settings { servers, valid_ms: None, ipv4: true, ipv6: true, resend_ms: RESEND_MS }
    }

    /// Reads the arguments of the directive. Names of servers are looked up by the system, which may take its time. The errors are
    /// nginx's.
    pub fn read(setting: &Setting<'_>) -> Result<Settings, Error> {
        let mut read = Settings::of(Vec::new());
        for (i, word) in setting.args().iter().enumerate() {
            let invalid = || setting.error_at(i, format!("invalid parameter: {}", word.text));
            match word.text.split_once('=') {
                Some(("valid", time)) => {
                    let seconds = value::seconds(time).ok_or_else(invalid)?;
                    // As in nginx, no time is none that was set.
                    read.valid_ms = (seconds > 0).then(|| seconds.saturating_mul(1000));
                }
                Some(("ipv4", on)) => read.ipv4 = flag(on).ok_or_else(invalid)?,
                Some(("ipv6", on)) => read.ipv6 = flag(on).ok_or_else(invalid)?,
                Some(("status_zone", _)) => {
                    setting.warn("\"status_zone\" of \"resolver\" is ignored: nothing is counted");
                }
                Some(_) => return Err(invalid()),
                None => {
                    let addresses = addresses(&word.text).map_err(|why| {
                        let error =
                            setting.error_at(i, format!("{why} in resolver \"{}\"", word.text));
                        match word.text.matches(':').count() {
                            0 | 1 => error,
                            _ => error.with_hint("an IPv6 address stands in brackets: [::1]:53"),
                        }
                    })?;
                    read.servers.extend(addresses);
                }
            }
        }
        if read.servers.is_empty() {
            return Err(setting.error("no name servers defined"));
        }
        if !read.ipv4 && !read.ipv6 {
            return Err(setting.error("\"ipv4\" and \"ipv6\" cannot both be \"off\""));
        }
        Ok(read)
    }

    /// A number that tells apart what is found out under other settings.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.servers, self.valid_ms, self.ipv4, self.ipv6).hash(&mut hasher);
        hasher.finish()
    }
}

/// As nginx compares it.
fn flag(text: &str) -> Option<bool> {
    match text {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}

/// The addresses that a word names; the error is nginx's.
fn addresses(text: &str) -> Result<Vec<SocketAddr>, &'static str> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or("invalid host")?;
        let ip: Ipv6Addr = host.parse().map_err(|_| "invalid IPv6 address")?;
        let port = match rest {
            "" => PORT,
            rest => rest.strip_prefix(':').and_then(port).ok_or("invalid port")?,
        };
        return Ok(vec![SocketAddr::new(ip.into(), port)]);
    }
    let (host, port) = match text.split_once(':') {
        Some((host, number)) => (host, port(number).ok_or("invalid port")?),
        None => (text, PORT),
    };
    if host.is_empty() {
        return Err("no host");
    }
    match host.parse::<IpAddr>() {
        Ok(ip) => Ok(vec![SocketAddr::new(ip, port)]),
        Err(_) => {
            let found = (host, port).to_socket_addrs().map_err(|_| "host not found")?;
            Ok(found.collect())
        }
    }
}

fn port(text: &str) -> Option<u16> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|&port| is_number && port > 0)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use conf::{Contexts, Env, Tree};

    use super::*;

    /// What comes of these arguments, and the warnings.
    fn read(arguments: &str) -> (Result<Settings, String>, Vec<String>) {
        let text = format!("resolver {arguments};");
        let tree = Tree::parse("test.conf", text).expect("it is a directive");
        let env = Env::new(&tree.files, Path::new("/"), Path::new("/"));
        let settings = Settings::read(&Setting::new(&tree.root[0], Contexts::MAIN, &env));
        let warnings = env.warnings.borrow().iter().map(|w| w.message().to_owned()).collect();
        (settings.map_err(|error| error.message().to_owned()), warnings)
    }

    fn well(arguments: &str) -> Settings {
        read(arguments).0.expect("it is right")
    }

    #[test]
    fn servers_have_addresses_and_ports() {
        let servers = |arguments: &str| -> Vec<String> {
            well(arguments).servers.iter().map(SocketAddr::to_string).collect()
        };
        assert_eq!(servers("127.0.0.1 10.0.0.1:5353"), ["127.0.0.1:53", "10.0.0.1:5353"]);
        assert_eq!(servers("[::1] [2001:db8::1]:54"), ["[::1]:53", "[2001:db8::1]:54"]);
        assert!(servers("localhost:99").iter().all(|server| server.ends_with(":99")));
        assert!(servers("localhost").contains(&"127.0.0.1:53".to_owned()));
    }

    #[test]
    fn words_say_how_long_answers_hold_and_what_is_asked_for() {
        let plain = well("127.0.0.1");
        assert_eq!(
            (plain.valid_ms, plain.ipv4, plain.ipv6, plain.resend_ms),
            (None, true, true, 5000)
        );
        let all = well("valid=1m 127.0.0.1 ipv6=off ipv4=on");
        assert_eq!((all.valid_ms, all.ipv4, all.ipv6), (Some(60_000), true, false));
        assert_eq!(well("127.0.0.1 valid=0").valid_ms, None);
        assert_eq!(
            well("127.0.0.1 valid=9223372036854775").valid_ms,
            Some(9_223_372_036_854_775_000)
        );
        let (settings, warnings) = read("127.0.0.1 status_zone=dns");
        assert_eq!(settings, Ok(plain));
        assert_eq!(warnings, ["\"status_zone\" of \"resolver\" is ignored: nothing is counted"]);
        let numbers = ["127.0.0.1", "127.0.0.2", "127.0.0.1 ipv4=off", "127.0.0.1 valid=1"];
        let numbers = numbers.map(|arguments| well(arguments).fingerprint());
        assert!((1..4).all(|i| !numbers[..i].contains(&numbers[i])), "{numbers:?}");
    }

    #[test]
    fn what_is_wrong_is_said_as_nginx_says_it() {
        let cases = [
            ("a..b.invalid", "host not found in resolver \"a..b.invalid\""),
            ("a..b.invalid:53", "host not found in resolver \"a..b.invalid:53\""),
            ("127.0.0.1:x", "invalid port in resolver \"127.0.0.1:x\""),
            ("127.0.0.1:0", "invalid port in resolver \"127.0.0.1:0\""),
            ("127.0.0.1:65536", "invalid port in resolver \"127.0.0.1:65536\""),
            ("127.0.0.1:", "invalid port in resolver \"127.0.0.1:\""),
            ("127.0.0.1:+1", "invalid port in resolver \"127.0.0.1:+1\""),
            (":53", "no host in resolver \":53\""),
            ("\"\"", "no host in resolver \"\""),
            ("2001:db8::1", "invalid port in resolver \"2001:db8::1\""),
            ("[::1", "invalid host in resolver \"[::1\""),
            ("[::g]", "invalid IPv6 address in resolver \"[::g]\""),
            ("[::1]53", "invalid port in resolver \"[::1]53\""),
            ("127.0.0.1 valid=x", "invalid parameter: valid=x"),
            ("127.0.0.1 valid=", "invalid parameter: valid="),
            ("127.0.0.1 ipv4=yes", "invalid parameter: ipv4=yes"),
            ("127.0.0.1 ipv6=", "invalid parameter: ipv6="),
            ("127.0.0.1 local=on", "invalid parameter: local=on"),
            ("valid=30s", "no name servers defined"),
            ("127.0.0.1 ipv4=off ipv6=off", "\"ipv4\" and \"ipv6\" cannot both be \"off\""),
        ];
        for (arguments, message) in cases {
            assert_eq!(read(arguments).0, Err(message.to_owned()), "{arguments}");
        }
    }
}
