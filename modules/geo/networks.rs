//! Values of networks: the longest that contains an address counts.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use mem::Str;
use sys::net::{self, Network};

/// Tables by what counts of an address: a look-up asks one for each length of prefixes that there is, the longest first.
#[derive(Default)]
pub struct Networks {
    v4: Tables,
    v6: Tables,
}

/// By mask, then by the network's first address.
type Tables = BTreeMap<u128, HashMap<u128, Str>>;

impl Networks {
    /// Gives a network a value, and tells what it had before.
    pub fn insert(&mut self, network: Network, value: Str) -> Option<Str> {
        self.of(network).entry(network.mask()).or_default().insert(network.first(), value)
    }

    /// Takes its value away; says whether it had one.
    pub fn remove(&mut self, network: Network) -> bool {
        let table = self.of(network).get_mut(&network.mask());
        table.is_some_and(|table| table.remove(&network.first()).is_some())
    }

    /// The value of an address.
    pub fn find(&self, ip: IpAddr) -> Option<&Str> {
        let tables = if ip.is_ipv6() { &self.v6 } else { &self.v4 };
        let (number, _) = net::value(ip);
        tables.iter().rev().find_map(|(mask, table)| table.get(&(number & mask)))
    }

    fn of(&mut self, network: Network) -> &mut Tables {
        if network.is_v6() { &mut self.v6 } else { &mut self.v4 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_counts() {
        let mut networks = Networks::default();
        let network = |text: &str| Network::parse(text).expect("a network");
        for text in ["0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.1.1", "::/0", "2001:db8::/32"]
        {
            assert_eq!(networks.insert(network(text), Str::from(text)), None);
        }
        let found = |networks: &Networks, text: &str| {
            networks.find(text.parse().expect("an address")).map_or(String::new(), Str::to_string)
        };
        for (ip, expected) in [
            ("10.1.1.1", "10.1.1.1"),
            ("10.1.1.2", "10.1.0.0/16"),
            ("10.2.0.0", "10.0.0.0/8"),
            ("11.0.0.0", "0.0.0.0/0"),
            ("2001:db8::1", "2001:db8::/32"),
            ("2001:db9::1", "::/0"),
        ] {
            assert_eq!(found(&networks, ip), expected);
        }
        assert!(
            networks.remove(network("10.1.0.0/16")) && !networks.remove(network("10.1.0.0/16"))
        );
        assert_eq!(found(&networks, "10.1.1.2"), "10.0.0.0/8");
    }
}
