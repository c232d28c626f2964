//! OCSP (RFC 6960): whether its issuer still stands by a certificate, as requests and answers without I/O.
//!
//! ```text
//! request:  { { { { CertID } … } } }                                CertID: { algorithm, name's hash, key's hash, serial }
//! answer:   { status, [0] { id-pkix-ocsp-basic, OCTET STRING basic } }
//! basic:    { data, algorithm, signature, [0] { certificate … }? }
//! data:     { [0] version?, [1] name | [2] key's hash, produced, { single … }, [1] extensions? }
//! single:   { CertID, [0] good | [1] { time, [0] reason? } | [2] unknown, this update, [0] next update?, [1] extensions? }
//! ```

use std::fmt;

use aws_lc_rs::digest::{self, Algorithm, SHA1_FOR_LEGACY_USE_ONLY as SHA1};
use base64::Engine as _;

use crate::der::{Malformed, Reader, Value, tag, write};
use crate::x509::{Certificate, Time, dotted, verify};

/// How far clocks may be apart; nginx' value.
const SKEW: i64 = 300;
/// id-kp-OCSPSigning: what a responder's certificate must be for.
const OCSP_SIGNING: &str = "1.3.6.1.5.5.7.3.9";

/// What the issuer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It stands by it.
    Good,
    /// It does not: since then (seconds since 1970), for that reason (RFC 5280, 5.3.1).
    Revoked {
        /// Since when.
        at: Option<i64>,
        /// Why.
        reason: Option<u8>,
    },
    /// It does not know it.
    Unknown,
}

/// An answer that is signed by whom it should be, and is of now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What it says.
    pub status: Status,
    /// When that was so (seconds since 1970).
    pub this_update: i64,
    /// When there will be more to say, if it tells.
    pub next_update: Option<i64>,
}

/// Why an answer is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It cannot be read.
    Malformed(Malformed),
    /// The responder does not answer: its status, as `openssl ocsp` names it.
    Refused(&'static str),
    /// It is of other certificates.
    OfOthers,
    /// Whoever signed it may not, or has not.
    Signature,
    /// It is of another time.
    Times,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Fault::Malformed(fault) => write!(f, "{fault}"),
            Fault::Refused(status) => write!(f, "the responder answers {status}"),
            Fault::OfOthers => write!(f, "certificate status not found in the OCSP response"),
            Fault::Signature => write!(f, "not signed by the issuer or its responder"),
            Fault::Times => write!(f, "not yet valid, or out of date"),
        }
    }
}

impl std::error::Error for Fault {}

impl From<Malformed> for Fault {
    fn from(fault: Malformed) -> Fault {
        Fault::Malformed(fault)
    }
}

/// A request for one certificate. As nginx, without a nonce: answers are made beforehand and kept.
pub fn request(certificate: &Certificate, issuer: &Certificate) -> Vec<u8> {
    const SHA1_ID: [u8; 5] = [0x2b, 0x0e, 0x03, 0x02, 0x1a];
    let algorithm = write(tag::SEQUENCE, &[&write(tag::OID, &[&SHA1_ID]), &[tag::NULL, 0]]);
    let hash = |bytes| write(tag::OCTET_STRING, &[digest::digest(&SHA1, bytes).as_ref()]);
    let serial = write(tag::INTEGER, &[certificate.raw_serial()]);
    let (name, key) = (hash(issuer.subject.der), hash(issuer.key.bits));
    let id = write(tag::SEQUENCE, &[&algorithm, &name, &key, &serial]);
    (0..4).fold(id, |inner, _| write(tag::SEQUENCE, &[&inner]))
}

/// A responder is asked without encryption: its answers are signed, and it has to say nothing about its own certificate.
pub fn check_responder(url: &str) -> Result<(), String> {
    match url.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("http://")) {
        true => Ok(()),
        false => Err(format!("invalid URL prefix in OCSP responder \"{}\"", url.escape_debug())),
    }
}

/// What is appended to the responder's path to ask by GET (RFC 6960, A.1): base 64, escaped.
pub fn path(request: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(request);
    text.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

/// Reads an answer about a certificate, at a time (seconds since 1970).
pub fn read(
    answer: &[u8],
    certificate: &Certificate,
    issuer: &Certificate,
    now: i64,
) -> Result<Answer, Fault> {
    let basic = Basic::read(answer)?;
    let answer = basic.about(certificate, issuer)?.ok_or(Fault::OfOthers)?;
    if !basic.is_signed(issuer, now)? {
        return Err(Fault::Signature);
    }
    let ends =
        answer.next_update.is_some_and(|next| next < now - SKEW || next < answer.this_update);
    match answer.this_update > now + SKEW || ends {
        true => Err(Fault::Times),
        false => Ok(answer),
    }
}

/// Whether these bytes are an answer, of whom and by whom ever.
pub fn is_answer(bytes: &[u8]) -> bool {
    Basic::read(bytes).is_ok()
}

/// An answer's parts.
struct Basic<'a> {
    data: &'a [u8],
    responder: Value<'a>,
    singles: Reader<'a>,
    algorithm: &'a [u8],
    signature: &'a [u8],
    certificates: Option<Reader<'a>>,
}

const WHAT: &str = "OCSP response";

impl<'a> Basic<'a> {
    fn read(answer: &'a [u8]) -> Result<Basic<'a>, Fault> {
        let mut outer = Reader::new(answer, WHAT);
        let mut parts = outer.inside(tag::SEQUENCE)?;
        outer.end()?;
        match parts.value(tag::ENUMERATED)?.bytes {
            [0] => {}
            [1] => return Err(Fault::Refused("malformedrequest")),
            [2] => return Err(Fault::Refused("internalerror")),
            [3] => return Err(Fault::Refused("trylater")),
            [5] => return Err(Fault::Refused("sigrequired")),
            [6] => return Err(Fault::Refused("unauthorized")),
            _ => return Err(parts.malformed().into()),
        }
        let mut bytes = parts.inside(tag::explicit(0))?.inside(tag::SEQUENCE)?;
        // id-pkix-ocsp-basic: 1.3.6.1.5.5.7.48.1.1, the only kind that there is.
        if bytes.value(tag::OID)?.bytes != [0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1] {
            return Err(bytes.malformed().into());
        }
        let mut basic = bytes.inside(tag::OCTET_STRING)?;
        let mut basic = basic.inside(tag::SEQUENCE)?;
        let data = basic.value(tag::SEQUENCE)?;
        let algorithm = basic.value(tag::SEQUENCE)?.whole;
        let signature = basic.bits()?;
        let certificates = match basic.optional_inside(tag::explicit(0))? {
            Some(mut list) => Some(list.inside(tag::SEQUENCE)?),
            None => None,
        };
        basic.end()?;
        let mut fields = Reader::new(data.bytes, WHAT);
        fields.optional(tag::explicit(0))?;
        let responder = fields.any()?;
        Time::read(&mut fields)?;
        let singles = fields.inside(tag::SEQUENCE)?;
        Ok(Basic { data: data.whole, responder, singles, algorithm, signature, certificates })
    }

    /// What it says of a certificate.
    fn about(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
    ) -> Result<Option<Answer>, Fault> {
        let mut singles = self.singles;
        while !singles.is_empty() {
            let mut single = singles.inside(tag::SEQUENCE)?;
            let is_of_it = is_of(single.inside(tag::SEQUENCE)?, certificate, issuer)?;
            let status = status(single.any()?)?;
            let this = Time::read(&mut single)?;
            let next = match single.optional_inside(tag::explicit(0))? {
                Some(mut next) => Some(Time::read(&mut next)?),
                None => None,
            };
            if is_of_it {
                let this_update = this.unix().ok_or(single.malformed())?;
                let next_update = match next {
                    Some(next) => Some(next.unix().ok_or(single.malformed())?),
                    None => None,
                };
                return Ok(Some(Answer { status, this_update, next_update }));
            }
        }
        Ok(None)
    }

    /// Whether the issuer has signed it, or whom it has given the right to (RFC 6960, 4.2.2.2).
    fn is_signed(&self, issuer: &Certificate, now: i64) -> Result<bool, Fault> {
        let by =
            |signer: &Certificate| verify(&signer.key, self.algorithm, self.data, self.signature);
        if self.names(issuer)? {
            return Ok(by(issuer));
        }
        let Some(mut list) = self.certificates else { return Ok(false) };
        while !list.is_empty() {
            let Ok(signer) = Certificate::parse(list.any()?.whole) else { continue };
            let may = signer.is_for(OCSP_SIGNING) && signer.is_signed_by(issuer);
            if self.names(&signer)? && may && signer.is_of(now) {
                return Ok(by(&signer));
            }
        }
        Ok(false)
    }

    /// Whether it says that this one answers.
    fn names(&self, signer: &Certificate) -> Result<bool, Malformed> {
        const NAME: u8 = tag::explicit(1);
        const KEY: u8 = tag::explicit(2);
        let mut inner = Reader::new(self.responder.bytes, WHAT);
        match self.responder.tag {
            NAME => Ok(self.responder.bytes == signer.subject.der),
            KEY => {
                let hash = inner.value(tag::OCTET_STRING)?.bytes;
                Ok(hash == digest::digest(&SHA1, signer.key.bits).as_ref())
            }
            _ => Err(inner.malformed()),
        }
    }
}

/// Whether a CertID means this certificate.
fn is_of(
    mut id: Reader,
    certificate: &Certificate,
    issuer: &Certificate,
) -> Result<bool, Malformed> {
    let algorithm = dotted(id.inside(tag::SEQUENCE)?.value(tag::OID)?.bytes).unwrap_or_default();
    let name = id.value(tag::OCTET_STRING)?.bytes;
    let key = id.value(tag::OCTET_STRING)?.bytes;
    let serial = id.value(tag::INTEGER)?.bytes;
    let hash: &Algorithm = match &algorithm[..] {
        "1.3.14.3.2.26" => &SHA1,
        "2.16.840.1.101.3.4.2.1" => &digest::SHA256,
        "2.16.840.1.101.3.4.2.2" => &digest::SHA384,
        "2.16.840.1.101.3.4.2.3" => &digest::SHA512,
        _ => return Ok(false),
    };
    let is = |bytes, wanted| digest::digest(hash, bytes).as_ref() == wanted;
    let of_issuer = is(issuer.subject.der, name) && is(issuer.key.bits, key);
    Ok(serial == certificate.raw_serial() && of_issuer)
}

fn status(value: Value) -> Result<Status, Malformed> {
    const GOOD: u8 = tag::implicit(0);
    const REVOKED: u8 = tag::explicit(1);
    const UNKNOWN: u8 = tag::implicit(2);
    let mut inner = Reader::new(value.bytes, WHAT);
    match value.tag {
        GOOD => Ok(Status::Good),
        UNKNOWN => Ok(Status::Unknown),
        REVOKED => {
            let at = Time::read(&mut inner)?.unix();
            let reason = match inner.optional_inside(tag::explicit(0))? {
                Some(mut reason) => reason.value(tag::ENUMERATED)?.bytes.first().copied(),
                None => None,
            };
            Ok(Status::Revoked { at, reason })
        }
        _ => Err(inner.malformed()),
    }
}
