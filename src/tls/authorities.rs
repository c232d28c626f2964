//! Whose certificates are believed, and what there is to say to those that somebody shows.

use std::cell::Cell;

use aws_lc_rs::digest;
use conf::{Env, Error, Word};
use rustls::DistinguishedName;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, TrustAnchor, UnixTime};
use webpki::{
    BorrowedCertRevocationList, CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage,
    RevocationOptionsBuilder, UnknownStatusPolicy, anchor_from_trusted_cert,
};

use crate::certificate;
use crate::verdict::Verdict;
use crate::x509::{self, Certificate};

/// What a certificate is shown for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// By a client.
    Client,
    /// By a server.
    Server,
}

impl Purpose {
    fn usage(self) -> KeyUsage {
        match self {
            Purpose::Client => KeyUsage::client_auth(),
            Purpose::Server => KeyUsage::server_auth(),
        }
    }

    /// id-kp-clientAuth, id-kp-serverAuth (RFC 5280, 4.2.1.12).
    fn oid(self) -> &'static str {
        match self {
            Purpose::Client => "1.3.6.1.5.5.7.3.2",
            Purpose::Server => "1.3.6.1.5.5.7.3.1",
        }
    }
}

/// OpenSSL's number of a certificate with whose signature something is wrong.
const UNREADABLE: u16 = 7;

/// Who is trusted.
#[derive(Debug)]
pub struct Authorities {
    purpose: Purpose,
    depth: u64,
    pub algorithms: WebPkiSupportedAlgorithms,
    /// Each with its name and its key, as webpki has them.
    trusted: Vec<(CertificateDer<'static>, TrustAnchor<'static>)>,
    /// Where a path may end: those of the trusted that have signed themselves, as with OpenSSL.
    anchors: Vec<TrustAnchor<'static>>,
    /// The other ones: they may stand on a path.
    between: Vec<CertificateDer<'static>>,
    revoked: Vec<CertRevocationList<'static>>,
}

/// Why no path leads to what is trusted.
struct Fault {
    error: webpki::Error,
    /// OpenSSL's number, where one does but for somebody on it who may not sign.
    refused: Option<u16>,
}

/// From somebody's own certificate to what is trusted.
struct Path {
    between: Vec<CertificateDer<'static>>,
    end: TrustAnchor<'static>,
}

impl Authorities {
    /// Nobody yet. `depth`: so many certificates may stand between one that is shown and an authority's.
    pub fn new(purpose: Purpose, depth: u64, provider: &CryptoProvider) -> Authorities {
        Authorities {
            purpose,
            depth,
            algorithms: provider.signature_verification_algorithms,
            trusted: Vec::new(),
            anchors: Vec::new(),
            between: Vec::new(),
            revoked: Vec::new(),
        }
    }

    /// Trusts those in a file; gives their names.
    pub fn trust(&mut self, word: &Word, env: &Env<'_>) -> Result<Vec<DistinguishedName>, Error> {
        let mut names = Vec::new();
        let wrong = |why: String| {
            Error::at(
                format!("cannot load certificate \"{}\": {why}", certificate::shown(&word.text)),
                word.span,
                env.files,
            )
        };
        let chain = certificate::chain(&certificate::read("certificate", word, env)?);
        let chain = chain.map_err(wrong)?;
        let is_one_of_many = self.purpose == Purpose::Server && chain.len() > 1;
        for certificate in chain {
            let anchor = match anchor_from_trusted_cert(&certificate) {
                Ok(anchor) => anchor.to_owned(),
                // Of a system's many some are always odd.
                Err(_) if is_one_of_many => continue,
                Err(error) => return Err(wrong(error.to_string())),
            };
            names.push(DistinguishedName::in_sequence(&anchor.subject));
            match is_self_signed(&certificate) {
                true => self.anchors.push(anchor.clone()),
                false => self.between.push(certificate.clone()),
            }
            self.trusted.push((certificate, anchor));
        }
        Ok(names)
    }

    /// Trusts no more whom the lists in a file name.
    pub fn revoke(&mut self, word: &Word, env: &Env<'_>) -> Result<(), Error> {
        let wrong = |why: String| {
            let shown = certificate::shown(&word.text);
            Error::at(format!("cannot load CRL \"{shown}\": {why}"), word.span, env.files)
        };
        let pem = certificate::read("CRL", word, env)?;
        for list in CertificateRevocationListDer::pem_slice_iter(&pem) {
            let list = list.map_err(|error| wrong(error.to_string()))?;
            let parsed = BorrowedCertRevocationList::from_der(&list);
            let owned = parsed.and_then(|parsed| parsed.to_owned());
            self.revoked.push(owned.map_err(|error| wrong(fault(&error, &list)))?.into());
        }
        match self.revoked.is_empty() {
            true => Err(wrong("no list is in it".to_owned())),
            false => Ok(()),
        }
    }

    /// Tells those whom this trusts from others.
    pub fn identify(&self, context: &mut digest::Context) {
        self.trusted().for_each(|certificate| context.update(certificate));
    }

    /// What there is to say to somebody's certificates, the own one first.
    pub fn judge(&self, chain: Option<&[CertificateDer<'_>]>) -> Verdict {
        let Some((own, others)) = chain.and_then(<[_]>::split_first) else { return Verdict::None };
        let now = UnixTime::since_unix_epoch(sys::clock::wall());
        // Who is trusted itself needs nobody's signature; but a list may have revoked it.
        let is_trusted = || self.trusted().any(|known| known == own) && is_self_signed(own);
        if self.revoked.is_empty() && is_trusted() {
            return self.of_trusted(own, now);
        }
        let others: Vec<_> = others.iter().chain(&self.between).cloned().collect();
        match self.verify_path(own, &others, now) {
            Ok(path) => self.of_end(&path.end, now),
            Err(Fault { refused: Some(number), .. }) => Verdict::Failed(number),
            Err(Fault { error, .. }) => Verdict::Failed(self.number(&error, own, &others)),
        }
    }

    /// The anchors of webpki have no dates. One that was renewed is there more than once.
    fn of_end(&self, end: &TrustAnchor<'_>, now: UnixTime) -> Verdict {
        let verdicts = self.ends(end).map(|root| in_time(root, now));
        let worst_first = |verdict: &Verdict| *verdict == Verdict::Success;
        verdicts.max_by_key(worst_first).unwrap_or(Verdict::Failed(7))
    }

    fn trusted(&self) -> impl Iterator<Item = &CertificateDer<'static>> {
        self.trusted.iter().map(|(certificate, _)| certificate)
    }

    /// The certificates of an anchor.
    fn ends(&self, end: &TrustAnchor<'_>) -> impl Iterator<Item = &CertificateDer<'static>> {
        let is_it = |known: &TrustAnchor<'_>| {
            known.subject == end.subject
                && known.subject_public_key_info == end.subject_public_key_info
        };
        let those = self.trusted.iter().filter(move |(_, known)| is_it(known));
        those.map(|(certificate, _)| certificate)
    }

    /// From somebody's own certificate to that of an authority that needs nobody's word. `None`: they do not lead there.
    pub fn path(&self, chain: &[CertificateDer<'_>]) -> Option<Vec<CertificateDer<'static>>> {
        let (own, others) = chain.split_first()?;
        let own_alone = || vec![own.clone().into_owned()];
        if self.trusted().any(|known| known == own) && is_self_signed(own) {
            return Some(own_alone());
        }
        let now = UnixTime::since_unix_epoch(sys::clock::wall());
        let others: Vec<_> = others.iter().chain(&self.between).cloned().collect();
        let Path { between, end } = self.verify_path(own, &others, now).ok()?;
        let root = self.ends(&end).next()?.clone();
        Some(own_alone().into_iter().chain(between).chain([root]).collect())
    }

    fn verify_path(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<Path, Fault> {
        let lists: Vec<&CertRevocationList<'_>> = self.revoked.iter().collect();
        let revocation = RevocationOptionsBuilder::new(&lists).ok().map(|options| {
            let options = options.with_status_policy(UnknownStatusPolicy::Deny);
            options.with_expiration_policy(ExpirationPolicy::Enforce).build()
        });
        let refused = Cell::new(None);
        let holds = |path: &webpki::VerifiedPath<'_>| {
            if path.intermediate_certificates().count() as u64 > self.depth {
                return Err(webpki::Error::MaximumPathDepthExceeded);
            }
            // Another path is tried then.
            self.refusal(path).map_or(Ok(()), |number| {
                refused.set(Some(number));
                Err(webpki::Error::EndEntityUsedAsCa)
            })
        };
        let fault = |error| Fault { error, refused: refused.get() };
        let leaf = EndEntityCert::try_from(own).map_err(fault)?;
        let path = leaf.verify_for_usage(
            self.algorithms.all,
            &self.anchors,
            others,
            now,
            self.purpose.usage(),
            revocation,
            Some(&holds),
        );
        let path = path.map_err(fault)?;
        Ok(Path {
            between: path.intermediate_certificates().map(|one| one.der().into_owned()).collect(),
            end: path.anchor().to_owned(),
        })
    }

    /// OpenSSL's number, where somebody has signed on a path who may not. webpki asks that of those between alone, and not what their keys are
    /// for; of an anchor it knows a name and a key.
    fn refusal(&self, path: &webpki::VerifiedPath<'_>) -> Option<u16> {
        let between = path.intermediate_certificates().map(|one| self.fault_of(&one.der(), false));
        // One that was renewed is there more than once.
        let end = self.ends(path.anchor()).map(|root| self.fault_of(root, true));
        let end = end.min_by_key(Option::is_some).unwrap_or(Some(UNREADABLE));
        worst(between.chain([end]))
    }

    /// Why somebody may not sign; `ends`: nobody has to sign for it.
    fn fault_of(&self, certificate: &CertificateDer<'_>, ends: bool) -> Option<u16> {
        match Certificate::parse(certificate) {
            Ok(certificate) => certificate.may_sign(self.purpose.oid(), ends).err(),
            Err(_) => Some(UNREADABLE),
        }
    }

    /// The same of those who have signed as far as names tell, where webpki knows no path.
    fn refusal_by_names(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
    ) -> Option<u16> {
        let mut known: Vec<&CertificateDer<'_>> = others.iter().collect();
        self.trusted().for_each(|one| known.push(one));
        let faults = signers(own, known).into_iter();
        worst(
            faults.map(|(_, signer)| {
                signer.may_sign(self.purpose.oid(), signer.is_self_signed()).err()
            }),
        )
    }

    /// OpenSSL's number of what is wrong.
    fn number(
        &self,
        error: &webpki::Error,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
    ) -> u16 {
        match error {
            webpki::Error::CertExpired { .. } => 10,
            webpki::Error::CertNotValidYet { .. } => 9,
            webpki::Error::CertRevoked => 23,
            webpki::Error::CrlExpired { .. } => 12,
            webpki::Error::UnknownRevocationStatus => 3,
            // OpenSSL looks no further, and misses the rest.
            webpki::Error::MaximumPathDepthExceeded => 20,
            webpki::Error::PathLenConstraintViolated => 25,
            webpki::Error::EndEntityUsedAsCa => self.refusal_by_names(own, others).unwrap_or(24),
            webpki::Error::RequiredEkuNotFoundContext(_) => {
                self.refusal_by_names(own, others).unwrap_or(26)
            }
            webpki::Error::UnsupportedCriticalExtension => {
                self.refusal_by_names(own, others).unwrap_or(34)
            }
            webpki::Error::UnknownIssuer | webpki::Error::CaUsedAsEndEntity => {
                self.lack(own, others)
            }
            _ => 7,
        }
    }

    /// The number for a path that does not come to its end: how far it comes.
    fn lack(&self, own: &CertificateDer<'_>, others: &[CertificateDer<'_>]) -> u16 {
        if is_self_signed(own) {
            return 18;
        }
        let signers = signers(own, others.iter().collect());
        let is_between = |der: &CertificateDer<'_>| self.between.iter().any(|known| known == der);
        if signers.last().is_some_and(|(_, last)| last.is_self_signed()) {
            return 19;
        }
        match (signers.is_empty(), signers.iter().any(|(der, _)| is_between(der))) {
            (true, _) => 21,
            (false, true) => 2,
            (false, false) => 20,
        }
    }

    /// Of one that needs nobody's signature.
    fn of_trusted(&self, own: &CertificateDer<'_>, now: UnixTime) -> Verdict {
        let purpose = self.purpose.oid();
        match Certificate::parse(own).is_ok_and(|own| own.may_be_used_for(purpose)) {
            true => in_time(own, now),
            false => Verdict::Failed(26),
        }
    }
}

/// What OpenSSL comes to: a key that may not sign, else the fault that is nearest to the end of a path.
fn worst(faults: impl Iterator<Item = Option<u16>>) -> Option<u16> {
    let faults: Vec<u16> = faults.flatten().collect();
    faults.iter().find(|fault| **fault == 32).or(faults.last()).copied()
}

/// Those who have signed one another, as far as names tell: from an own certificate's issuer to one that has signed itself, or to the last
/// that is known. Each is read once, and is there once: who shows them may show many, in circles.
fn signers<'c>(
    own: &'c CertificateDer<'_>,
    known: Vec<&'c CertificateDer<'c>>,
) -> Vec<(&'c CertificateDer<'c>, Certificate<'c>)> {
    let Ok(mut last) = Certificate::parse(own) else { return Vec::new() };
    let known = known.into_iter().filter_map(|der| Some((der, Certificate::parse(der).ok()?)));
    let (mut known, mut signers): (Vec<_>, Vec<_>) = (known.collect(), Vec::new());
    while let Some(at) = known.iter().position(|(_, other)| last.is_issued_by(other)) {
        let (der, issuer) = known.remove(at);
        last = issuer.clone();
        let ends = issuer.is_self_signed();
        signers.push((der, issuer));
        if ends {
            break;
        }
    }
    signers
}

fn is_self_signed(certificate: &CertificateDer<'_>) -> bool {
    Certificate::parse(certificate).is_ok_and(|certificate| certificate.is_self_signed())
}

/// Why a list cannot be used.
fn fault(error: &webpki::Error, list: &[u8]) -> String {
    match x509::is_first_version(list) {
        true => "it is a list of version 1, and only those of version 2 are read here: \
                 \"crl_extensions\" in the authority's configuration makes them"
            .to_owned(),
        false => error.to_string(),
    }
}

fn in_time(own: &CertificateDer<'_>, now: UnixTime) -> Verdict {
    let Ok(certificate) = Certificate::parse(own) else { return Verdict::Failed(7) };
    let now = now.as_secs() as i64;
    if certificate.not_before.unix().is_some_and(|from| now < from) {
        return Verdict::Failed(9);
    }
    match certificate.not_after.unix() {
        Some(until) if now <= until => Verdict::Success,
        _ => Verdict::Failed(10),
    }
}
