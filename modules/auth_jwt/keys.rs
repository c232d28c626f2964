//! Keys (RFC 7517, RFC 7518 §6, RFC 8037): `{"keys": [{"kty": "RSA", "kid": …, "alg": …, "n": …, "e": …}, …]}`.
//!
//! A key is of one kind, and is used with the algorithms of that kind alone: what is a public key for one algorithm is no
//! secret for another, whatever a token says.

use aws_lc_rs::hmac;
use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{self, ParsedPublicKey, RsaParameters, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::Value;

use crate::json::{self, Object};

/// So many keys are looked at.
const MOST: usize = 1000;

/// How a token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC with SHA-256, 384, 512.
    Hs(u16),
    /// RSA, PKCS #1 1.5.
    Rs(u16),
    /// RSA, PSS.
    Ps(u16),
    /// ECDSA; the number tells the curve, too.
    Es(u16),
    /// Ed25519.
    EdDsa,
}

const ALGORITHMS: &[(&str, Algorithm)] = &[
    ("HS256", Algorithm::Hs(256)),
    ("HS384", Algorithm::Hs(384)),
    ("HS512", Algorithm::Hs(512)),
    ("RS256", Algorithm::Rs(256)),
    ("RS384", Algorithm::Rs(384)),
    ("RS512", Algorithm::Rs(512)),
    ("PS256", Algorithm::Ps(256)),
    ("PS384", Algorithm::Ps(384)),
    ("PS512", Algorithm::Ps(512)),
    ("ES256", Algorithm::Es(256)),
    ("ES384", Algorithm::Es(384)),
    ("ES512", Algorithm::Es(512)),
    ("EdDSA", Algorithm::EdDsa),
];

impl Algorithm {
    /// The one of this name. `none` is none.
    pub fn named(name: &str) -> Option<Algorithm> {
        ALGORITHMS.iter().find(|(known, _)| *known == name).map(|(_, algorithm)| *algorithm)
    }
}

/// A key.
pub struct Key {
    kid: Option<String>,
    /// The only algorithm that it is for.
    alg: Option<Algorithm>,
    material: Material,
}

enum Material {
    Secret(Vec<u8>),
    Rsa(PublicKeyComponents<Vec<u8>>),
    /// The curve by its algorithm's number, and the point.
    Ec(u16, Vec<u8>),
    Ed25519(Vec<u8>),
}

/// Keys, and what of their file is of no use.
#[derive(Default)]
pub struct Keys {
    keys: Vec<Key>,
    /// What was passed over, for the log.
    pub passed_over: Vec<String>,
}

impl Keys {
    /// Reads a set of keys. Those of a kind that is not known are passed over (RFC 7517 §5).
    pub fn parse(text: &[u8]) -> Result<Keys, &'static str> {
        let set =
            json::object(text).ok_or("it is not a JSON object, or a name stands twice in it")?;
        let Some(Value::Array(list)) = set.get("keys") else { return Err("it has no \"keys\"") };
        let mut keys = Keys::default();
        for (n, key) in list.iter().enumerate().take(MOST) {
            match key.as_object().ok_or("it is not an object").and_then(Key::parse) {
                Ok(Some(key)) => keys.keys.push(key),
                Ok(None) => {}
                Err(why) => keys.passed_over.push(format!("key {}: {why}", n + 1)),
            }
        }
        if list.len() > MOST {
            keys.passed_over.push(format!("all keys behind the first {MOST}"));
        }
        Ok(keys)
    }

    /// The keys that may have signed a token.
    pub fn candidates(
        &self,
        algorithm: Algorithm,
        kid: Option<&str>,
    ) -> impl Iterator<Item = &Key> {
        let may = move |key: &&Key| {
            let same_kid = match (kid, &key.kid) {
                (Some(kid), Some(own)) => kid == own,
                _ => true,
            };
            same_kid && key.is_for(algorithm)
        };
        self.keys.iter().filter(may)
    }
}

impl Key {
    /// `None`: it is not for signatures.
    fn parse(object: &Object) -> Result<Option<Key>, &'static str> {
        let text = |name: &str| match object.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err("a field that is no text"),
        };
        let is_for_signatures = match (text("use")?, object.get("key_ops")) {
            (Some(purpose), _) if purpose != "sig" => false,
            (_, Some(Value::Array(list))) => list.iter().any(|one| one == "verify"),
            _ => true,
        };
        if !is_for_signatures {
            return Ok(None);
        }
        let alg = match text("alg")? {
            Some(name) => Some(Algorithm::named(name).ok_or("its \"alg\" is not known here")?),
            None => None,
        };
        let bytes = |name: &'static str| {
            let encoded = text(name)?.ok_or("a field is missing")?;
            let bytes = BASE64.decode(encoded).map_err(|_| "a field is not base64url")?;
            (!bytes.is_empty()).then_some(bytes).ok_or("a field is empty")
        };
        let material = match text("kty")?.ok_or("it has no \"kty\"")? {
            "oct" => Material::Secret(bytes("k")?),
            "RSA" => Material::rsa(bytes("n")?, bytes("e")?)?,
            "EC" => Material::ec(text("crv")?, &bytes("x")?, &bytes("y")?)?,
            "OKP" if text("crv")? == Some("Ed25519") => Material::ed25519(bytes("x")?)?,
            _ => return Err("its \"kty\" or \"crv\" is not known here"),
        };
        let kid = text("kid")?.map(str::to_owned);
        Ok(Some(Key { kid, alg, material }))
    }

    fn is_for(&self, algorithm: Algorithm) -> bool {
        let kind = match (&self.material, algorithm) {
            (Material::Secret(_), Algorithm::Hs(_)) => true,
            (Material::Rsa(_), Algorithm::Rs(_) | Algorithm::Ps(_)) => true,
            (Material::Ec(curve, _), Algorithm::Es(bits)) => *curve == bits,
            (Material::Ed25519(_), Algorithm::EdDsa) => true,
            _ => false,
        };
        kind && self.alg.is_none_or(|alg| alg == algorithm)
    }

    /// Whether it has made this signature.
    pub fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        if !self.is_for(algorithm) {
            return false;
        }
        match (&self.material, algorithm) {
            (Material::Secret(secret), Algorithm::Hs(bits)) => {
                let digest = match bits {
                    256 => hmac::HMAC_SHA256,
                    384 => hmac::HMAC_SHA384,
                    _ => hmac::HMAC_SHA512,
                };
                hmac::verify(&hmac::Key::new(digest, secret), message, signature).is_ok()
            }
            (Material::Rsa(key), Algorithm::Rs(bits)) => {
                let how: &RsaParameters = match bits {
                    256 => &signature::RSA_PKCS1_2048_8192_SHA256,
                    384 => &signature::RSA_PKCS1_2048_8192_SHA384,
                    _ => &signature::RSA_PKCS1_2048_8192_SHA512,
                };
                key.verify(how, message, signature).is_ok()
            }
            (Material::Rsa(key), Algorithm::Ps(bits)) => {
                let how: &RsaParameters = match bits {
                    256 => &signature::RSA_PSS_2048_8192_SHA256,
                    384 => &signature::RSA_PSS_2048_8192_SHA384,
                    _ => &signature::RSA_PSS_2048_8192_SHA512,
                };
                key.verify(how, message, signature).is_ok()
            }
            (Material::Ec(curve, point), _) => {
                UnparsedPublicKey::new(ecdsa(*curve), point).verify(message, signature).is_ok()
            }
            (Material::Ed25519(point), _) => {
                let key = UnparsedPublicKey::new(&signature::ED25519, point);
                key.verify(message, signature).is_ok()
            }
            _ => false,
        }
    }
}

/// The signature is two numbers of the curve's size, one behind the other (RFC 7518 §3.4).
fn ecdsa(curve: u16) -> &'static signature::EcdsaVerificationAlgorithm {
    match curve {
        256 => &signature::ECDSA_P256_SHA256_FIXED,
        384 => &signature::ECDSA_P384_SHA384_FIXED,
        _ => &signature::ECDSA_P521_SHA512_FIXED,
    }
}

impl Material {
    fn rsa(n: Vec<u8>, e: Vec<u8>) -> Result<Material, &'static str> {
        let stripped = |bytes: Vec<u8>| -> Vec<u8> {
            bytes.into_iter().skip_while(|byte| *byte == 0).collect()
        };
        let (n, e) = (stripped(n), stripped(e));
        let bits = 8 * n.len() - n.first().map_or(0, |first| first.leading_zeros() as usize);
        if !(2048..=8192).contains(&bits) {
            return Err("an RSA key has 2048 to 8192 bits");
        }
        Ok(Material::Rsa(PublicKeyComponents { n, e }))
    }

    fn ec(curve: Option<&str>, x: &[u8], y: &[u8]) -> Result<Material, &'static str> {
        let (bits, size) = match curve {
            Some("P-256") => (256, 32),
            Some("P-384") => (384, 48),
            Some("P-521") => (512, 66),
            _ => return Err("its \"crv\" is not known here"),
        };
        if x.len() != size || y.len() != size {
            return Err("its point is not of the size of its curve");
        }
        let point = [&[4][..], x, y].concat();
        let parsed = ParsedPublicKey::new(ecdsa(bits), &point);
        parsed.map_err(|_| "its point is not on its curve")?;
        Ok(Material::Ec(bits, point))
    }

    fn ed25519(x: Vec<u8>) -> Result<Material, &'static str> {
        match x.len() {
            32 => Ok(Material::Ed25519(x)),
            _ => Err("its point is not of the size of its curve"),
        }
    }
}
