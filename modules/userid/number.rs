//! The number of a client.
//!
//! ```text
//!  0         4         8             12         bytes; in base64 they are the cookie's value
//!  service | time (s) | process      | count
//!          |          | µs/20 | pid  |           in network order, in the first form in this machine's
//! ```

use std::cell::Cell;
use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use http::Request;
use sys::socket::Address;

/// The number, as it is in the cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uid([u8; 16]);

/// The count of the second form begins here.
const FIRST: u32 = 0x0303_0302;

thread_local! {
    static COUNT_V1: Cell<u32> = const { Cell::new(1) };
    static COUNT_V2: Cell<u32> = const { Cell::new(FIRST) };
    static START: Cell<Option<u32>> = const { Cell::new(None) };
}

impl Uid {
    /// Of a cookie: 22 characters count.
    pub fn parse(value: &[u8]) -> Option<Uid> {
        // What is left over of the last character may be anything.
        let mut text = value.get(..22)?.to_vec();
        let last = text.last_mut()?;
        *last = canonical(*last)?;
        let decoded = STANDARD_NO_PAD.decode(&text).ok()?;
        decoded.try_into().ok().map(Uid)
    }

    /// A new one.
    pub fn next(first_form: bool, service: Option<u32>, request: &Request) -> Uid {
        let time = rt::wall().as_secs() as u32;
        let start = start();
        let words = match first_form {
            true => {
                let count = COUNT_V1.get();
                COUNT_V1.set(count.wrapping_add(0x100));
                [service.unwrap_or(0), time, start, count].map(u32::to_ne_bytes)
            }
            false => {
                let count = COUNT_V2.get();
                COUNT_V2.set(count.wrapping_add(0x100).max(FIRST));
                let service = service.unwrap_or_else(|| address(request));
                [service, time, start, count].map(u32::to_be_bytes)
            }
        };
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(words.as_flattened()).for_each(|(to, from)| *to = *from);
        Uid(bytes)
    }

    /// As a cookie has it.
    pub fn encoded(self) -> String {
        STANDARD.encode(self.0)
    }

    /// As logs show it: four words of this machine's.
    pub fn shown(self) -> String {
        let (words, _) = self.0.as_chunks::<4>();
        words.iter().map(|word| format!("{:08X}", u32::from_ne_bytes(*word))).collect()
    }
}

/// Of the last of 22 characters only two bits count.
fn canonical(character: u8) -> Option<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let at = ALPHABET.iter().position(|known| *known == character)?;
    Some(ALPHABET[at & 0b11_0000])
}

/// What tells this process from others.
fn start() -> u32 {
    START.get().unwrap_or_else(|| {
        let start = (rt::wall().subsec_micros() / 20) << 16 | sys::process::pid() as u32 & 0xffff;
        START.set(Some(start));
        start
    })
}

/// The address that the client connected to, as far as 32 bits go.
fn address(request: &Request) -> u32 {
    match request.local_address() {
        Some(Address::Inet(address)) => match address.ip() {
            IpAddr::V4(ip) => ip.into(),
            IpAddr::V6(ip) => u128::from(ip) as u32,
        },
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_from_cookies() {
        let uid = Uid(std::array::from_fn(|at| at as u8 * 17));
        let text = uid.encoded();
        assert_eq!(Uid::parse(text.as_bytes()), Some(uid));
        assert_eq!(Uid::parse(&text.as_bytes()[..22]), Some(uid));
        assert_eq!(Uid::parse(format!("{}m=", &text[..22]).as_bytes()), Some(uid));
        for bad in ["", "short", "!!!!!!!!!!!!!!!!!!!!!!!!"] {
            assert_eq!(Uid::parse(bad.as_bytes()), None, "{bad}");
        }
    }
}
