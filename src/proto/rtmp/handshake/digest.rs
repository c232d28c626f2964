//! The digests of Flash Player's handshake.

use super::SIZE;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The bytes of a digest.
pub(super) const DIGEST: usize = 32;

/// What clients sign C1 with.
pub(super) const CLIENT: &[u8] = b"Genuine Adobe Flash Player 001";

/// What servers sign S1 with: the long key without its end.
pub(super) const SERVER: &[u8] = b"Genuine Adobe Flash Media Server 001";

/// What the key of S2 is made with.
const SERVER_LONG: &[u8] = b"Genuine Adobe Flash Media Server 001\
    \xF0\xEE\xC2\x4A\x80\x68\xBE\xE8\x2E\x00\xD0\xD1\x02\x9E\x7E\x57\
    \x6E\xEC\x5D\x2D\x29\x80\x6F\xAB\x93\xB8\xE6\x36\xCF\xEB\x31\xAE";

/// Where the four bytes are whose sum tells where the digest is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// At 8; the digest is in the first half.
    At8,
    /// At 772; the digest is in the second half.
    At772,
}

impl Scheme {
    /// Where the digest is in this packet: at most at 772 + 4 + 727, so that it is inside.
    fn place(self, packet: &[u8; SIZE]) -> usize {
        let at = match self {
            Scheme::At8 => 8,
            Scheme::At772 => 772,
        };
        let sum: usize = packet[at..at + 4].iter().map(|byte| usize::from(*byte)).sum();
        at + 4 + sum % 728
    }
}

fn hmac(key: &[u8], parts: [&[u8]; 2]) -> [u8; DIGEST] {
    // A key of any length is one.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; DIGEST] };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// The digest that a packet should have, and its place.
fn expected(packet: &[u8; SIZE], scheme: Scheme, key: &[u8]) -> (usize, [u8; DIGEST]) {
    let place = scheme.place(packet);
    (place, hmac(key, [&packet[..place], &packet[place + DIGEST..]]))
}

/// The digest of a C1 that has one.
pub(super) fn of_client(c1: &[u8; SIZE]) -> Option<(Scheme, [u8; DIGEST])> {
    [Scheme::At772, Scheme::At8].into_iter().find_map(|scheme| {
        let (place, digest) = expected(c1, scheme, CLIENT);
        (c1[place..place + DIGEST] == digest).then_some((scheme, digest))
    })
}

/// C1 or S1 with a digest.
pub(super) fn first(
    random: &[u8; SIZE],
    version: [u8; 4],
    scheme: Scheme,
    key: &[u8],
) -> [u8; SIZE] {
    let mut packet = *random;
    packet[..4].fill(0);
    packet[4..8].copy_from_slice(&version);
    let (place, digest) = expected(&packet, scheme, key);
    packet[place..place + DIGEST].copy_from_slice(&digest);
    packet
}

/// S2 for a C1 with this digest.
pub(super) fn second(random: &[u8; SIZE], digest: &[u8; DIGEST]) -> [u8; SIZE] {
    let mut packet = *random;
    let (body, end) = packet.split_at_mut(SIZE - DIGEST);
    end.copy_from_slice(&hmac(&hmac(SERVER_LONG, [digest, &[]]), [body, &[]]));
    packet
}
