//! Keys that a passphrase protects: PKCS #8 with PBES2 (RFC 8018), as OpenSSL writes them.
//!
//! ```text
//! { { PBES2, { { PBKDF2, { salt, iterations, length?, { HMAC }? } }, { AES-CBC, iv } } }, what is encrypted }
//! ```

use std::num::NonZeroU32;

use aws_lc_rs::cipher::{
    AES_128, AES_256, Algorithm, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey,
};
use aws_lc_rs::pbkdf2;

use crate::der::{Malformed, Reader, tag};
use crate::x509::dotted;

/// More rounds keep the start waiting, and nobody safe.
const MOST_ROUNDS: u32 = 10_000_000;

/// What a key is encrypted with.
struct Encrypted<'a> {
    salt: &'a [u8],
    rounds: NonZeroU32,
    hash: pbkdf2::Algorithm,
    cipher: &'static Algorithm,
    length: usize,
    iv: &'a [u8],
    data: &'a [u8],
}

/// Decrypts with the first passphrase that fits.
pub fn decrypt(der: &[u8], passphrases: &[Vec<u8>]) -> Result<Vec<u8>, String> {
    let parsed = parse(der).map_err(|malformed| malformed.to_string())?;
    let encrypted = parsed.map_err(str::to_owned)?;
    let found = passphrases.iter().find_map(|passphrase| encrypted.open(passphrase));
    found.ok_or_else(|| match passphrases.is_empty() {
        true => "it is encrypted: ssl_password_file names a file with its passphrase".to_owned(),
        false => "none of the passphrases of ssl_password_file is that of the key".to_owned(),
    })
}

/// The inner error: it is well-formed, and encrypted with something that is not here.
fn parse(der: &[u8]) -> Result<Result<Encrypted<'_>, &'static str>, Malformed> {
    const OTHER: &str = "it is encrypted with something else than PBES2, PBKDF2 and AES-CBC; \
        \"openssl pkcs8 -topk8 -v2 aes-256-cbc\" makes another of it";
    let mut outer = Reader::new(der, "encrypted key");
    let mut parts = outer.inside(tag::SEQUENCE)?;
    let mut algorithm = parts.inside(tag::SEQUENCE)?;
    let data = parts.value(tag::OCTET_STRING)?.bytes;
    let oid = |reader: &mut Reader<'_>| {
        reader.value(tag::OID).map(|oid| dotted(oid.bytes).unwrap_or_default())
    };
    if oid(&mut algorithm)? != "1.2.840.113549.1.5.13" {
        return Ok(Err(OTHER));
    }
    let mut parameters = algorithm.inside(tag::SEQUENCE)?;
    let mut derivation = parameters.inside(tag::SEQUENCE)?;
    let mut scheme = parameters.inside(tag::SEQUENCE)?;
    if oid(&mut derivation)? != "1.2.840.113549.1.5.12" {
        return Ok(Err(OTHER));
    }
    let mut inner = derivation.inside(tag::SEQUENCE)?;
    let salt = inner.value(tag::OCTET_STRING)?.bytes;
    let rounds = inner.value(tag::INTEGER)?.bytes.iter();
    let rounds = rounds.fold(0u32, |number, byte| number.saturating_mul(256) + u32::from(*byte));
    inner.optional(tag::INTEGER)?;
    let hash = match inner.optional_inside(tag::SEQUENCE)? {
        None => pbkdf2::PBKDF2_HMAC_SHA1,
        Some(mut hash) => match oid(&mut hash)?.as_str() {
            "1.2.840.113549.2.7" => pbkdf2::PBKDF2_HMAC_SHA1,
            "1.2.840.113549.2.9" => pbkdf2::PBKDF2_HMAC_SHA256,
            "1.2.840.113549.2.10" => pbkdf2::PBKDF2_HMAC_SHA384,
            "1.2.840.113549.2.11" => pbkdf2::PBKDF2_HMAC_SHA512,
            _ => return Ok(Err(OTHER)),
        },
    };
    let (cipher, length) = match oid(&mut scheme)?.as_str() {
        "2.16.840.1.101.3.4.1.2" => (&AES_128, 16),
        "2.16.840.1.101.3.4.1.42" => (&AES_256, 32),
        _ => return Ok(Err(OTHER)),
    };
    let iv = scheme.value(tag::OCTET_STRING)?.bytes;
    match NonZeroU32::new(rounds).filter(|rounds| rounds.get() <= MOST_ROUNDS) {
        Some(rounds) => Ok(Ok(Encrypted { salt, rounds, hash, cipher, length, iv, data })),
        None => Ok(Err("it says a number of rounds that cannot be meant")),
    }
}

impl Encrypted<'_> {
    fn open(&self, passphrase: &[u8]) -> Option<Vec<u8>> {
        let mut key = vec![0; self.length];
        pbkdf2::derive(self.hash, self.rounds, self.salt, passphrase, &mut key);
        let key = UnboundCipherKey::new(self.cipher, &key).ok()?;
        let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).ok()?;
        let iv = <[u8; 16]>::try_from(self.iv).ok()?;
        let mut data = self.data.to_vec();
        let opened = key.decrypt(&mut data, DecryptionContext::Iv128(iv.into())).ok()?;
        // Of the wrong passphrases one of 256 makes a padding that looks right: what is inside begins as a key does.
        let inside = Reader::new(opened, "key").inside(tag::SEQUENCE).is_ok();
        inside.then(|| opened.to_vec())
    }
}
