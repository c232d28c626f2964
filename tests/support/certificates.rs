//! Certificates for the tests, each made when it is needed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CustomExtension, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, RevokedCertParams, RsaKeySize, SerialNumber,
    SignatureAlgorithm, date_time_ymd,
};

/// An authority that signs certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate, in PEM.
    pub certificate: String,
}

/// What a certificate says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// In its basic constraints, if it has some.
    pub is_ca: Option<bool>,
    /// What its key is for; nothing: it does not say.
    pub usages: &'static [KeyUsagePurpose],
    /// What it is for; nothing: it does not say.
    pub purposes: &'static [ExtendedKeyUsagePurpose],
    /// It has a critical extension that nobody knows.
    pub is_strange: bool,
}

impl Shape {
    /// All there are.
    pub fn all() -> impl Iterator<Item = Shape> {
        use ExtendedKeyUsagePurpose::{Any, ClientAuth, ServerAuth};
        use KeyUsagePurpose::{DigitalSignature, KeyCertSign};
        let usages: [&[KeyUsagePurpose]; 3] =
            [&[], &[DigitalSignature], &[KeyCertSign, DigitalSignature]];
        let purposes: [&[ExtendedKeyUsagePurpose]; 5] =
            [&[], &[ClientAuth], &[ServerAuth], &[ServerAuth, ClientAuth], &[Any]];
        let all = [None, Some(false), Some(true)]
            .into_iter()
            .flat_map(move |is_ca| usages.map(|usages| (is_ca, usages)));
        let all =
            all.flat_map(move |(is_ca, usages)| purposes.map(|purposes| (is_ca, usages, purposes)));
        all.flat_map(|(is_ca, usages, purposes)| {
            [false, true].map(|is_strange| Shape { is_ca, usages, purposes, is_strange })
        })
    }
}

/// A certificate, and what proves that one has it; in PEM.
pub struct Leaf {
    /// The certificate.
    pub chain: String,
    /// Its key.
    pub key: String,
    serial: SerialNumber,
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
        Authority::valid(name, Validity::Now)
    }

    /// One whose certificate is valid then.
    pub fn valid(name: &str, validity: Validity) -> Authority {
        let (params, key) = (authority(name, validity), key(Key::Ecdsa));
        let certificate = params.self_signed(&key).expect("a certificate").pem();
        Authority { issuer: Issuer::new(params, key), certificate }
    }

    /// One whose certificate says of itself what `shape` makes it say, signed by itself, or by another.
    pub fn shaped(name: &str, shape: Shape, by: Option<&Authority>) -> Authority {
        let mut params = params(name, &[], Validity::Now);
        params.is_ca = match shape.is_ca {
            None => IsCa::NoCa,
            Some(false) => IsCa::ExplicitNoCa,
            Some(true) => IsCa::Ca(BasicConstraints::Unconstrained),
        };
        params.key_usages = shape.usages.to_vec();
        params.extended_key_usages = shape.purposes.to_vec();
        if shape.is_strange {
            // Of nobody's number (RFC 5612), a null.
            let mut unknown =
                CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 32473, 1], vec![5, 0]);
            unknown.set_criticality(true);
            params.custom_extensions.push(unknown);
        }
        let key = key(Key::Ecdsa);
        let certificate = match by {
            Some(by) => params.signed_by(&key, &by.issuer),
            None => params.self_signed(&key),
        };
        let certificate = certificate.expect("a certificate").pem();
        Authority { issuer: Issuer::new(params, key), certificate }
    }

    /// One whose certificate this one has signed.
    pub fn authority(&self, name: &str) -> Authority {
        let (params, key) = (authority(name, Validity::Now), key(Key::Ecdsa));
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate").pem();
        Authority { issuer: Issuer::new(params, key), certificate }
    }

    /// Its list of certificates that are revoked, in PEM.
    pub fn list(&self, revoked: &[&Leaf], validity: Validity) -> String {
        let dates = params("list", &[], validity);
        let (this_update, next_update) = (dates.not_before, dates.not_after);
        let revoke = |leaf: &&Leaf| RevokedCertParams {
            serial_number: leaf.serial.clone(),
            revocation_time: this_update,
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update,
            next_update,
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.iter().map(revoke).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).expect("a list").pem().expect("PEM")
    }

    /// A server's certificate.
    pub fn server(&self, names: &[&str]) -> Leaf {
        self.leaf(names.first().unwrap_or(&"server"), names, Key::Ecdsa, Validity::Now)
    }

    /// A certificate of any kind, for servers and clients.
    pub fn leaf(&self, name: &str, names: &[&str], kind: Key, validity: Validity) -> Leaf {
        use ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
        self.leaf_for(name, names, kind, validity, &[ServerAuth, ClientAuth])
    }

    /// A certificate that is good for servers alone.
    pub fn no_client(&self, name: &str) -> Leaf {
        let purposes = [ExtendedKeyUsagePurpose::ServerAuth];
        self.leaf_for(name, &[name], Key::Ecdsa, Validity::Now, &purposes)
    }

    fn leaf_for(
        &self,
        name: &str,
        names: &[&str],
        kind: Key,
        validity: Validity,
        purposes: &[ExtendedKeyUsagePurpose],
    ) -> Leaf {
        let mut params = params(name, names, validity);
        params.extended_key_usages = purposes.to_vec();
        let (key, serial) = (key(kind), serial());
        params.serial_number = Some(serial.clone());
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Leaf { chain: certificate.pem(), key: key.serialize_pem(), serial }
    }
}

impl Leaf {
    /// One that nobody else has signed.
    pub fn self_signed(name: &str) -> Leaf {
        let mut params = params(name, &[name], Validity::Now);
        let (key, serial) = (key(Key::Ecdsa), serial());
        params.serial_number = Some(serial.clone());
        let certificate = params.self_signed(&key).expect("a certificate");
        Leaf { chain: certificate.pem(), key: key.serialize_pem(), serial }
    }

    /// The same, with other certificates behind it.
    pub fn with_chain(&self, others: &[&str]) -> Leaf {
        let chain = others.iter().fold(self.chain.clone(), |all, one| all + one);
        Leaf { chain, key: self.key.clone(), serial: self.serial.clone() }
    }
}

/// One that no other certificate of this process has.
fn serial() -> SerialNumber {
    static NEXT: AtomicU64 = AtomicU64::new(0x7100_0000);
    SerialNumber::from(NEXT.fetch_add(1, Ordering::Relaxed))
}

fn authority(name: &str, validity: Validity) -> CertificateParams {
    let mut params = params(name, &[], validity);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
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
