//! Signed tokens, and sets of keys.

use auth_jwt::keys::{Algorithm, Keys};
use auth_jwt::token::{Measure, Token};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The secret of the corpus.
const SECRET: &[u8] = b"fuzz";
const KEYS: &[u8] = br#"{"keys":[{"kty":"oct","kid":"a","k":"ZnV6eg"},
    {"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;

/// Whatever comes is a token only if the secret has signed just that, in one way of writing it; and whatever comes as keys
/// lets no token in that is signed with nothing.
pub fn jwt(data: &[u8]) {
    let measure = Measure { now: 1e9, leeway: 0.0, longest: 4096 };
    let keys = Keys::parse(KEYS).expect("keys");
    if let Ok(token) = Token::check(data, [&keys].into_iter(), measure) {
        let dot = data.iter().rposition(|&byte| byte == b'.').expect("three parts");
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET).expect("a key");
        mac.update(&data[..dot]);
        let made = base64url(&mac.finalize().into_bytes());
        assert_eq!(&data[dot + 1..], made.as_bytes());
        assert_eq!(token.header["alg"], "HS256");
        assert!(data.len() <= 4096);
    }
    if let Ok(keys) = Keys::parse(data) {
        for name in ["HS256", "RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA"] {
            let algorithm = Algorithm::named(name).expect("an algorithm");
            for key in keys.candidates(algorithm, Some("a")).take(2) {
                assert!(!key.verifies(algorithm, b"text", b""), "{name}");
            }
        }
    }
}

fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - three.len()));
        let digits = (0..=three.len()).map(|n| ALPHABET[(bits >> (18 - 6 * n) & 63) as usize]);
        out.extend(digits.map(char::from));
    }
    out
}
