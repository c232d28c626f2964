//! What a certificate's extensions say (RFC 5280, 4.2).

use std::net::IpAddr;

use super::oids::dotted;
use super::only;
use crate::der::{Malformed, Reader, tag};

/// A name that a certificate is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AltName<'a> {
    /// A host's, with a star in it or without.
    Dns(&'a str),
    /// An address.
    Ip(IpAddr),
    /// A mailbox.
    Email(&'a str),
    /// A URI.
    Uri(&'a str),
}

/// What is found at an address of the issuer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Whether a certificate is revoked.
    Ocsp,
    /// The issuer's certificate.
    CaIssuers,
}

/// Critical ones that OpenSSL makes sense of (`X509_supported_extension`); with another one a certificate signs nobody.
const HANDLED: [&[u8]; 14] = [
    // id-ce: 2.5.29. Key usage, alternative names, basic constraints, constraints of names, lists of the revoked, policies, their
    // mappings and constraints, purposes, no policy at will.
    &[0x55, 0x1d, 15],
    &[0x55, 0x1d, 17],
    &[0x55, 0x1d, 19],
    &[0x55, 0x1d, 30],
    &[0x55, 0x1d, 31],
    &[0x55, 0x1d, 32],
    &[0x55, 0x1d, 33],
    &[0x55, 0x1d, 36],
    &[0x55, 0x1d, 37],
    &[0x55, 0x1d, 54],
    // id-pe: 1.3.6.1.5.5.7.1. Blocks of addresses, autonomous systems, proxies.
    &[0x2b, 6, 1, 5, 5, 7, 1, 7],
    &[0x2b, 6, 1, 5, 5, 7, 1, 8],
    &[0x2b, 6, 1, 5, 5, 7, 1, 14],
    // Netscape's type of a certificate.
    &[0x60, 0x86, 0x48, 1, 0x86, 0xf8, 0x42, 1, 1],
];

#[derive(Clone, Debug, Default)]
pub struct Extensions<'a> {
    pub is_ca: bool,
    /// There is one that is critical, and not known.
    pub is_unhandled: bool,
    /// Whether it is said what it may be used as at all: an authority or not.
    pub has_constraints: bool,
    /// What its key may be used for, a bit string.
    key_usage: Option<&'a [u8]>,
    pub subject_key: Option<&'a [u8]>,
    pub authority_key: Option<&'a [u8]>,
    pub must_staple: bool,
    names: Option<&'a [u8]>,
    access: Option<&'a [u8]>,
    purposes: Option<&'a [u8]>,
}

impl<'a> Extensions<'a> {
    pub fn read(mut list: Reader<'a>) -> Result<Extensions<'a>, Malformed> {
        let mut all = Extensions::default();
        while !list.is_empty() {
            let mut one = list.inside(tag::SEQUENCE)?;
            let oid = one.value(tag::OID)?.bytes;
            let critical = one.optional(tag::BOOLEAN)?;
            let is_critical = critical.is_some_and(|it| it.bytes.iter().any(|byte| *byte != 0));
            all.is_unhandled |= is_critical && !HANDLED.contains(&oid);
            let body = one.value(tag::OCTET_STRING)?.bytes;
            one.end()?;
            all.take(oid, body)?;
        }
        Ok(all)
    }

    fn take(&mut self, oid: &[u8], body: &'a [u8]) -> Result<(), Malformed> {
        match oid {
            // id-ce: 2.5.29.
            [0x55, 0x1d, 14] => {
                self.subject_key = Some(only(body, tag::OCTET_STRING, "key identifier")?.bytes);
            }
            [0x55, 0x1d, 15] => self.key_usage = Some(body),
            [0x55, 0x1d, 17] => self.names = Some(list(body, "alternative names")?),
            [0x55, 0x1d, 19] => {
                let mut inner = Reader::new(list(body, "basic constraints")?, "basic constraints");
                let ca = inner.optional(tag::BOOLEAN)?;
                self.has_constraints = true;
                self.is_ca = ca.is_some_and(|ca| ca.bytes.iter().any(|byte| *byte != 0));
            }
            [0x55, 0x1d, 35] => {
                let inner = list(body, "authority's key identifier")?;
                let mut key = Reader::new(inner, "authority's key identifier");
                self.authority_key = key.optional(tag::implicit(0))?.map(|key| key.bytes);
            }
            [0x55, 0x1d, 37] => self.purposes = Some(list(body, "extended key usage")?),
            // id-pe: 1.3.6.1.5.5.7.1.
            [0x2b, 6, 1, 5, 5, 7, 1, 1] => self.access = Some(list(body, "authority's access")?),
            // A list of TLS extensions; status_request is 5.
            [0x2b, 6, 1, 5, 5, 7, 1, 24] => {
                let mut features = Reader::new(list(body, "TLS feature")?, "TLS feature");
                while !features.is_empty() {
                    self.must_staple |= features.value(tag::INTEGER)?.bytes == [5];
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The alternative names, as far as they are of the kinds that are told, and are text.
    pub fn names(&self) -> Vec<AltName<'a>> {
        let mut list = Reader::new(self.names.unwrap_or_default(), "alternative names");
        let mut found = Vec::new();
        while let Ok(name) = list.any() {
            const IP: u8 = tag::implicit(7);
            let text = std::str::from_utf8(name.bytes);
            match (name.tag, text) {
                (IP, _) => found.extend(address(name.bytes).map(AltName::Ip)),
                (0x81, Ok(text)) => found.push(AltName::Email(text)),
                (0x82, Ok(text)) => found.push(AltName::Dns(text)),
                (0x86, Ok(text)) => found.push(AltName::Uri(text)),
                _ => {}
            }
        }
        found
    }

    pub fn access(&self, wanted: Access) -> Vec<&'a str> {
        // id-ad: 1.3.6.1.5.5.7.48.
        let method = [0x2b, 6, 1, 5, 5, 7, 0x30, if wanted == Access::Ocsp { 1 } else { 2 }];
        let mut list = Reader::new(self.access.unwrap_or_default(), "authority's access");
        let mut found = Vec::new();
        while let Ok(mut one) = list.inside(tag::SEQUENCE) {
            let (Ok(oid), Ok(place)) = (one.value(tag::OID), one.any()) else { continue };
            let uri = std::str::from_utf8(place.bytes).ok();
            found.extend(uri.filter(|_| oid.bytes == method && place.tag == tag::implicit(6)));
        }
        found
    }

    /// Whether its key may sign certificates, if it is said what it may do (keyCertSign).
    pub fn may_sign(&self) -> Option<bool> {
        const KEY_CERT_SIGN: u8 = 1 << 2;
        let body = self.key_usage?;
        // How many bits of the last byte are none, and the bits.
        let bits = only(body, tag::BIT_STRING, "key usage").ok().and_then(|it| it.bytes.get(1));
        Some(bits.is_some_and(|bits| bits & KEY_CERT_SIGN != 0))
    }

    /// Whether there is a list of purposes.
    pub fn has_purposes(&self) -> bool {
        self.purposes.is_some()
    }

    pub fn is_for(&self, purpose: &str) -> bool {
        let mut list = Reader::new(self.purposes.unwrap_or_default(), "extended key usage");
        std::iter::from_fn(|| list.value(tag::OID).ok())
            .any(|oid| dotted(oid.bytes).is_some_and(|oid| oid == purpose))
    }
}

/// What is in an extension that is a list.
fn list<'a>(body: &'a [u8], what: &'static str) -> Result<&'a [u8], Malformed> {
    only(body, tag::SEQUENCE, what).map(|value| value.bytes)
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}
