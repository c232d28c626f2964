//! MD5-crypt (`$1$`, P.-H. Kamp for FreeBSD) and Apache's variant of it (`$apr1$`), which differ in that word alone.
//!
//! ```text
//! MAGIC salt (up to 8) $ 22 of ./0-9A-Za-z
//! ```

use md5::{Digest, Md5};

const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Whether it is that password.
pub fn is_right(kept: &[u8], magic: &[u8], password: &[u8]) -> bool {
    let rest = kept.strip_prefix(magic).unwrap_or_default();
    let mut fields = rest.splitn(2, |&byte| byte == b'$');
    let salt = fields.next().unwrap_or_default();
    let salt = &salt[..salt.len().min(8)];
    super::same(fields.next().unwrap_or_default(), &encode(&digest(password, salt, magic)))
}

fn digest(password: &[u8], salt: &[u8], magic: &[u8]) -> [u8; 16] {
    let both = Md5::new().chain_update(password).chain_update(salt).chain_update(password);
    let both = both.finalize();
    let mut first = Md5::new().chain_update(password).chain_update(magic).chain_update(salt);
    for piece in password.chunks(16) {
        first.update(&both[..piece.len()]);
    }
    let mut bits = password.len();
    while bits > 0 {
        match bits & 1 {
            1 => first.update([0]),
            _ => first.update(&password[..1]),
        }
        bits >>= 1;
    }
    let mut last: [u8; 16] = first.finalize().into();
    for round in 0..1000 {
        let mut next = Md5::new();
        next.update(if round & 1 == 1 { password } else { &last[..] });
        if round % 3 != 0 {
            next.update(salt);
        }
        if round % 7 != 0 {
            next.update(password);
        }
        next.update(if round & 1 == 1 { &last[..] } else { password });
        last = next.finalize().into();
    }
    last
}

fn encode(digest: &[u8; 16]) -> Vec<u8> {
    let mut out = Vec::with_capacity(22);
    let mut put = |bytes: [u8; 3], count: usize| {
        let mut bits = u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]);
        for _ in 0..count {
            out.push(ALPHABET[(bits & 63) as usize]);
            bits >>= 6;
        }
    };
    for [a, b, c] in [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]] {
        put([digest[a], digest[b], digest[c]], 4);
    }
    put([0, 0, digest[11]], 2);
    out
}
