//! Which address counts.

use std::net::{IpAddr, Ipv4Addr};

use http::vars::connection::Connected;
use http::vars::template::Template;
use http::{Request, forwarded};
use stream::Session;
use sys::net::Network;

/// Whose address counts.
pub trait Client: Connected {
    /// What proxies say of it: lines of addresses, each of which one has added to.
    fn told(&self) -> impl Iterator<Item = &[u8]>;
}

impl Client for Request {
    fn told(&self) -> impl Iterator<Item = &[u8]> {
        self.headers_named("x_forwarded_for")
    }
}

impl Client for Session {
    fn told(&self) -> impl Iterator<Item = &[u8]> {
        std::iter::empty()
    }
}

/// Whose word on addresses is taken.
#[derive(Default)]
pub struct Proxies {
    pub trusted: Vec<Network>,
    /// Also those that they name.
    pub recursive: bool,
}

/// What is none: nginx's choice.
const NONE: IpAddr = IpAddr::V4(Ipv4Addr::BROADCAST);

/// The address of a request: in a variable's value, or the client's, and from there on by what trusted proxies say.
pub fn of<R: Client>(request: &R, source: Option<&Template<R>>, proxies: &Proxies) -> IpAddr {
    let first = match source {
        Some(template) => {
            let mut text = Vec::new();
            template.write(request, &mut text, |_, _, _| {});
            std::str::from_utf8(&text).ok().and_then(|text| text.parse().ok())
        }
        None => Connected::peer(request).ip(),
    };
    let first = first.map_or(NONE, |ip| ip.to_canonical());
    match proxies.trusted.is_empty() {
        true => first,
        false => behind(first, request.told(), proxies),
    }
}

/// Of a list that each proxy has added to, the last address that no trusted one has said of itself.
fn behind<'l>(address: IpAddr, lines: impl Iterator<Item = &'l [u8]>, proxies: &Proxies) -> IpAddr {
    let is_trusted = |ip: IpAddr| proxies.trusted.iter().any(|network| network.contains(ip));
    let told = || forwarded::behind(lines, is_trusted, proxies.recursive);
    let told = is_trusted(address).then(told).flatten();
    told.map_or(address, |told| told.ip().to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_believed_as_far_as_they_are_trusted() {
        let trusted = vec![Network::parse("10.0.0.0/8").expect("a network")];
        let ip = |text: &str| -> IpAddr { text.parse().expect("an address") };
        for (client, list, once, all) in [
            ("10.0.0.1", "1.1.1.1, 10.0.0.2", "10.0.0.2", "1.1.1.1"),
            ("10.0.0.1", "1.1.1.1", "1.1.1.1", "1.1.1.1"),
            ("10.0.0.1", "", "10.0.0.1", "10.0.0.1"),
            ("2.2.2.2", "1.1.1.1", "2.2.2.2", "2.2.2.2"),
            ("10.0.0.1", "1.1.1.1, nonsense", "10.0.0.1", "10.0.0.1"),
            ("10.0.0.1", "1.1.1.1:80,10.0.0.2", "10.0.0.2", "1.1.1.1"),
            ("10.0.0.1", "::ffff:1.1.1.1", "1.1.1.1", "1.1.1.1"),
        ] {
            for (recursive, expected) in [(false, once), (true, all)] {
                let proxies = Proxies { trusted: trusted.clone(), recursive };
                assert_eq!(
                    behind(ip(client), std::iter::once(list.as_bytes()), &proxies),
                    ip(expected),
                    "{list}"
                );
            }
        }
    }
}
