//! Clients' certificates: asked for in the handshake, judged after it, so that a request can be answered by a page that
//! says what is wrong.

use std::sync::Arc;

use aws_lc_rs::digest;
use conf::{Env, Error};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, SignatureScheme};

use crate::authorities::{Authorities, Purpose};
use crate::issuers::Issuers;
use crate::settings::{Conf, Verify};

/// Who is trusted, and what is asked of clients.
#[derive(Debug)]
pub struct Clients {
    /// `on`, `optional` …
    pub verify: Verify,
    pub authorities: Authorities,
    names: Vec<DistinguishedName>,
    /// Who asks those who have signed their certificates.
    pub(crate) issuers: Option<Issuers>,
}

impl Clients {
    /// Of a server without a certificate: `ssl_verify_client` may stand around servers that have nothing to do with TLS, and
    /// need no authorities.
    pub fn without_certificate(
        conf: &Conf,
        env: &Env<'_>,
        provider: &CryptoProvider,
        issuers: Option<Issuers>,
    ) -> Result<Option<Arc<Clients>>, Error> {
        match conf.ssl_client_certificate.get().or(conf.ssl_trusted_certificate.get()) {
            Some(_) => Clients::new(conf, env, provider, issuers),
            None => {
                let verify = conf.ssl_verify_client();
                let clients = || Arc::new(Clients::nobody(conf, provider));
                Ok((verify != Verify::Off).then(clients))
            }
        }
    }

    fn nobody(conf: &Conf, provider: &CryptoProvider) -> Clients {
        Clients {
            verify: conf.ssl_verify_client(),
            authorities: Authorities::new(Purpose::Client, conf.ssl_verify_depth(), provider),
            names: Vec::new(),
            issuers: None,
        }
    }

    /// What the directives come to; `None`: nothing is asked of clients.
    pub fn new(
        conf: &Conf,
        env: &Env<'_>,
        provider: &CryptoProvider,
        issuers: Option<Issuers>,
    ) -> Result<Option<Arc<Clients>>, Error> {
        let verify = conf.ssl_verify_client();
        if verify == Verify::Off {
            return Ok(None);
        }
        let told = conf.ssl_client_certificate.get();
        let trusted = conf.ssl_trusted_certificate.get();
        if told.is_none() && trusted.is_none() && verify != Verify::OptionalNoCa {
            let message = "no ssl_client_certificate for ssl_verify_client";
            let server = conf.ssl_certificate.as_slice().first();
            let error = match server {
                Some(word) => Error::at(message, word.span, env.files),
                None => Error::new(message),
            };
            return Err(error.with_hint(
                "ssl_client_certificate names a file with the authorities that sign clients' certificates",
            ));
        }
        let mut clients = Clients { issuers, ..Clients::nobody(conf, provider) };
        let authorities = &mut clients.authorities;
        if let Some(word) = told {
            clients.names = authorities.trust(word, env)?;
        }
        if let Some(word) = trusted {
            authorities.trust(word, env)?;
        }
        conf.ssl_crl.get().map_or(Ok(()), |word| authorities.revoke(word, env))?;
        Ok(Some(Arc::new(clients)))
    }

    /// What makes sessions of these clients others than those of servers that trust others.
    pub(crate) fn identify(&self, context: &mut digest::Context) {
        context.update(&[self.verify as u8]);
        self.authorities.identify(context);
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
        verify_tls12_signature(message, certificate, signed, &self.0.authorities.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.authorities.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.authorities.algorithms.supported_schemes()
    }
}
