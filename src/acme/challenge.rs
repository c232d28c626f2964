//! What proves that a name is ours (RFC 8555, 8; RFC 8737; of addresses: RFC 8738).

use std::net::IpAddr;

use aws_lc_rs::digest;
use rcgen::{CertificateParams, CustomExtension, DistinguishedName};
use serde_json::{Value, json};

use crate::error::Error;
use crate::key::{AccountKey, KeyType};

/// A name, or an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identifier {
    /// A host's name in ASCII, perhaps with a star before.
    Dns(String),
    /// An address.
    Ip(IpAddr),
}

impl Identifier {
    /// Of what a configuration says.
    pub fn of(text: &str) -> Identifier {
        match text.parse() {
            Ok(address) => Identifier::Ip(address),
            Err(_) => Identifier::Dns(text.to_ascii_lowercase()),
        }
    }

    /// As it is written.
    pub fn text(&self) -> String {
        match self {
            Identifier::Dns(name) => name.clone(),
            Identifier::Ip(address) => address.to_string(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        let kind = if matches!(self, Identifier::Dns(_)) { "dns" } else { "ip" };
        json!({"type": kind, "value": self.text()})
    }

    /// By which name a server asks in its ClientHello (RFC 8738, 6).
    pub fn server_name(&self) -> String {
        match self {
            Identifier::Dns(name) => name.clone(),
            Identifier::Ip(IpAddr::V4(address)) => {
                let [a, b, c, d] = address.octets();
                format!("{d}.{c}.{b}.{a}.in-addr.arpa")
            }
            Identifier::Ip(IpAddr::V6(address)) => {
                let nibbles = address.octets().into_iter().rev().flat_map(|o| [o & 15, o >> 4]);
                let digits: String = nibbles.map(|nibble| format!("{nibble:x}.")).collect();
                format!("{digits}ip6.arpa")
            }
        }
    }
}

/// How a name is proven.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// By a page (RFC 8555, 8.3).
    #[default]
    Http01,
    /// By a certificate (RFC 8737).
    TlsAlpn01,
}

impl Kind {
    /// By its name, with or without `-01`.
    pub fn of(name: &str) -> Option<Kind> {
        match name {
            "http" | "http-01" => Some(Kind::Http01),
            "tls-alpn" | "tls-alpn-01" => Some(Kind::TlsAlpn01),
            _ => None,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Http01 => "http-01",
            Kind::TlsAlpn01 => "tls-alpn-01",
        }
    }
}

/// What must be shown while the server looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The body of `http://NAME/.well-known/acme-challenge/TOKEN`.
    Http01 {
        /// Whose it is.
        identifier: Identifier,
        /// The end of the path: letters, digits, `-` and `_`.
        token: String,
        /// The body.
        content: String,
    },
    /// The certificate for a client that asks for this name and offers the protocol `acme-tls/1` alone.
    TlsAlpn01 {
        /// Whose it is.
        identifier: Identifier,
        /// By which name the client asks.
        server_name: String,
        /// The certificate, in DER.
        certificate: Vec<u8>,
        /// Its key: PKCS#8, in DER.
        key: Vec<u8>,
    },
}

impl Proof {
    pub(crate) fn new(
        kind: Kind,
        identifier: Identifier,
        token: &str,
        key: &AccountKey,
    ) -> Result<Proof, Error> {
        if !is_token(token) {
            return Err(Error::protocol("token"));
        }
        let content = key.authorization(token);
        match kind {
            Kind::Http01 => Ok(Proof::Http01 { identifier, token: token.to_owned(), content }),
            Kind::TlsAlpn01 => certificate(identifier, &content),
        }
    }
}

/// Letters, digits, `-` and `_`, since it becomes a part of a path (RFC 8555, 8.3); of a length that nobody exceeds.
pub fn is_token(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    (1..=128).contains(&text.len()) && text.bytes().all(is_plain)
}

/// RFC 8737, 3: a certificate of its own for the one name, with the hash of what else would be the page.
fn certificate(identifier: Identifier, content: &str) -> Result<Proof, Error> {
    let failed = |error| Error::Wish(format!("no certificate for {}: {error}", identifier.text()));
    let hash = digest::digest(&digest::SHA256, content.as_bytes());
    let mut wanted = CertificateParams::new(vec![identifier.text()]).map_err(failed)?;
    wanted.distinguished_name = DistinguishedName::new();
    wanted.custom_extensions = vec![CustomExtension::new_acme_identifier(hash.as_ref())];
    let key = KeyType::Ecdsa256.generate()?;
    let certificate = wanted.self_signed(&key).map_err(failed)?.der().to_vec();
    let server_name = identifier.server_name();
    Ok(Proof::TlsAlpn01 { identifier, server_name, certificate, key: key.serialize_der() })
}
