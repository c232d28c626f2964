//! How many streams there may be, and of whom.

use std::net::IpAddr;

use broadcast::Full;
use sys::socket::Peer;

use crate::membership::Membership;
use crate::settings::Settings;

/// Which limit keeps a client out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Of channels.
    Channels,
    /// Of a channel's subscribers.
    Subscribers,
    /// Of an address' streams.
    Address,
    /// Of the zone's streams.
    Streams,
    /// This worker serves no streams any more.
    Leaving,
}

/// Streams of one address, unless it is written.
const USUAL: u32 = 256;

impl From<Full> for Limit {
    fn from(_: Full) -> Limit {
        Limit::Channels
    }
}

/// Counts a client that has just become one of `subscribers` of a channel.
pub fn count(
    settings: &Settings,
    peer: Peer,
    subscribers: u32,
    membership: &mut Membership,
) -> Result<(), Limit> {
    if settings.max_subscribers > 0 && subscribers > settings.max_subscribers {
        return Err(Limit::Subscribers);
    }
    let most = settings.max_streams;
    if most > 0 && is_over(membership.count("streams"), most) {
        return Err(Limit::Streams);
    }
    let most = of_address(settings.max_per_address, peer);
    if most > 0 && is_over(membership.count(&address(peer)), most) {
        return Err(Limit::Address);
    }
    Ok(())
}

/// Where there are more clients than can be counted, nobody is kept out for that.
fn is_over(counted: Result<u32, Full>, most: u32) -> bool {
    counted.is_ok_and(|count| count > most)
}

/// Streams that an address may have; 0: any. What is not written counts nobody who may be a proxy: this
/// machine and its private networks, behind which there may be thousands.
fn of_address(written: Option<u32>, peer: Peer) -> u32 {
    match written {
        Some(written) => written,
        None if peer.ip().is_some_and(is_public) => USUAL,
        None => 0,
    }
}

fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            // RFC 6598: carriers' translators.
            let [a, b, ..] = ip.octets();
            let shared = a == 100 && b & 0xc0 == 64;
            !(ip.is_loopback() || ip.is_private() || ip.is_link_local() || shared)
        }
        IpAddr::V6(ip) => !(ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local()),
    }
}

/// By what a client is counted. One that has an IPv6 address has the whole /64 (RFC 6177).
fn address(peer: Peer) -> String {
    match peer.ip().map(|ip| ip.to_canonical()) {
        Some(IpAddr::V6(ip)) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        Some(ip) => ip.to_string(),
        None => peer.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(ip: &str) -> Peer {
        Peer::Inet(std::net::SocketAddr::new(ip.parse().expect("an address"), 1))
    }

    #[test]
    fn who_may_be_a_proxy_is_not_counted_unless_it_is_written() {
        for ip in [
            "127.0.0.1",
            "::1",
            "::ffff:127.0.0.1",
            "10.1.2.3",
            "192.168.0.1",
            "172.31.0.1",
            "100.64.0.1",
            "169.254.1.1",
            "fd00::1",
            "fe80::1",
        ] {
            assert_eq!(of_address(None, peer(ip)), 0, "{ip}");
            assert_eq!(of_address(Some(3), peer(ip)), 3, "{ip}");
        }
        for ip in ["192.0.2.1", "100.63.0.1", "100.128.0.1", "2001:db8::1", "::ffff:192.0.2.1"] {
            assert_eq!(
                (of_address(None, peer(ip)), of_address(Some(0), peer(ip))),
                (256, 0),
                "{ip}"
            );
        }
        assert_eq!((of_address(None, Peer::Unix), of_address(Some(9), Peer::Unix)), (0, 9));
    }

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        assert_eq!(address(peer("2001:db8:1:2::1")), address(peer("2001:db8:1:2:ffff::9")));
        assert_ne!(address(peer("2001:db8:1:2::1")), address(peer("2001:db8:1:3::1")));
        assert_eq!(address(peer("::ffff:192.0.2.1")), "192.0.2.1");
    }
}
