//! The key in a certificate: `{ { algorithm, parameters? }, bits }`.

use super::oids::dotted;
use super::only;
use crate::der::{Malformed, Reader, Value, tag};

/// A public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key<'a> {
    /// All of it (SubjectPublicKeyInfo).
    pub info: &'a [u8],
    /// Its bits alone, without what says what they are.
    pub bits: &'a [u8],
    algorithm: &'a [u8],
    curve: Option<&'a [u8]>,
}

impl<'a> Key<'a> {
    pub(super) fn read(info: Value<'a>) -> Result<Key<'a>, Malformed> {
        let mut parts = Reader::new(info.bytes, "key");
        let mut kind = parts.inside(tag::SEQUENCE)?;
        let algorithm = kind.value(tag::OID)?.bytes;
        let curve = kind.optional(tag::OID)?.map(|curve| curve.bytes);
        let bits = parts.bits()?;
        parts.end()?;
        Ok(Key { info: info.whole, bits, algorithm, curve })
    }

    /// Reads one that stands alone.
    pub fn parse(info: &'a [u8]) -> Result<Key<'a>, Malformed> {
        Key::read(only(info, tag::SEQUENCE, "key")?)
    }

    /// Whether both are one key. How that is said may differ: with parameters of its algorithm or without, a point of a curve whole or by
    /// one coordinate and a sign (SEC 1, 2.3.3).
    pub fn is_same_as(&self, other: &Key<'_>) -> bool {
        let is_point_of =
            |short: &[u8], whole: &[u8]| match (short.split_first(), whole.split_first()) {
                (Some((sign @ (2 | 3), x)), Some((4, point))) => {
                    let odd = point.last().is_some_and(|last| last % 2 == 1);
                    point.len() == 2 * x.len() && point.starts_with(x) && odd == (*sign == 3)
                }
                _ => false,
            };
        self.bits == other.bits
            || (self.curve.is_some()
                && (is_point_of(self.bits, other.bits) || is_point_of(other.bits, self.bits)))
    }

    /// Its kind: `RSA`, `EC`, `ED25519` …, or an object identifier.
    pub fn kind(&self) -> String {
        let oid = dotted(self.algorithm).unwrap_or_default();
        match &oid[..] {
            "1.2.840.113549.1.1.1" => "RSA",
            "1.2.840.113549.1.1.10" => "RSA-PSS",
            "1.2.840.10045.2.1" => "EC",
            "1.2.840.10040.4.1" => "DSA",
            "1.3.101.112" => "ED25519",
            "1.3.101.113" => "ED448",
            "2.16.840.1.101.3.4.3.17" => "ML-DSA-44",
            "2.16.840.1.101.3.4.3.18" => "ML-DSA-65",
            "2.16.840.1.101.3.4.3.19" => "ML-DSA-87",
            other => other,
        }
        .to_owned()
    }

    /// Its curve by OpenSSL's name, or an object identifier.
    pub fn curve(&self) -> Option<String> {
        let oid = dotted(self.curve?)?;
        let name = match &oid[..] {
            "1.2.840.10045.3.1.1" => "prime192v1",
            "1.2.840.10045.3.1.7" => "prime256v1",
            "1.3.132.0.10" => "secp256k1",
            "1.3.132.0.33" => "secp224r1",
            "1.3.132.0.34" => "secp384r1",
            "1.3.132.0.35" => "secp521r1",
            "1.3.36.3.3.2.8.1.1.7" => "brainpoolP256r1",
            "1.3.36.3.3.2.8.1.1.11" => "brainpoolP384r1",
            "1.3.36.3.3.2.8.1.1.13" => "brainpoolP512r1",
            other => other,
        };
        Some(name.to_owned())
    }

    /// How many bits an RSA key has.
    pub fn rsa_bits(&self) -> Option<usize> {
        if !self.kind().starts_with("RSA") {
            return None;
        }
        let modulus = Reader::new(self.bits, "key").inside(tag::SEQUENCE).ok()?.value(tag::INTEGER);
        let modulus = modulus.ok()?.bytes;
        let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
        let first = modulus.get(zeros)?;
        Some((modulus.len() - zeros) * 8 - first.leading_zeros() as usize)
    }
}
