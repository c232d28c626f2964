//! Servers' certificates, when this server asks them: judged in the handshake, which ends where one is not believed.

use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, OtherError, SignatureScheme};
use webpki::EndEntityCert;

use crate::authorities::Authorities;
use crate::verdict::Verdict;
use crate::x509::{AltName, Certificate};

/// Believes those whom authorities vouch for.
#[derive(Debug)]
pub struct Verifier(pub Authorities);

/// Why one is not believed, in nginx's words.
#[derive(Debug)]
struct Unbelieved(String);

impl fmt::Display for Unbelieved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unbelieved {}

/// What is said of a certificate that is not for a name.
pub fn mismatch(name: &str) -> String {
    format!("upstream SSL certificate does not match \"{}\"", name.escape_debug())
}

/// Why a handshake with a server that was asked has come to nothing, as nginx's log says it.
pub fn failure(error: &io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    match inner {
        Some(rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(why))))
            if why.is::<Unbelieved>() =>
        {
            why.to_string()
        }
        _ => crate::failure(error),
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let unbelieved =
            |why| CertificateError::Other(OtherError(Arc::new(Unbelieved(why)))).into();
        let chain: Vec<_> = std::iter::once(own).chain(others).cloned().collect();
        match self.0.judge(Some(&chain)) {
            Verdict::Success if is_for(own, name) => Ok(ServerCertVerified::assertion()),
            Verdict::Success => Err(unbelieved(mismatch(&name.to_str()))),
            verdict => {
                let number = match verdict {
                    Verdict::Failed(number) => number,
                    // X509_V_ERR_UNSPECIFIED
                    _ => 1,
                };
                let reason = verdict.reason();
                Err(unbelieved(format!(
                    "upstream SSL certificate verify error: ({number}:{reason})"
                )))
            }
        }
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

/// Whether a certificate is for a name. One that lists no hosts is for that of its subject, as with OpenSSL.
fn is_for(own: &CertificateDer<'_>, name: &ServerName<'_>) -> bool {
    let listed = EndEntityCert::try_from(own);
    if listed.is_ok_and(|listed| listed.verify_is_valid_for_subject_name(name).is_ok()) {
        return true;
    }
    let (Ok(own), ServerName::DnsName(name)) = (Certificate::parse(own), name) else {
        return false;
    };
    let lists_hosts = own.names().iter().any(|name| matches!(name, AltName::Dns(_)));
    let subject = own.subject.common_name().filter(|_| !lists_hosts);
    subject.is_some_and(|subject| is_same(&subject, name.as_ref()))
}

/// Whether a name is a pattern's, whose first label may be a star.
fn is_same(pattern: &str, name: &str) -> bool {
    let rest = pattern.strip_prefix("*.").filter(|rest| rest.contains('.'));
    match (rest, name.split_once('.')) {
        (Some(rest), Some((_, parent))) => rest.eq_ignore_ascii_case(parent),
        _ => pattern.eq_ignore_ascii_case(name),
    }
}

#[cfg(test)]
mod tests {
    use super::is_same;

    #[test]
    fn stars_stand_for_one_label() {
        assert!(is_same("A.example", "a.example"));
        assert!(is_same("*.a.example", "x.A.example"));
        for (pattern, name) in [
            ("*.a.example", "a.example"),
            ("*.a.example", "x.y.a.example"),
            ("*.example", "a.example"),
            ("*", "a"),
            ("", "a"),
            ("a.example", "b.example"),
        ] {
            assert!(!is_same(pattern, name), "{pattern} {name}");
        }
    }
}
