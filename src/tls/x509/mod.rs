//! The facts of a certificate (RFC 5280), as nginx with OpenSSL tells them.
//!
//! ```text
//! Certificate: { to be signed: { [0] version?, serial, algorithm, issuer, validity, subject, key,
//!                                [1] issuer's id?, [2] subject's id?, [3] extensions? },
//!                algorithm, signature }
//! ```
//!
//! Whether it may be trusted is not asked here: what is shown may be of any certificate.

mod extensions;
mod key;
mod name;
mod oids;
mod signature;
mod time;

use aws_lc_rs::digest;

pub use crate::der::Malformed;
use crate::der::{Reader, Value, tag};
pub use extensions::{Access, AltName};
pub use key::Key;
pub use name::Name;
pub use oids::dotted;
pub(crate) use signature::{judge, verify};
pub use time::Time;

use extensions::Extensions;

/// A certificate, as its DER says.
#[derive(Clone, Debug)]
pub struct Certificate<'a> {
    der: &'a [u8],
    /// What is signed.
    pub signed: &'a [u8],
    /// By which algorithm: its identifier, whole.
    pub algorithm: &'a [u8],
    /// The signature.
    pub signature: &'a [u8],
    /// Whose it is.
    pub subject: Name<'a>,
    /// Who has signed it.
    pub issuer: Name<'a>,
    /// From when it is valid.
    pub not_before: Time<'a>,
    /// Until when.
    pub not_after: Time<'a>,
    /// The key in it.
    pub key: Key<'a>,
    serial: &'a [u8],
    is_first_version: bool,
    extensions: Extensions<'a>,
}

impl<'a> Certificate<'a> {
    /// Reads one; nothing may follow.
    pub fn parse(der: &'a [u8]) -> Result<Certificate<'a>, Malformed> {
        let mut outer = Reader::new(der, "certificate");
        let mut parts = outer.inside(tag::SEQUENCE)?;
        outer.end()?;
        let signed = parts.value(tag::SEQUENCE)?;
        let algorithm = parts.value(tag::SEQUENCE)?.whole;
        let signature = parts.bits()?;
        parts.end()?;

        let mut fields = Reader::new(signed.bytes, "certificate");
        let is_first_version = fields.optional(tag::explicit(0))?.is_none();
        let serial = fields.value(tag::INTEGER)?.bytes;
        fields.value(tag::SEQUENCE)?;
        let issuer = Name::read(fields.value(tag::SEQUENCE)?)?;
        let mut validity = fields.inside(tag::SEQUENCE)?;
        let (not_before, not_after) = (Time::read(&mut validity)?, Time::read(&mut validity)?);
        validity.end()?;
        let subject = Name::read(fields.value(tag::SEQUENCE)?)?;
        let key = Key::read(fields.value(tag::SEQUENCE)?)?;
        fields.optional(tag::implicit(1))?;
        fields.optional(tag::implicit(2))?;
        let extensions = match fields.optional_inside(tag::explicit(3))? {
            Some(mut inner) => Extensions::read(inner.inside(tag::SEQUENCE)?)?,
            None => Extensions::default(),
        };
        fields.end()?;
        if serial.is_empty() {
            return Err(fields.malformed());
        }
        let signed = signed.whole;
        Ok(Certificate {
            der,
            signed,
            algorithm,
            signature,
            subject,
            issuer,
            not_before,
            not_after,
            key,
            serial,
            is_first_version,
            extensions,
        })
    }

    /// The serial number, as `$ssl_client_serial` has it: hexadecimal, in capitals.
    pub fn serial(&self) -> String {
        let negative = self.serial.first().is_some_and(|first| first & 0x80 != 0);
        let mut digits = self.serial.to_vec();
        if negative {
            // Two's complement: its magnitude is what is shown.
            let mut carry = true;
            for digit in digits.iter_mut().rev() {
                (*digit, carry) = (!*digit).overflowing_add(u8::from(carry));
            }
        }
        let zeros = digits.iter().take_while(|digit| **digit == 0).count().min(digits.len() - 1);
        let mut text = String::from(if negative { "-" } else { "" });
        for (at, digit) in digits[zeros..].iter().enumerate() {
            // As `i2a_ASN1_INTEGER` breaks its lines.
            let end = if at > 0 && at % 35 == 0 { "\\\n" } else { "" };
            text.push_str(&format!("{end}{digit:02X}"));
        }
        text
    }

    /// The serial number's bytes, as they stand in it.
    pub fn raw_serial(&self) -> &'a [u8] {
        self.serial
    }

    /// SHA-1 of the whole, as `$ssl_client_fingerprint` has it: hexadecimal.
    pub fn fingerprint(&self) -> String {
        let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, self.der);
        hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whole days from a time (seconds since 1970) until it ends; 0 when it has.
    pub fn days_left(&self, now: i64) -> u64 {
        let left = self.not_after.unix().map_or(0, |end| end.saturating_sub(now));
        u64::try_from(left).unwrap_or(0) / 86_400
    }

    /// The names it is for.
    pub fn names(&self) -> Vec<AltName<'a>> {
        self.extensions.names()
    }

    /// Where its issuer answers for it by OCSP.
    pub fn ocsp_responders(&self) -> Vec<&'a str> {
        self.extensions.access(Access::Ocsp)
    }

    /// Where its issuer's certificate is.
    pub fn issuers_certificates(&self) -> Vec<&'a str> {
        self.extensions.access(Access::CaIssuers)
    }

    /// Whether it may sign others.
    pub fn is_ca(&self) -> bool {
        self.extensions.is_ca
    }

    /// Whether it may sign certificates that are used for this (an object identifier, dotted), as OpenSSL judges authorities: `check_ca`, their
    /// purposes, critical extensions (RFC 5280, 4.2.1.3, 4.2.1.9, 4.2.1.12). The error is OpenSSL's number, of several the one that it comes to.
    /// `ends`: nobody has to sign for it.
    pub fn may_sign(&self, purpose: &str, ends: bool) -> Result<(), u16> {
        let of_key = self.extensions.may_sign();
        // Without extensions roots of the first version are what they say; and who says that the key signs needs to say no more.
        let is_authority = match self.extensions.has_constraints {
            true => self.extensions.is_ca,
            false => of_key == Some(true) || (self.is_first_version && self.is_self_signed()),
        };
        if of_key == Some(false) {
            return Err(32);
        }
        if !is_authority || !self.may_be_used_for(purpose) {
            return Err(26);
        }
        match (ends || self.extensions.is_ca, self.extensions.is_unhandled) {
            (false, _) => Err(24),
            (true, true) => Err(34),
            (true, false) => Ok(()),
        }
    }

    /// Whether its key may be used for this (an object identifier, dotted), as its extended key usage names it.
    pub fn is_for(&self, purpose: &str) -> bool {
        self.extensions.is_for(purpose)
    }

    /// Whether its extended key usage, if it has one, allows this.
    pub fn may_be_used_for(&self, purpose: &str) -> bool {
        !self.extensions.has_purposes() || self.is_for(purpose)
    }

    /// The names of its key and of its issuer's, where it gives them.
    pub fn key_ids(&self) -> (Option<&'a [u8]>, Option<&'a [u8]>) {
        (self.extensions.subject_key, self.extensions.authority_key)
    }

    /// Whether a stapled answer must come with it (RFC 7633).
    pub fn must_staple(&self) -> bool {
        self.extensions.must_staple
    }

    /// Whether the other's key may have signed it, as far as names tell; the signature is not checked.
    pub fn is_issued_by(&self, issuer: &Certificate) -> bool {
        let keys = (self.extensions.authority_key, issuer.extensions.subject_key);
        let fits = !matches!(keys, (Some(wanted), Some(has)) if wanted != has);
        fits && self.issuer == issuer.subject
    }

    /// Whether the other's key has signed it.
    pub fn is_signed_by(&self, issuer: &Certificate) -> bool {
        verify(&issuer.key, self.algorithm, self.signed, self.signature)
    }

    /// Whether the other's key has certainly not signed it: by algorithms that are not known here it may have.
    pub fn is_strange_to(&self, issuer: &Certificate) -> bool {
        judge(&issuer.key, self.algorithm, self.signed, self.signature) == Some(false)
    }

    /// Whether a time (seconds since 1970) is one of its own.
    pub fn is_of(&self, now: i64) -> bool {
        let after_start = self.not_before.unix().is_some_and(|start| start <= now);
        after_start && self.not_after.unix().is_some_and(|end| now <= end)
    }

    /// Whether it is its own issuer, as far as names tell.
    pub fn is_self_signed(&self) -> bool {
        self.is_issued_by(self)
    }
}

/// Whether a list of revoked certificates has no version, which is what the first version has (RFC 5280, 5.1.2.1).
pub(crate) fn is_first_version(list: &[u8]) -> bool {
    let read = || {
        let mut signed = Reader::new(list, "CRL").inside(tag::SEQUENCE)?.inside(tag::SEQUENCE)?;
        signed.value(tag::SEQUENCE)
    };
    read().is_ok()
}

/// The contents of an extension, which is one value.
fn only<'a>(bytes: &'a [u8], tag: u8, what: &'static str) -> Result<Value<'a>, Malformed> {
    let mut reader = Reader::new(bytes, what);
    let value = reader.value(tag)?;
    reader.end()?;
    Ok(value)
}
