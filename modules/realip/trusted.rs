//! `set_real_ip_from`: who is believed.

use std::net::{IpAddr, ToSocketAddrs};

use conf::{Error, Setting};
use sys::net::Network;
use sys::socket::Peer;

/// A proxy, or a network of them.
#[derive(Clone, Copy, Debug)]
pub enum Trusted {
    /// Whoever comes by a Unix socket.
    Unix,
    /// Addresses.
    Network(Network),
}

impl Trusted {
    /// Reads the directive; the name of a host stands for all of its addresses at that time.
    pub fn read(setting: &Setting<'_>) -> Result<Vec<Trusted>, Error> {
        let text = setting.arg(0);
        if text == "unix:" {
            return Ok(vec![Trusted::Unix]);
        }
        if let Some(network) = Network::parse(text) {
            if network.has_low_bits() {
                setting.warn(format!("low address bits of {text} are meaningless"));
            }
            return Ok(vec![Trusted::Network(network)]);
        }
        let found = (text, 0).to_socket_addrs();
        let networks = found.into_iter().flatten().filter_map(|address| {
            Some(Trusted::Network(Network::parse(&address.ip().to_string())?))
        });
        let networks: Vec<_> = networks.collect();
        match networks.is_empty() {
            true => {
                let message = format!("host not found in {} \"{text}\"", setting.name());
                Err(setting.error_at(0, message))
            }
            false => Ok(networks),
        }
    }

    /// Whether this client is one of them.
    pub fn includes(self, peer: Peer) -> bool {
        match self {
            Trusted::Unix => peer == Peer::Unix,
            Trusted::Network(_) => peer.ip().is_some_and(|ip| self.has(ip)),
        }
    }

    /// Whether this address is one of theirs.
    pub fn has(self, ip: IpAddr) -> bool {
        matches!(self, Trusted::Network(network) if network.contains(ip))
    }
}
