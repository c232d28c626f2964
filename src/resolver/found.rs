//! What is found of a name.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::rc::Rc;

use crate::failure::Failure;

/// All that was found, and until when it holds.
#[derive(Debug, PartialEq, Eq)]
pub struct Found<T = IpAddr> {
    /// Addresses: those of IPv4 first, in the order of the answers. Services: those with the lowest priority first. Who wants
    /// to spread a load begins at another one each time.
    pub all: Rc<[T]>,
    /// In the loop's milliseconds ([`rt::now`]), which are the same in all processes.
    pub until: u64,
}

impl<T> Clone for Found<T> {
    fn clone(&self) -> Found<T> {
        Found { all: self.all.clone(), until: self.until }
    }
}

/// Where a service is: an address of one of its servers (RFC 2782).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// Those with the lowest are asked first.
    pub priority: u16,
    /// How much of the load it takes of those of its priority.
    pub weight: u16,
    /// Its port.
    pub port: u16,
    /// Its address.
    pub address: IpAddr,
}

/// What comes of a question, and how long that is remembered.
pub(crate) type Outcome<T> = Result<Found<T>, Failed>;

/// Nothing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    pub why: Failure,
    /// So long nobody asks again.
    pub until: u64,
}

/// What is kept of a name, as three words: so it lies in shared memory.
pub(crate) trait Row: Copy + 'static {
    fn store(&self) -> [u64; 3];
    fn load(words: [u64; 3]) -> Self;
}

/// An address of IPv4, beside ports, weights and priorities.
const V4: u64 = 1 << 48;

impl Row for Service {
    fn store(&self) -> [u64; 3] {
        let (address, v4) = match self.address {
            IpAddr::V4(v4) => (u128::from(v4.to_bits()), V4),
            IpAddr::V6(v6) => (v6.to_bits(), 0),
        };
        let numbers = [self.priority, self.weight, self.port].map(u64::from);
        let numbers = numbers[0] << 32 | numbers[1] << 16 | numbers[2];
        [(address >> 64) as u64, address as u64, numbers | v4]
    }

    fn load([high, low, numbers]: [u64; 3]) -> Service {
        let address = match numbers & V4 {
            0 => IpAddr::V6(Ipv6Addr::from_bits(u128::from(high) << 64 | u128::from(low))),
            _ => IpAddr::V4(Ipv4Addr::from_bits(low as u32)),
        };
        let [priority, weight, port] = [32, 16, 0].map(|shift| (numbers >> shift) as u16);
        Service { priority, weight, port, address }
    }
}

impl Row for IpAddr {
    fn store(&self) -> [u64; 3] {
        Service { priority: 0, weight: 0, port: 0, address: *self }.store()
    }

    fn load(words: [u64; 3]) -> IpAddr {
        Service::load(words).address
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_loaded() {
        for address in ["0.0.0.0", "255.254.1.2", "::", "2001:db8::ffff:1", "::ffff:10.0.0.1"] {
            let address: IpAddr = address.parse().expect("an address");
            assert_eq!(IpAddr::load(address.store()), address);
            for (priority, weight, port) in [(0, 0, 0), (1, 2, 3), (65535, 65534, 65533)] {
                let service = Service { priority, weight, port, address };
                assert_eq!(Service::load(service.store()), service);
            }
        }
    }
}
