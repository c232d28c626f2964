//! The client's half: this server asks another one, encrypted.

use std::any::Any;
use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;

use rt::{Conn, Io, Layer};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, UnbufferedClientConnection, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::records::Records;
pub use crate::verifier::failure;

/// Where systems keep the authorities that everybody trusts: Debian, Red Hat, Alpine and SUSE.
const SYSTEM: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// A file of authorities is no longer than that.
const LONGEST: u64 = 64 << 20;

/// The plaintext of a record.
const RECORD: usize = 16 << 10;

/// Whose certificates are believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust<'a> {
    /// Those of the system's authorities.
    System,
    /// Those of the authorities in this file.
    File(&'a Path),
    /// Everybody's.
    All,
}

/// How servers are asked. Sessions are kept for the next time.
#[derive(Clone, Debug)]
pub struct Outgoing {
    config: Arc<ClientConfig>,
}

impl Outgoing {
    /// With these authorities. The error says which file it is about.
    pub fn new(trust: Trust<'_>) -> Result<Outgoing, String> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone());
        let builder = builder.with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| error.to_string())?;
        let verifier: Arc<dyn ServerCertVerifier> = match trust {
            Trust::All => Arc::new(Anybody(provider)),
            Trust::File(path) => verifier(path, provider)?,
            Trust::System => verifier(system()?, provider)?,
        };
        let mut config =
            builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
        config.resumption = Resumption::in_memory_sessions(64);
        Ok(Outgoing { config: Arc::new(config) })
    }

    /// The same, with protocols that are offered by ALPN.
    #[must_use]
    pub fn with_protocols(&self, protocols: &[&[u8]]) -> Outgoing {
        let mut config = ClientConfig::clone(&self.config);
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Outgoing { config: Arc::new(config) }
    }

    /// Encrypts a connection from now on, with a server of this name or address. The handshake begins with the first read or
    /// write.
    pub fn secure(&self, conn: Conn, name: &str) -> io::Result<()> {
        let bare = name.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
        let name = ServerName::try_from(bare.to_owned()).map_err(io::Error::other)?;
        secure(conn, self.config.clone(), name)
    }
}

/// Encrypts a connection from now on.
pub(crate) fn secure(
    conn: Conn,
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
) -> io::Result<()> {
    let side = UnbufferedClientConnection::new(config, name).map_err(io::Error::other)?;
    conn.set_layer(Box::new(Records::new(side, RECORD, Vec::new())));
    Ok(())
}

/// Whether nothing has come on a connection that is for whoever uses it, and nothing has ended, as the kernel knows it now. What
/// a server says to TLS alone, its tickets, is taken on the way.
pub fn is_silent(conn: Conn) -> bool {
    let io = Io::new(conn);
    let look = |records: &Records<UnbufferedClientConnection>| records.is_between_records();
    if io.with_layer(look).is_none() {
        return conn.is_silent();
    }
    conn.look_again();
    let nothing = |error: io::Error| error.kind() == io::ErrorKind::WouldBlock;
    // Of a record that has not come in full nobody knows what is in it.
    !conn.is_broken() && io.read(&mut [0]).is_err_and(nothing) && io.with_layer(look) == Some(true)
}

fn system() -> Result<&'static Path, String> {
    let found = SYSTEM.iter().map(Path::new).find(|path| path.exists());
    found.ok_or_else(|| {
        format!("none of {} is there: install ca-certificates, or name a file", SYSTEM.join(", "))
    })
}

fn verifier(
    path: &Path,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, String> {
    let wrong = |why: String| format!("cannot load certificates \"{}\": {why}", path.display());
    let pem = sys::small::read(path, LONGEST).map_err(|error| wrong(sys::log::errno(&error)))?;
    let mut roots = RootCertStore::empty();
    // Of a system's many some are always odd: they are left out.
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&pem).flatten());
    if roots.is_empty() {
        return Err(wrong("no certificate is in it".to_owned()));
    }
    let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
    builder.build().map_err(|error| wrong(error.to_string()))
}

impl Layer for Records<UnbufferedClientConnection> {
    fn establish(&mut self, conn: Conn) -> io::Result<()> {
        if !self.is_begun() {
            self.begin(conn)?;
        }
        Records::establish(self, conn)
    }

    fn read(&mut self, conn: Conn, buffer: &mut [u8]) -> io::Result<usize> {
        Layer::establish(self, conn)?;
        Records::read(self, conn, buffer)
    }

    fn write(&mut self, conn: Conn, buffers: &[IoSlice<'_>], more: bool) -> io::Result<usize> {
        Layer::establish(self, conn)?;
        Records::write(self, conn, buffers, more)
    }

    fn shutdown_write(&mut self, conn: Conn) {
        self.close_notify(conn);
        conn.shutdown_write();
    }

    fn close(&mut self, conn: Conn) {
        self.close_notify(conn);
    }

    fn has_unread(&self) -> bool {
        self.has_plain()
    }

    fn has_unsent(&self) -> bool {
        Records::has_unsent(self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Believes everybody, but only who has the key of the certificate.
#[derive(Debug)]
pub(crate) struct Anybody(pub Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
