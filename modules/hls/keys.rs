//! `hls_keys`: AES-128 (RFC 8216 §4.3.2.4), whole segments, each with PKCS7.
//!
//! A key is made of its number and of what only the processes of this zone know: so all workers have it, and nobody has to
//! keep it. Segments lie in the zone as they are; they are encrypted when they are given out.

use aes::Aes128;
use broadcast::Zone;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockEncryptMut, KeyIvInit};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::timeline::Segment;

/// How often the key changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keys {
    /// Segments with one key; 0: as long as the stream is published and has the same tracks.
    per_key: u64,
}

impl Keys {
    /// With so many segments for each; 0: one for each time of publishing.
    pub fn new(per_key: u64) -> Keys {
        Keys { per_key }
    }

    /// The number of a segment's key, which is its initialisation vector, too.
    pub fn of(self, segment: &Segment) -> u64 {
        match self.per_key {
            0 => segment.version.into(),
            // From where these tracks began: a stream that begins anew has other secrets, and must have other numbers.
            count => {
                let first = segment.first_of_version();
                first + (segment.msn - first) / count * count
            }
        }
    }
}

/// A key of a stream.
pub fn key(zone: &Zone, channel: &[u8], number: u64) -> [u8; 16] {
    let secret = [zone.key(b"hls_keys"), zone.key(b"hls_keys, the other half")];
    let secret: Vec<u8> = secret.iter().flat_map(|half| half.to_le_bytes()).collect();
    let mut out = [0; 16];
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&secret) {
        mac.update(&number.to_be_bytes());
        mac.update(channel);
        out.copy_from_slice(&mac.finalize().into_bytes()[..16]);
    }
    out
}

/// A segment, encrypted.
pub fn encrypt(key: [u8; 16], number: u64, plain: &[u8]) -> Vec<u8> {
    let iv = u128::from(number).to_be_bytes();
    cbc::Encryptor::<Aes128>::new(&key.into(), &iv.into()).encrypt_padded_vec_mut::<Pkcs7>(plain)
}
