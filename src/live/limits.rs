//! How many readers there may be, and of whom.

use std::net::IpAddr;

use sys::socket::Peer;

use crate::membership::{Joining, Membership};

/// How many readers there may be; 0: any number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientLimits {
    /// Of a channel.
    pub channel: u32,
    /// Of the zone.
    pub zone: u32,
    /// Of one address; `None`: it is not written.
    pub address: Option<u32>,
}

/// Which limit keeps a client out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Of a channel's readers.
    Channel,
    /// Of an address' readers.
    Address,
    /// Of the zone's clients.
    Zone,
    /// This worker serves no readers any more.
    Draining,
}

/// Readers of one address, unless it is written.
const USUAL: u32 = 256;

impl ClientLimits {
    /// Whether a client that has just joined may stay; its address is counted.
    pub fn check(
        &self,
        peer: Peer,
        joining: &Joining,
        membership: &mut Membership,
    ) -> Result<(), Limit> {
        let is_over = |count: u32, most: u32| most > 0 && count > most;
        if is_over(joining.readers, self.channel) {
            return Err(Limit::Channel);
        }
        if is_over(joining.clients, self.zone) {
            return Err(Limit::Zone);
        }
        let most = of_address(self.address, peer);
        if most > 0 && is_over(membership.count_address(&address(peer)), most) {
            return Err(Limit::Address);
        }
        Ok(())
    }
}

/// Readers that an address may have; 0: any. What is not written counts nobody who may be a proxy: this
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
