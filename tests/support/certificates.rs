//! Certificates for the tests, each made when it is needed.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, RsaKeySize, SignatureAlgorithm,
    date_time_ymd,
};

/// An authority that signs certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate, in PEM.
    pub certificate: String,
}

/// A certificate, and what proves that one has it; in PEM.
pub struct Leaf {
    /// The certificate.
    pub chain: String,
    /// Its key.
    pub key: String,
}

/// The type of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// ECDSA with P-256.
    Ecdsa,
    /// RSA with 2048 bits.
    Rsa,
}

/// When a certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// Now.
    Now,
    /// It was.
    Over,
    /// It will be.
    Later,
    /// From so many seconds from now on, for so many.
    Within(u64, u64),
}

impl Authority {
    /// One of this name.
    pub fn new(name: &str) -> Authority {
        let mut params = params(name, &[], Validity::Now);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = key(Key::Ecdsa);
        let certificate = params.self_signed(&key).expect("a certificate").pem();
        Authority { issuer: Issuer::new(params, key), certificate }
    }

    /// A server's certificate.
    pub fn server(&self, names: &[&str]) -> Leaf {
        self.leaf(names.first().unwrap_or(&"server"), names, Key::Ecdsa, Validity::Now)
    }

    /// A certificate of any kind, for servers and clients.
    pub fn leaf(&self, name: &str, names: &[&str], kind: Key, validity: Validity) -> Leaf {
        let mut params = params(name, names, validity);
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = key(kind);
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Leaf { chain: certificate.pem(), key: key.serialize_pem() }
    }
}

fn params(name: &str, names: &[&str], validity: Validity) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names");
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = match validity {
        Validity::Now => (date_time_ymd(2020, 1, 1), date_time_ymd(2099, 1, 1)),
        Validity::Over => (date_time_ymd(2019, 1, 1), date_time_ymd(2020, 1, 1)),
        Validity::Later => (date_time_ymd(2098, 1, 1), date_time_ymd(2099, 1, 1)),
        Validity::Within(from, seconds) => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
            let start = date_time_ymd(1970, 1, 1) + now + Duration::from_secs(from);
            (start, start + Duration::from_secs(seconds))
        }
    };
    params
}

fn key(kind: Key) -> KeyPair {
    let algorithm: &'static SignatureAlgorithm = match kind {
        Key::Ecdsa => &PKCS_ECDSA_P256_SHA256,
        Key::Rsa => {
            let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048);
            return key.expect("a key");
        }
    };
    KeyPair::generate_for(algorithm).expect("a key")
}
