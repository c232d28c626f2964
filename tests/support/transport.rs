//! What carries the tests' requests: TCP as it is, TLS, or HTTP/2 over it. `RSERVE_TRANSPORT=tls` (or `h2`) runs a suite that
//! was written for plain connections over another transport: `{port}` of its `http {}` is encrypted then, and clients
//! speak accordingly.

use std::fs::Permissions;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};

use crate::certificates::Authority;
use crate::{Dir, ports};

/// What carries requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP.
    Plain,
    /// TLS.
    Tls,
    /// TLS, and HTTP/2 in it where a client speaks that: curl does, a [`Wire`](crate::Wire) does not.
    H2,
}

impl Transport {
    /// The one that this run is about.
    pub fn of_run() -> Transport {
        match std::env::var("RSERVE_TRANSPORT").as_deref() {
            Ok("tls") => Transport::Tls,
            Ok("h2") => Transport::H2,
            Ok("plain") | Err(_) => Transport::Plain,
            Ok(other) => panic!("RSERVE_TRANSPORT is plain, tls or h2, not {other}"),
        }
    }

    /// `http` or `https`
    pub fn scheme(self) -> &'static str {
        match self {
            Transport::Plain => "http",
            Transport::Tls | Transport::H2 => "https",
        }
    }

    /// Makes the same configuration of it with this transport.
    pub(crate) fn adapt(self, conf: &str, dir: &Dir, port: u16) -> String {
        let http2 = match self {
            Transport::Plain => return conf.to_owned(),
            Transport::Tls => "",
            Transport::H2 => " http2 on;",
        };
        // A server of RTMP is not.
        if !conf.contains("http {") {
            return conf.to_owned();
        }
        ports::encrypt(port);
        let (certificate, key) = identity();
        dir.file("tls/certificate.pem", certificate);
        let key = dir.file("tls/key.pem", key);
        std::fs::set_permissions(key, Permissions::from_mode(0o600)).expect("chmod");
        let words = "ssl_certificate tls/certificate.pem; ssl_certificate_key tls/key.pem;";
        conf.replacen("http {", &format!("http {{ {words}{http2}"), 1)
            .replace("listen 127.0.0.1:{port}", "listen 127.0.0.1:{port} ssl")
    }
}

/// What stands behind a status: HTTP/2 has no such words.
pub fn reason(words: &str) -> &str {
    match Transport::of_run() {
        Transport::Plain | Transport::Tls => words,
        Transport::H2 => "",
    }
}

fn identity() -> &'static (String, String) {
    static IDENTITY: OnceLock<(String, String)> = OnceLock::new();
    IDENTITY.get_or_init(|| {
        let leaf = Authority::new("tests").server(&["localhost"]);
        (leaf.chain, leaf.key)
    })
}

/// A client's connection.
pub enum Stream {
    /// TCP.
    Plain(TcpStream),
    /// TLS over it.
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Stream {
    /// Shakes hands, if this run is about TLS. The handshake itself is a part of the first write or read.
    pub fn over(tcp: TcpStream, transport: Transport) -> Stream {
        match transport {
            Transport::Plain => Stream::Plain(tcp),
            Transport::Tls | Transport::H2 => Stream::tls(tcp, client(), "localhost"),
        }
    }

    /// TLS over a connection.
    pub fn tls(tcp: TcpStream, config: Arc<ClientConfig>, name: &str) -> Stream {
        let name = ServerName::try_from(name.to_owned()).expect("a name");
        let client = ClientConnection::new(config, name).expect("a client");
        Stream::Tls(Box::new(StreamOwned::new(client, tcp)))
    }

    /// The socket.
    pub fn socket(&self) -> &TcpStream {
        match self {
            Stream::Plain(tcp) => tcp,
            Stream::Tls(stream) => &stream.sock,
        }
    }

    /// Says that nothing more will be sent: in the words of an encryption, too.
    pub fn end(&mut self) {
        self.close_notify();
        let _ = self.socket().shutdown(std::net::Shutdown::Write);
    }

    /// The same in the words of an encryption alone.
    pub fn close_notify(&mut self) {
        if let Stream::Tls(stream) = self {
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(tcp) => tcp.read(buffer),
            Stream::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(tcp) => tcp.write(bytes),
            Stream::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Stream::Plain(tcp) => tcp.flush(),
            Stream::Tls(stream) => stream.flush(),
        }
    }
}

/// A client's configuration that takes any certificate, and keeps sessions for the next connection.
pub fn client() -> Arc<ClientConfig> {
    static CLIENT: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    let make = || {
        let config = ClientConfig::builder_with_provider(provider());
        let config = config.with_safe_default_protocol_versions().expect("versions");
        let config = config.dangerous().with_custom_certificate_verifier(Arc::new(AnyServer));
        Arc::new(config.with_no_client_auth())
    };
    CLIENT.get_or_init(make).clone()
}

/// The cryptography of the tests' clients.
pub fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// Takes any certificate.
#[derive(Debug)]
pub struct AnyServer;

impl ServerCertVerifier for AnyServer {
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
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}
