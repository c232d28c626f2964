//! Signatures in certificates and OCSP answers.

use aws_lc_rs::signature::*;

use super::key::Key;
use super::oids::dotted;
use crate::der::{Reader, tag};

/// Whether the key's owner has signed the message, by the algorithm of this identifier. Those with SHA-1 prove nothing.
pub fn verify(key: &Key, algorithm: &[u8], message: &[u8], signature: &[u8]) -> bool {
    judge(key, algorithm, message, signature) == Some(true)
}

/// The same; `None`: the algorithm is not known here.
pub fn judge(key: &Key, algorithm: &[u8], message: &[u8], signature: &[u8]) -> Option<bool> {
    let method = method(key, algorithm)?;
    Some(UnparsedPublicKey::new(method, key.bits).verify(message, signature).is_ok())
}

fn method(key: &Key, algorithm: &[u8]) -> Option<&'static dyn VerificationAlgorithm> {
    let mut parts = Reader::new(algorithm, "algorithm").inside(tag::SEQUENCE).ok()?;
    let name = dotted(parts.value(tag::OID).ok()?.bytes)?;
    let kind = key.kind();
    let curve = key.curve();
    Some(match (&name[..], &kind[..], curve.as_deref()) {
        ("1.2.840.113549.1.1.11", "RSA", _) => &RSA_PKCS1_2048_8192_SHA256,
        ("1.2.840.113549.1.1.12", "RSA", _) => &RSA_PKCS1_2048_8192_SHA384,
        ("1.2.840.113549.1.1.13", "RSA", _) => &RSA_PKCS1_2048_8192_SHA512,
        ("1.2.840.113549.1.1.10", "RSA" | "RSA-PSS", _) => pss(&mut parts)?,
        ("1.2.840.10045.4.3.2", _, Some("prime256v1")) => &ECDSA_P256_SHA256_ASN1,
        ("1.2.840.10045.4.3.3", _, Some("prime256v1")) => &ECDSA_P256_SHA384_ASN1,
        ("1.2.840.10045.4.3.4", _, Some("prime256v1")) => &ECDSA_P256_SHA512_ASN1,
        ("1.2.840.10045.4.3.2", _, Some("secp384r1")) => &ECDSA_P384_SHA256_ASN1,
        ("1.2.840.10045.4.3.3", _, Some("secp384r1")) => &ECDSA_P384_SHA384_ASN1,
        ("1.2.840.10045.4.3.4", _, Some("secp384r1")) => &ECDSA_P384_SHA512_ASN1,
        ("1.2.840.10045.4.3.2", _, Some("secp521r1")) => &ECDSA_P521_SHA256_ASN1,
        ("1.2.840.10045.4.3.3", _, Some("secp521r1")) => &ECDSA_P521_SHA384_ASN1,
        ("1.2.840.10045.4.3.4", _, Some("secp521r1")) => &ECDSA_P521_SHA512_ASN1,
        ("1.3.101.112", "ED25519", _) => &ED25519,
        _ => return None,
    })
}

/// RFC 4055, 3.1: the hash is in the parameters; that of the mask and the salt's length go with it.
fn pss(parts: &mut Reader) -> Option<&'static dyn VerificationAlgorithm> {
    let mut parameters = parts.inside(tag::SEQUENCE).ok()?;
    let mut hash = parameters.inside(tag::explicit(0)).ok()?.inside(tag::SEQUENCE).ok()?;
    Some(match &dotted(hash.value(tag::OID).ok()?.bytes)?[..] {
        "2.16.840.1.101.3.4.2.1" => &RSA_PSS_2048_8192_SHA256,
        "2.16.840.1.101.3.4.2.2" => &RSA_PSS_2048_8192_SHA384,
        "2.16.840.1.101.3.4.2.3" => &RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}
