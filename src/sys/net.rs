//! Networks: an address and how many of its leading bits count.

use std::net::IpAddr;

/// A block of addresses, `192.168.0.0/16`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: u128,
    mask: u128,
    v6: bool,
    /// The address had bits set that do not count.
    low_bits: bool,
}

impl Network {
    /// Reads `ADDRESS` or `ADDRESS/BITS`.
    pub fn parse(text: &str) -> Option<Network> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u32>().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let (mut value, mut width) = self::value(address);
        let mut bits = bits.unwrap_or(width);
        if bits > width {
            return None;
        }
        // Clients that come as IPv4 over an IPv6 socket are asked for as IPv4 (`Peer::ip`).
        if bits >= 96
            && let IpAddr::V6(v6) = address
            && let Some(v4) = v6.to_ipv4_mapped()
        {
            (value, width, bits) = (u32::from(v4).into(), 32, bits - 96);
        }
        let mask = match width - bits {
            128 => 0,
            low => u128::MAX << low,
        };
        let low_bits = value & !mask != 0;
        Some(Network { address: value & mask, mask, v6: width == 128, low_bits })
    }

    /// Whether `address` is in the block.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (value, width) = value(address);
        self.v6 == (width == 128) && value & self.mask == self.address
    }

    /// Whether it has addresses of IPv6.
    pub fn is_v6(&self) -> bool {
        self.v6
    }

    /// The bits that count, as far as the width of its addresses goes; a longer prefix is a greater number.
    pub fn mask(&self) -> u128 {
        self.mask
    }

    /// Its first address.
    pub fn first(&self) -> u128 {
        self.address
    }

    /// Whether the address was written with bits that do not count (`10.1.2.3/8`).
    pub fn has_low_bits(&self) -> bool {
        self.low_bits
    }
}

/// An address as a number, and how many bits it has.
pub fn value(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(v4) => (u32::from(v4).into(), 32),
        IpAddr::V6(v6) => (v6.into(), 128),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_contain_their_addresses() {
        let has = |network: &str, address: &str| {
            let network = Network::parse(network).expect("a network");
            network.contains(address.parse().expect("an address"))
        };
        assert!(has("10.0.0.0/8", "10.255.0.1") && !has("10.0.0.0/8", "11.0.0.1"));
        assert!(has("127.0.0.1", "127.0.0.1") && !has("127.0.0.1", "127.0.0.2"));
        assert!(has("2001:db8::/32", "2001:db8:1::1") && !has("2001:db8::/32", "2001:db9::1"));
        assert!(has("0.0.0.0/0", "1.2.3.4") && !has("0.0.0.0/0", "::1") && has("::/0", "::1"));
        assert!(Network::parse("10.1.2.3/8").is_some_and(|network| network.has_low_bits()));
        for bad in ["10.0.0.0/33", "x", "::/129", "10.0.0/8", ""] {
            assert_eq!(Network::parse(bad), None, "{bad}");
        }
    }
}
