//! How other servers are asked, as the `…_ssl_*` directives of a family say: one context for all places where they say the same.

use std::cell::RefCell;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroUsize;
use std::slice;
use std::sync::Arc;

use conf::{Env, Error, Word};
use lru::LruCache;
use rt::Conn;
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use sys::socket::Address;

use crate::authorities::{Authorities, Purpose};
use crate::certificate::{self, Pair};
use crate::entropy;
use crate::outgoing::{self, Anybody};
use crate::provider::Spoken;
use crate::verifier::{Verifier, mismatch};

/// Sessions are kept with so many peers.
const PEERS: NonZeroUsize = NonZeroUsize::new(1024).unwrap();
/// So many with each: up to 8 of a name.
const SESSIONS: usize = 128;

/// What the directives say.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'c> {
    /// What is spoken.
    pub spoken: Spoken<'c>,
    /// This server's own certificate.
    pub certificate: Option<&'c Word>,
    /// Its key.
    pub key: Option<&'c Word>,
    /// A file with passphrases of the key.
    pub passwords: Option<&'c Word>,
    /// Servers' certificates are judged.
    pub verify: bool,
    /// So many may stand between a server's and an authority's.
    pub depth: u64,
    /// A file with authorities.
    pub trusted: Option<&'c Word>,
    /// A file with lists of what is revoked.
    pub crl: Option<&'c Word>,
    /// Servers are told the name that they are asked by.
    pub server_name: bool,
    /// Sessions are resumed.
    pub reuse: bool,
}

impl Wanted<'_> {
    /// A text that is the same for what comes to the same context.
    pub fn key(&self) -> String {
        let text = |word: Option<&Word>| word.map(|word| word.text.clone());
        let commands: Vec<_> =
            self.spoken.commands.iter().map(|(name, value)| (&name.text, &value.text)).collect();
        let spoken = (self.spoken.protocols, text(self.spoken.ciphers), commands);
        let own = (text(self.certificate), text(self.key), text(self.passwords));
        let judged = (self.verify, self.depth, text(self.trusted), text(self.crl));
        format!("{:?}", (spoken, own, judged, self.server_name, self.reuse))
    }

    /// This server's certificate, if it has one. What is empty takes away what the block around it says.
    fn own(&self, provider: &CryptoProvider, env: &Env<'_>) -> Result<Option<CertifiedKey>, Error> {
        let Some(certificate) = self.certificate.filter(|word| !word.text.is_empty()) else {
            return Ok(None);
        };
        let prefix = self.spoken.prefix;
        let refuse = |word: &Word, message| Error::at(message, word.span, env.files);
        let missing = || {
            let message = format!(
                "no \"{prefix}ssl_certificate_key\" is defined for certificate \"{}\"",
                certificate::shown(&certificate.text)
            );
            refuse(certificate, message)
        };
        let key = self.key.filter(|word| !word.text.is_empty()).ok_or_else(missing)?;
        if let Some(word) = [certificate, key].into_iter().find(|word| word.text.contains('$')) {
            let message = format!(
                "variables in \"{prefix}ssl_certificate\" and \"{prefix}ssl_certificate_key\" are not supported yet"
            );
            return Err(refuse(word, message));
        }
        let passwords = self.passwords.map(slice::from_ref).unwrap_or_default();
        let passphrases = certificate::passphrases(passwords, env)?;
        let pair = Pair { certificate: certificate.clone(), key: key.clone() };
        certificate::load(&pair, &passphrases, env, provider).map(Some)
    }

    /// Who judges servers' certificates.
    fn verifier(
        &self,
        provider: &Arc<CryptoProvider>,
        place: &Word,
        env: &Env<'_>,
    ) -> Result<Arc<dyn ServerCertVerifier>, Error> {
        if !self.verify {
            return Ok(Arc::new(Anybody(provider.clone())));
        }
        let Some(trusted) = self.trusted.filter(|word| !word.text.is_empty()) else {
            let prefix = self.spoken.prefix;
            let message = format!("no {prefix}ssl_trusted_certificate for {prefix}ssl_verify");
            return Err(Error::at(message, place.span, env.files));
        };
        let mut authorities = Authorities::new(Purpose::Server, self.depth, provider);
        authorities.trust(trusted, env)?;
        if let Some(word) = self.crl.filter(|word| !word.text.is_empty()) {
            authorities.revoke(word, env)?;
        }
        Ok(Arc::new(Verifier(authorities)))
    }
}

/// The name that a server is asked by. Where nobody looks at it, all are the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(ServerName<'static>);

/// How connections to other servers are encrypted.
#[derive(Debug)]
pub struct Context {
    config: Arc<ClientConfig>,
    verify: bool,
    reuse: bool,
    /// The same with the sessions of each peer: those of one are worth nothing to another.
    peers: RefCell<LruCache<Address, Arc<ClientConfig>>>,
}

impl Context {
    /// Loads what the directives name. `place`: what wants it, for errors that are about none of them alone.
    pub fn new(wanted: &Wanted<'_>, place: &Word, env: &Env<'_>) -> Result<Context, Error> {
        entropy::seed().map_err(|()| Error::new("no random bytes for TLS"))?;
        for word in wanted.spoken.commands("Options") {
            let prefix = wanted.spoken.prefix;
            let message = format!("\"{prefix}ssl_conf_command Options\" has no effect here");
            env.warnings.borrow_mut().push(Error::at(message, word.span, env.files));
        }
        let failed = |why: String| Error::at(why, place.span, env.files);
        let provider = Arc::new(wanted.spoken.provider(env)?);
        let versions = wanted.spoken.versions(&provider).map_err(failed)?;
        let verifier = wanted.verifier(&provider, place, env)?;
        let own = wanted.own(&provider, env)?;
        let builder = ClientConfig::builder_with_provider(provider);
        let builder = builder.with_protocol_versions(&versions);
        let builder = builder.map_err(|error| failed(error.to_string()))?;
        let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
        let mut config = match own {
            Some(own) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(own))),
            None => builder.with_no_client_auth(),
        };
        config.enable_sni = wanted.server_name;
        config.resumption = Resumption::disabled();
        Ok(Context {
            config: Arc::new(config),
            verify: wanted.verify,
            reuse: wanted.reuse,
            peers: RefCell::new(LruCache::new(PEERS)),
        })
    }

    /// The name of a server by a text, which may have a port. The error, in nginx's words: no certificate can be for it, or
    /// it cannot be sent.
    pub fn name(&self, text: &[u8]) -> Result<Name, String> {
        let nobody = || Name(ServerName::from(IpAddr::V4(Ipv4Addr::UNSPECIFIED)));
        if !self.verify && !self.config.enable_sni {
            return Ok(nobody());
        }
        let text = String::from_utf8_lossy(text);
        let host = host(&text).to_ascii_lowercase();
        match ServerName::try_from(host) {
            Ok(name) => Ok(Name(name)),
            Err(_) if self.verify => Err(mismatch(&text)),
            Err(_) if text.is_empty() => Ok(nobody()),
            Err(_) => Err(format!("\"{}\" is no name of a server", text.escape_debug())),
        }
    }

    /// Encrypts a connection to a peer from now on. The handshake begins with the first look at it.
    pub fn secure(&self, conn: Conn, peer: &Address, name: &Name) -> io::Result<()> {
        outgoing::secure(conn, self.config_for(peer), name.0.clone())
    }

    fn config_for(&self, peer: &Address) -> Arc<ClientConfig> {
        if !self.reuse {
            return self.config.clone();
        }
        let mut peers = self.peers.borrow_mut();
        if let Some(known) = peers.get(peer) {
            return known.clone();
        }
        let mut config = ClientConfig::clone(&self.config);
        config.resumption = Resumption::in_memory_sessions(SESSIONS);
        let config = Arc::new(config);
        peers.put(peer.clone(), config.clone());
        config
    }
}

/// Of `host:port` the host, without the brackets of an address and the dot at the end of a name.
fn host(text: &str) -> &str {
    match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => {
            let host = text.split(':').next().unwrap_or_default();
            host.strip_suffix('.').unwrap_or(host)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn ports_are_no_part_of_a_name() {
        assert_eq!(host("a.example:443"), "a.example");
        assert_eq!(host("a.example."), "a.example");
        assert_eq!(host("a.example.:80"), "a.example");
        assert_eq!(host("[::1]:443"), "::1");
        assert_eq!(host("[::1]"), "::1");
        assert_eq!(host("127.0.0.1:1"), "127.0.0.1");
        assert_eq!(host(""), "");
        assert_eq!(host(":80"), "");
    }
}
