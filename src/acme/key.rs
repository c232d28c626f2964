//! Keys: of an account, which signs requests, and of certificates.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{KeyPair, RsaKeySize};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use crate::error::Error;

/// The key of an account: ECDSA on P-256, whose signatures are ES256 (RFC 7518, 3.4).
pub struct AccountKey {
    pair: EcdsaKeyPair,
    pkcs8: Vec<u8>,
}

impl AccountKey {
    /// A new one.
    pub fn generate() -> Result<AccountKey, Error> {
        let random = SystemRandom::new();
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
        let made = made.map_err(|_| Error::Wish("no key can be made".to_owned()))?;
        AccountKey::from_pkcs8(made.as_ref())
    }

    /// One that was made before: PKCS#8 in PEM.
    pub fn from_pem(pem: &[u8]) -> Result<AccountKey, Error> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem);
        let der = der.map_err(|error| Error::Wish(format!("no key of an account: {error}")))?;
        AccountKey::from_pkcs8(der.secret_pkcs8_der())
    }

    fn from_pkcs8(pkcs8: &[u8]) -> Result<AccountKey, Error> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8);
        let wrong = |_| Error::Wish("the key of the account is none on the curve P-256".to_owned());
        Ok(AccountKey { pair: pair.map_err(wrong)?, pkcs8: pkcs8.to_vec() })
    }

    /// To be kept: PKCS#8 in PEM.
    pub fn pem(&self) -> String {
        pem("PRIVATE KEY", &self.pkcs8)
    }

    /// The public key (RFC 7517), its members in the order of RFC 7638.
    pub fn jwk(&self) -> Value {
        // 04 │ x (32) │ y (32)
        let point = self.pair.public_key().as_ref();
        let (x, y) = point[1..].split_at(32);
        json!({"crv": "P-256", "kty": "EC", "x": encode(x), "y": encode(y)})
    }

    /// What stands for the key in proofs (RFC 7638).
    pub fn thumbprint(&self) -> String {
        let jwk = self.jwk();
        let member = |name: &str| jwk[name].as_str().unwrap_or_default().to_owned();
        let (x, y) = (member("x"), member("y"));
        let text = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        encode(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
    }

    /// What proves that whoever knows the token has this key (RFC 8555, 8.1).
    pub fn authorization(&self, token: &str) -> String {
        format!("{token}.{}", self.thumbprint())
    }

    /// A signed message: `alg` is added to what is protected.
    pub fn sign(&self, protected: Value, payload: &[u8]) -> Result<Vec<u8>, Error> {
        flattened(protected, "ES256", payload, |input| {
            let signature = self.pair.sign(&SystemRandom::new(), input);
            signature.map(|signature| signature.as_ref().to_vec()).ok()
        })
    }
}

/// A message signed by a key that both have (RFC 8555, 7.3.4).
pub fn sign_with_mac(key: &[u8], protected: Value, payload: &[u8]) -> Result<Vec<u8>, Error> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    flattened(protected, "HS256", payload, |input| Some(hmac::sign(&key, input).as_ref().to_vec()))
}

/// JWS in its flattened form (RFC 7515, 7.2.2).
fn flattened(
    mut protected: Value,
    algorithm: &str,
    payload: &[u8],
    sign: impl Fn(&[u8]) -> Option<Vec<u8>>,
) -> Result<Vec<u8>, Error> {
    protected["alg"] = algorithm.into();
    let (protected, payload) = (encode(protected.to_string().as_bytes()), encode(payload));
    let signature = sign(format!("{protected}.{payload}").as_bytes());
    let signature = signature.ok_or_else(|| Error::Wish("the key does not sign".to_owned()))?;
    let message = json!({
        "protected": protected, "payload": payload, "signature": encode(&signature),
    });
    Ok(message.to_string().into_bytes())
}

/// What kind of key a certificate has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyType {
    /// ECDSA on P-256.
    #[default]
    Ecdsa256,
    /// ECDSA on P-384.
    Ecdsa384,
    /// ECDSA on P-521.
    Ecdsa521,
    /// RSA with 2048 bits.
    Rsa2048,
    /// RSA with 3072 bits.
    Rsa3072,
    /// RSA with 4096 bits.
    Rsa4096,
}

impl KeyType {
    /// By the names of nginx' ACME module: `ecdsa`, `ecdsa:384`, `rsa:2048` …
    pub fn of(name: &str) -> Option<KeyType> {
        Some(match name {
            "ecdsa" | "ecdsa:256" => KeyType::Ecdsa256,
            "ecdsa:384" => KeyType::Ecdsa384,
            "ecdsa:521" => KeyType::Ecdsa521,
            "rsa" | "rsa:2048" => KeyType::Rsa2048,
            "rsa:3072" => KeyType::Rsa3072,
            "rsa:4096" => KeyType::Rsa4096,
            _ => return None,
        })
    }

    /// A new key.
    pub fn generate(self) -> Result<KeyPair, Error> {
        let rsa = |size| KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, size);
        let made = match self {
            KeyType::Ecdsa256 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256),
            KeyType::Ecdsa384 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384),
            KeyType::Ecdsa521 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512),
            KeyType::Rsa2048 => rsa(RsaKeySize::_2048),
            KeyType::Rsa3072 => rsa(RsaKeySize::_3072),
            KeyType::Rsa4096 => rsa(RsaKeySize::_4096),
        };
        made.map_err(|error| Error::Wish(format!("no key can be made: {error}")))
    }
}

/// Base 64 as in URLs, without padding (RFC 7515, 2).
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The reverse; padding is no fault.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
}

/// PEM (RFC 7468) of a label.
pub fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines = text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line) + "\n");
    let body: String = lines.collect();
    format!("-----BEGIN {label}-----\n{body}-----END {label}-----\n")
}
