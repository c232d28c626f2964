//! What the directives of one server come to.

use std::rc::Rc;
use std::sync::Arc;

use aws_lc_rs::digest;
use conf::{Env, Error};
use module::{Process, Setup};
use rustls::crypto::CryptoProvider;
use rustls::server::NoServerSessionStorage;
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, version};

use crate::certificate::{self, Identities, Pair};
use crate::clients::{Asks, Clients};
use crate::provider::provider;
use crate::settings::{Conf, Protocol};
use crate::tickets::Tickets;

/// A server's part in handshakes.
pub struct Server {
    /// None: handshakes that ask for it are refused.
    config: Option<Vec<Configs>>,
    /// The longest record's plaintext.
    pub(crate) record: usize,
    clients: Option<Arc<Clients>>,
}

/// rustls' configuration.
struct Configs {
    first: Arc<ServerConfig>,
    /// The same for who comes back: one ticket is enough, as with OpenSSL, since one was used.
    again: Arc<ServerConfig>,
}

impl Configs {
    fn new(config: ServerConfig) -> Configs {
        let mut again = config.clone();
        again.send_tls13_tickets = again.send_tls13_tickets.min(1);
        Configs { first: Arc::new(config), again: Arc::new(again) }
    }
}

impl Server {
    pub(crate) fn clients(&self) -> Option<&Clients> {
        self.clients.as_deref()
    }

    /// Whether it asks clients for a certificate.
    pub fn asks_clients(&self) -> bool {
        self.clients.is_some()
    }

    /// Whether it refuses handshakes (`ssl_reject_handshake`).
    pub fn rejects(&self) -> bool {
        self.config.is_none()
    }

    /// For a handshake, with one of the lists of protocols that it was made with; `again`: the client offers a session to
    /// go on with.
    pub(crate) fn config(&self, protocols: usize, again: bool) -> Option<Arc<ServerConfig>> {
        let configs = self.config.as_ref()?.get(protocols)?;
        Some(if again { &configs.again } else { &configs.first }.clone())
    }
}

/// Makes the servers of one block, which share the keys of tickets.
#[derive(Default)]
pub struct Servers {
    tickets: Vec<(u64, Rc<Tickets>)>,
}

impl Servers {
    /// What the keys' part in the life of the processes is, one for each time that a session may last.
    pub fn processes(self) -> impl Iterator<Item = Rc<dyn Process>> {
        self.tickets.into_iter().map(|(_, tickets)| tickets as Rc<dyn Process>)
    }

    /// A server, with lists of the protocols that it may speak inside, the best first: which of them holds is chosen
    /// for each connection. `None`: it has no certificate.
    pub fn make(
        &mut self,
        conf: &Conf,
        protocols: &[&[&[u8]]],
        setup: &mut Setup<'_>,
    ) -> Result<Option<Server>, Error> {
        let record = conf.ssl_buffer_size().clamp(512, 16 << 10) as usize;
        if conf.ssl_reject_handshake() {
            return Ok(Some(Server { config: None, record, clients: None }));
        }
        let pairs = pairs(conf, setup.env)?;
        if pairs.is_empty() {
            return Ok(None);
        }
        let (ciphers, curves) = (conf.ssl_ciphers.get(), conf.ssl_ecdh_curve.get());
        let provider = Arc::new(provider(ciphers, curves, setup.env)?);
        let loaded = pairs.iter().map(|pair| certificate::load(pair, setup.env, &provider));
        let identities = loaded.map(|one| one.map(Arc::new)).collect::<Result<Vec<_>, _>>()?;
        let clients = Clients::new(conf, setup.env, &provider)?;
        let identity = identity(&identities, clients.as_deref());
        let config = config(conf, provider, identities, clients.as_ref());
        let place = |error: rustls::Error| {
            Error::at(error.to_string(), pairs[0].certificate.span, setup.env.files)
        };
        let mut config = config.map_err(place)?;
        // What is in it of the record's head and tag is beside this.
        config.max_fragment_size = Some(record + OVERHEAD);
        match conf.ssl_session_tickets() {
            true => {
                let tickets = self.tickets(conf.ssl_session_timeout() / 1000, setup);
                config.ticketer = tickets.of(identity);
            }
            false => config.send_tls13_tickets = 0,
        }
        let configs = protocols.iter().map(|names| {
            let mut config = config.clone();
            config.alpn_protocols = names.iter().map(|name| name.to_vec()).collect();
            Configs::new(config)
        });
        Ok(Some(Server { config: Some(configs.collect()), record, clients }))
    }

    fn tickets(&mut self, seconds: u64, setup: &mut Setup<'_>) -> Rc<Tickets> {
        let known = self.tickets.iter().find(|(period, _)| *period == seconds);
        if let Some((_, tickets)) = known {
            return tickets.clone();
        }
        let tickets = Rc::new(Tickets::new(setup, seconds));
        self.tickets.push((seconds, tickets.clone()));
        tickets
    }
}

/// What does not depend on shared memory, nor on what is spoken inside.
fn config(
    conf: &Conf,
    provider: Arc<CryptoProvider>,
    identities: Vec<Arc<CertifiedKey>>,
    clients: Option<&Arc<Clients>>,
) -> Result<ServerConfig, rustls::Error> {
    let protocols = conf.ssl_protocols();
    let versions = protocols.iter().map(|protocol| match protocol {
        Protocol::Tls12 => &version::TLS12,
        Protocol::Tls13 => &version::TLS13,
    });
    let versions: Vec<_> = versions.collect();
    let builder = ServerConfig::builder_with_provider(provider);
    let builder = builder.with_protocol_versions(&versions)?;
    let builder = match clients {
        Some(clients) => builder.with_client_cert_verifier(Arc::new(Asks(clients.clone()))),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(Arc::new(Identities::new(identities)));
    config.ignore_client_order = conf.ssl_prefer_server_ciphers();
    config.session_storage = Arc::new(NoServerSessionStorage {});
    if !conf.ssl_certificate_compression() {
        config.cert_compressors.clear();
    }
    Ok(config)
}

/// rustls counts a record's head among the bytes of a fragment.
const OVERHEAD: usize = 5;

/// Certificates and keys as they are written, one beside the other.
fn pairs(conf: &Conf, env: &Env<'_>) -> Result<Vec<Pair>, Error> {
    let (certificates, keys) =
        (conf.ssl_certificate.as_slice(), conf.ssl_certificate_key.as_slice());
    let missing = certificates.get(keys.len());
    if let Some(certificate) = missing {
        let message = format!(
            "no \"ssl_certificate_key\" is defined for certificate \"{}\"",
            certificate.text
        );
        return Err(Error::at(message, certificate.span, env.files));
    }
    let pairs = certificates.iter().zip(keys);
    let pairs =
        pairs.map(|(certificate, key)| Pair { certificate: certificate.clone(), key: key.clone() });
    Ok(pairs.collect())
}

/// Names who the server is: a ticket of one is worth nothing to another.
fn identity(certified: &[Arc<CertifiedKey>], clients: Option<&Clients>) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    clients.into_iter().for_each(|clients| clients.identify(&mut context));
    for one in certified {
        one.cert.first().into_iter().for_each(|certificate| context.update(certificate));
    }
    context.finish().as_ref().try_into().unwrap_or_default()
}
