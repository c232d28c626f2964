//! A server's part in handshakes, and what rustls knows of it.

use std::sync::Arc;

use conf::Word;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::server::{NoServerSessionStorage, ResolvesServerCert};

use crate::clients::{Asks, Clients};
use crate::named::Asked;
use crate::provider::Spoken;
use crate::settings::Conf;
use crate::source::Source;
use crate::x509::Certificate;

/// A server's part in handshakes.
pub struct Server {
    pub(crate) handshakes: Handshakes,
    /// The longest record's plaintext.
    pub(crate) record: usize,
    pub(crate) clients: Option<Arc<Clients>>,
    /// For those who look whether a name is ours.
    pub(crate) proofs: Option<Arc<ServerConfig>>,
    pub(crate) source: Option<Source>,
}

/// What becomes of handshakes that ask for a server.
pub(crate) enum Handshakes {
    Refused,
    /// It has no certificate: they are those of the address's default server.
    Another,
    /// For each of the lists of protocols that it was made with.
    Own(Vec<Configs>),
}

/// rustls' configuration.
pub(crate) struct Configs {
    first: Arc<ServerConfig>,
    /// The same for who comes back: one ticket is enough, as with OpenSSL, since one was used.
    again: Arc<ServerConfig>,
}

impl Configs {
    pub fn new(config: ServerConfig) -> Configs {
        let mut again = config.clone();
        again.send_tls13_tickets = again.send_tls13_tickets.min(1);
        Configs { first: Arc::new(config), again: Arc::new(again) }
    }
}

impl Server {
    pub(crate) fn without_certificate(
        handshakes: Handshakes,
        record: usize,
        clients: Option<Arc<Clients>>,
    ) -> Server {
        Server { handshakes, record, clients, proofs: None, source: None }
    }

    pub(crate) fn clients(&self) -> Option<&Clients> {
        self.clients.as_deref()
    }

    /// For those who look whether a name is ours.
    pub(crate) fn proofs(&self) -> Option<&Arc<ServerConfig>> {
        self.proofs.as_ref()
    }

    /// Looks at that of its certificates that ends first. `None`: it has none, or names have their own.
    pub fn with_first_to_end<T>(&self, look: impl FnOnce(&Certificate<'_>) -> T) -> Option<T> {
        self.source.as_ref()?.with_first_to_end(look)
    }

    /// Whether it asks clients for a certificate.
    pub fn asks_clients(&self) -> bool {
        self.clients.is_some()
    }

    /// Whether it refuses handshakes (`ssl_reject_handshake`).
    pub fn rejects(&self) -> bool {
        matches!(self.handshakes, Handshakes::Refused)
    }

    /// Whether handshakes that ask for it are those of the address's default server, since it has no certificate.
    pub fn is_behind_another(&self) -> bool {
        matches!(self.handshakes, Handshakes::Another)
    }

    /// For a handshake, with one of the lists of protocols that it was made with; `again`: the client offers a session to
    /// go on with.
    pub(crate) fn config(
        &self,
        protocols: usize,
        again: bool,
        asked: &Asked<'_>,
    ) -> Option<Arc<ServerConfig>> {
        let Handshakes::Own(configs) = &self.handshakes else { return None };
        let configs = configs.get(protocols)?;
        let config = if again { &configs.again } else { &configs.first };
        match &self.source {
            Some(Source::Named(named)) => Some(named.config(config, asked)),
            _ => Some(config.clone()),
        }
    }
}

/// What does not depend on shared memory, nor on what is spoken inside; or the directives that leave nothing to be spoken.
pub(crate) fn config(
    conf: &Conf,
    provider: Arc<CryptoProvider>,
    resolver: Arc<dyn ResolvesServerCert>,
    clients: Option<&Arc<Clients>>,
) -> Result<ServerConfig, String> {
    let spoken = Spoken::by_server(conf);
    let versions = spoken.versions(&provider)?;
    let builder = ServerConfig::builder_with_provider(provider);
    let builder = builder.with_protocol_versions(&versions).map_err(|error| error.to_string())?;
    let builder = match clients {
        Some(clients) => builder.with_client_cert_verifier(Arc::new(Asks(clients.clone()))),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(resolver);
    config.ignore_client_order =
        conf.ssl_prefer_server_ciphers() || spoken.commands("Options").any(prefers_server);
    config.session_storage = Arc::new(NoServerSessionStorage {});
    if !conf.ssl_certificate_compression() {
        config.cert_compressors.clear();
    }
    Ok(config)
}

fn prefers_server(options: &Word) -> bool {
    options.text.split(',').any(|option| option.eq_ignore_ascii_case("ServerPreference"))
}
