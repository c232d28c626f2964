//! Clients' certificates: asked for in the handshake, judged after it, so that a request can be answered by a page that
//! says what is wrong.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest;
use conf::{Env, Error, Word};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, TrustAnchor, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, SignatureScheme};
use webpki::{
    BorrowedCertRevocationList, CertRevocationList, EndEntityCert, KeyUsage,
    RevocationOptionsBuilder, UnknownStatusPolicy, anchor_from_trusted_cert,
};

use crate::certificate;
use crate::settings::{Conf, Verify};
use crate::x509::Certificate;

/// What is known of a client by its certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It has sent none.
    None,
    /// It is one of those that are trusted.
    Success,
    /// It is not: OpenSSL's number of the reason.
    Failed(u16),
}

impl Verdict {
    /// OpenSSL's words for the reason.
    pub fn reason(&self) -> &'static str {
        self.words().0
    }

    /// What the log says.
    pub(crate) fn complaint(&self) -> &'static str {
        self.words().1
    }

    fn words(&self) -> (&'static str, &'static str) {
        match self {
            Verdict::None | Verdict::Success => ("", ""),
            Verdict::Failed(number) => {
                let row = REASONS.iter().find(|(known, ..)| known == number);
                row.map_or(UNKNOWN, |(_, reason, complaint)| (reason, complaint))
            }
        }
    }

    /// Whether it is only that nobody known has signed it (`optional_no_ca`).
    pub(crate) fn lacks_authority(&self) -> bool {
        matches!(self, Verdict::Failed(18..=21))
    }
}

impl fmt::Display for Verdict {
    /// As `$ssl_client_verify` has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::None => f.write_str("NONE"),
            Verdict::Success => f.write_str("SUCCESS"),
            Verdict::Failed(_) => write!(f, "FAILED:{}", self.reason()),
        }
    }
}

macro_rules! reasons {
    ($($number:literal $reason:literal)*) => {
        [$(($number, $reason, concat!("client SSL certificate verify error: (", $number, ":", $reason, ")"))),*]
    };
}

/// X509_V_ERR_…, of openssl/x509_vfy.h.
const REASONS: [(u16, &str, &str); 12] = reasons! {
    3 "unable to get certificate CRL"
    7 "certificate signature failure"
    9 "certificate is not yet valid"
    10 "certificate has expired"
    12 "CRL has expired"
    18 "self-signed certificate"
    20 "unable to get local issuer certificate"
    21 "unable to verify the first certificate"
    22 "certificate chain too long"
    23 "certificate revoked"
    24 "invalid CA certificate"
    26 "unsuitable certificate purpose"
};
const UNKNOWN: (&str, &str) =
    ("certificate verification error", "client SSL certificate verify error");

/// Who is trusted, and what is asked of clients.
#[derive(Debug)]
pub struct Clients {
    /// `on`, `optional` …
    pub verify: Verify,
    depth: u64,
    algorithms: WebPkiSupportedAlgorithms,
    trusted: Vec<CertificateDer<'static>>,
    anchors: Vec<TrustAnchor<'static>>,
    revoked: Vec<CertRevocationList<'static>>,
    names: Vec<DistinguishedName>,
}

impl Clients {
    /// What the directives come to; `None`: nothing is asked of clients.
    pub fn new(
        conf: &Conf,
        env: &Env<'_>,
        provider: &CryptoProvider,
    ) -> Result<Option<Arc<Clients>>, Error> {
        let verify = conf.ssl_verify_client();
        if verify == Verify::Off {
            return Ok(None);
        }
        let told = conf.ssl_client_certificate.get();
        let trusted = conf.ssl_trusted_certificate.get();
        if told.is_none() && trusted.is_none() && verify != Verify::OptionalNoCa {
            let message = "no ssl_client_certificate for ssl_verify_client";
            return Err(Error::new(message).with_hint(
                "ssl_client_certificate names a file with the authorities that sign clients' certificates",
            ));
        }
        let mut clients = Clients {
            verify,
            depth: conf.ssl_verify_depth(),
            algorithms: provider.signature_verification_algorithms,
            trusted: Vec::new(),
            anchors: Vec::new(),
            revoked: Vec::new(),
            names: Vec::new(),
        };
        told.map_or(Ok(()), |word| clients.trust(word, true, env))?;
        trusted.map_or(Ok(()), |word| clients.trust(word, false, env))?;
        conf.ssl_crl.get().map_or(Ok(()), |word| clients.revoke(word, env))?;
        Ok(Some(Arc::new(clients)))
    }

    fn trust(&mut self, word: &Word, told: bool, env: &Env<'_>) -> Result<(), Error> {
        let wrong = |why: String| {
            Error::at(
                format!("cannot load certificate \"{}\": {why}", word.text),
                word.span,
                env.files,
            )
        };
        let chain = certificate::chain(&certificate::read("certificate", word, env)?);
        for certificate in chain.map_err(wrong)? {
            let anchor =
                anchor_from_trusted_cert(&certificate).map_err(|e| wrong(e.to_string()))?;
            let anchor = anchor.to_owned();
            if told {
                self.names.push(DistinguishedName::in_sequence(&anchor.subject));
            }
            self.anchors.push(anchor);
            self.trusted.push(certificate);
        }
        Ok(())
    }

    fn revoke(&mut self, word: &Word, env: &Env<'_>) -> Result<(), Error> {
        let wrong = |why: String| {
            Error::at(format!("cannot load CRL \"{}\": {why}", word.text), word.span, env.files)
        };
        let pem = certificate::read("CRL", word, env)?;
        for list in CertificateRevocationListDer::pem_slice_iter(&pem) {
            let list = list.map_err(|error| wrong(error.to_string()))?;
            let parsed = BorrowedCertRevocationList::from_der(&list);
            let owned = parsed.and_then(|parsed| parsed.to_owned());
            self.revoked.push(owned.map_err(|error| wrong(error.to_string()))?.into());
        }
        match self.revoked.is_empty() {
            true => Err(wrong("no list is in it".to_owned())),
            false => Ok(()),
        }
    }

    /// What makes sessions of these clients others than those of servers that trust others.
    pub(crate) fn identify(&self, context: &mut digest::Context) {
        context.update(&[self.verify as u8]);
        self.trusted.iter().for_each(|certificate| context.update(certificate));
    }

    /// What there is to say to the certificates of a client, its own first.
    pub fn judge(&self, chain: Option<&[CertificateDer<'_>]>) -> Verdict {
        let Some((own, others)) = chain.and_then(<[_]>::split_first) else { return Verdict::None };
        let now = UnixTime::since_unix_epoch(sys::clock::wall());
        // Who is trusted by name needs nobody's signature.
        if self.trusted.iter().any(|known| known == own) {
            return in_time(own, now);
        }
        match self.verify_path(own, others, now) {
            Ok(()) => Verdict::Success,
            Err(error) => Verdict::Failed(number(&error, own, others)),
        }
    }

    fn verify_path(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), webpki::Error> {
        let lists: Vec<&CertRevocationList<'_>> = self.revoked.iter().collect();
        let revocation = RevocationOptionsBuilder::new(&lists)
            .ok()
            .map(|options| options.with_status_policy(UnknownStatusPolicy::Deny).build());
        let depth = |path: &webpki::VerifiedPath<'_>| match path.intermediate_certificates().count()
            as u64
            <= self.depth
        {
            true => Ok(()),
            false => Err(webpki::Error::MaximumPathDepthExceeded),
        };
        let leaf = EndEntityCert::try_from(own)?;
        let path = leaf.verify_for_usage(
            self.algorithms.all,
            &self.anchors,
            others,
            now,
            KeyUsage::client_auth(),
            revocation,
            Some(&depth),
        );
        path.map(|_| ())
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

/// OpenSSL's number of what is wrong.
fn number(error: &webpki::Error, own: &CertificateDer<'_>, others: &[CertificateDer<'_>]) -> u16 {
    match error {
        webpki::Error::CertExpired { .. } => 10,
        webpki::Error::CertNotValidYet { .. } => 9,
        webpki::Error::CertRevoked => 23,
        webpki::Error::CrlExpired { .. } => 12,
        webpki::Error::UnknownRevocationStatus => 3,
        webpki::Error::MaximumPathDepthExceeded | webpki::Error::PathLenConstraintViolated => 22,
        webpki::Error::EndEntityUsedAsCa => 24,
        webpki::Error::RequiredEkuNotFoundContext(_) => 26,
        webpki::Error::UnknownIssuer | webpki::Error::CaUsedAsEndEntity => {
            match Certificate::parse(own).is_ok_and(|own| own.is_self_signed()) {
                true => 18,
                false if others.is_empty() => 21,
                false => 20,
            }
        }
        _ => 7,
    }
}

/// Asks for a certificate and takes any: that its owner has the key is proved, the rest is [`Clients::judge`]'s.
#[derive(Debug)]
pub struct Asks(pub Arc<Clients>);

impl ClientCertVerifier for Asks {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.0.names
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.algorithms.supported_schemes()
    }
}
