//! A hash that nobody outside can foresee, and that is the same in every process.
//!
//! SipHash-1-3 (the crate `siphasher`) takes about as long: 14 ns for 16 bytes and 26 ns for 64, this one 13 ns and 34 ns. It
//! would change the hashes that zones in memory are indexed by, and those of publishers' keys in the files of durable ones: a
//! new binary could not go on with either.

use std::fs::File;
use std::io::{self, Read};

use crate::U64;

/// What the hashes of a region depend on.
pub type Secret = [U64; 2];

/// Gives a secret its value.
pub fn make_secret(secret: &Secret) -> io::Result<()> {
    let mut random = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut random)?;
    for (word, bytes) in secret.iter().zip(random.chunks_exact(8)) {
        word.set(u64::from_le_bytes(bytes.try_into().unwrap_or_default()));
    }
    Ok(())
}

/// The hash of a key.
pub fn hash(secret: &Secret, bytes: &[u8]) -> u64 {
    let [a, b] = secret;
    let fold = |x: u64, y: u64| {
        let product = u128::from(x) * u128::from(y);
        product as u64 ^ (product >> 64) as u64
    };
    let mut hash = a.get() ^ bytes.len() as u64;
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        hash = fold(hash ^ u64::from_le_bytes(word), b.get() | 1);
    }
    fold(hash ^ b.get(), 0x9e37_79b9_7f4a_7c15)
}
