//! The servers of one block, made of their directives.

use std::rc::Rc;
use std::sync::Arc;

use aws_lc_rs::digest;
use conf::{Env, Error, Word};
use module::{Process, Role, Setup};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;

use crate::caches::{Caches, Kept};
use crate::certificate::{self, Identities, Pair};
use crate::clients::Clients;
use crate::entropy::{self, Entropy};
use crate::fresh::{ACME_TLS, Automatic, Fresh, Proofs, Staples};
use crate::issuers::Issuers;
use crate::named::{self, Compile, Named};
use crate::ocsp;
use crate::provider::Spoken;
use crate::server::{Configs, Handshakes, Server, config};
use crate::settings::{Conf, Ocsp, SharedCache, Verify};
use crate::source::Source;
use crate::stapling::{Fetch, Stapling};
use crate::tickets::{self, Tickets};
use crate::watches::{Seen, Watches};

/// Bytes that a client may send before the handshake is complete: OpenSSL's default.
const EARLY: u32 = 16 << 10;

/// rustls counts a record's head among the bytes of a fragment.
const OVERHEAD: usize = 5;

/// Makes the servers of one block, which share the keys of tickets.
pub struct Servers {
    /// How issuers are asked about certificates.
    fetch: Fetch,
    tickets: Vec<(u64, Rc<Tickets>)>,
    caches: Caches,
    stapling: Rc<Stapling>,
    watches: Watches,
    /// There is a server.
    is_asked: bool,
}

impl Servers {
    /// None yet. `fetch`: how issuers are asked about certificates.
    pub fn new(fetch: Fetch) -> Servers {
        Servers {
            fetch,
            tickets: Vec::new(),
            caches: Caches::default(),
            stapling: Rc::default(),
            watches: Watches::default(),
            is_asked: false,
        }
    }

    /// What is shared, and its part in the life of the processes, when all servers of a block are made.
    pub fn processes(self, block: &str, setup: &mut Setup<'_>) -> Vec<Rc<dyn Process>> {
        self.stapling.install(block, self.fetch, setup);
        let tickets = self.tickets.into_iter().map(|(_, tickets)| tickets as Rc<dyn Process>);
        let entropy = self.is_asked.then(|| Rc::new(Entropy) as Rc<dyn Process>);
        let is_stapled = self.stapling.needs(Role::Helper);
        let stapling = is_stapled.then_some(self.stapling as Rc<dyn Process>);
        let watch = self.watches.into_process(block, setup);
        tickets
            .chain(entropy)
            .chain(self.caches.into_processes())
            .chain(stapling)
            .chain(watch)
            .collect()
    }

    /// A server, with lists of the protocols that it may speak inside, the best first: which of them holds is chosen
    /// for each connection. `None`: it has no certificate, and asks nobody for one.
    pub fn make(
        &mut self,
        conf: &Conf,
        protocols: &[&[&[u8]]],
        automatic: Option<Automatic>,
        compile: Compile<'_>,
        setup: &mut Setup<'_>,
    ) -> Result<Option<Server>, Error> {
        let record = conf.ssl_buffer_size().clamp(512, 16 << 10) as usize;
        if conf.ssl_reject_handshake() {
            return Ok(Some(Server::without_certificate(Handshakes::Refused, record, None)));
        }
        let pairs = pairs(conf, setup.env)?;
        let span = pairs.first().map(|pair| pair.certificate.span).unwrap_or_default();
        let placed = |error: Error| error.or_at(span, setup.env.files);
        let issuers = self.issuers(conf, setup).map_err(placed)?;
        if pairs.is_empty() {
            // Its clients shake hands with another server, and have to have shown a certificate there.
            let provider = Spoken::by_server(conf).provider(setup.env)?;
            let clients = Clients::without_certificate(conf, setup.env, &provider, issuers)?;
            let behind =
                |clients| Server::without_certificate(Handshakes::Another, record, Some(clients));
            return Ok(clients.map(behind));
        }
        self.is_asked = true;
        entropy::seed().map_err(|()| Error::new("no random bytes for TLS"))?;
        let (pairs, written) = (files(&pairs, automatic.as_ref(), setup.env)?, pairs);
        let provider = Arc::new(Spoken::by_server(conf).provider(setup.env)?);
        let clients = Clients::new(conf, setup.env, &provider, issuers)?;
        let proofs = automatic.as_ref().map(|automatic| automatic.proofs.clone());
        let proofs = proofs.map(|board| Proofs { board, provider: provider.clone() });
        let clients_of = clients.as_deref();
        let served = Served { conf, pairs: &pairs, automatic, clients: clients_of, compile };
        let (source, identity) = self.identities(served, &provider, setup)?;
        let config = config(conf, provider, source.resolver(), clients.as_ref());
        let place = |why: String| Error::at(why, written[0].certificate.span, setup.env.files);
        let mut config = config.map_err(place)?;
        // What is in it of the record's head and tag is beside this.
        config.max_fragment_size = Some(record + OVERHEAD);
        self.set_sessions(&mut config, conf, identity, setup).map_err(placed)?;
        let proofs = proofs.map(|proofs| {
            let mut config = config.clone();
            config.alpn_protocols = vec![ACME_TLS.to_vec()];
            config.cert_resolver = Arc::new(proofs);
            config.send_tls13_tickets = 0;
            Arc::new(config)
        });
        let configs = protocols.iter().map(|names| {
            let mut config = config.clone();
            config.alpn_protocols = names.iter().map(|name| name.to_vec()).collect();
            Configs::new(config)
        });
        let handshakes = Handshakes::Own(configs.collect());
        Ok(Some(Server { handshakes, record, clients, proofs, source: Some(source) }))
    }

    /// How sessions are resumed: by tickets, or by their number in memory that all workers share. rustls has data before
    /// the handshake's end only for the latter.
    fn set_sessions(
        &mut self,
        config: &mut ServerConfig,
        conf: &Conf,
        identity: [u8; 32],
        setup: &mut Setup<'_>,
    ) -> Result<(), Error> {
        let seconds = conf.ssl_session_timeout() / 1000;
        let cache = match (conf.ssl_session_cache(), conf.ssl_early_data()) {
            (SharedCache::None, true) => {
                // No zone of a configuration has a name like that.
                SharedCache::Shared("early-data".to_owned(), 1 << 20)
            }
            (cache, _) => cache,
        };
        if let SharedCache::Shared(name, size) = &cache {
            config.session_storage =
                self.caches.zone(Kept::Sessions, name, *size, setup)?.of(identity, seconds);
        }
        if conf.ssl_early_data() {
            config.max_early_data_size = EARLY;
            config.send_half_rtt_data = true;
            return Ok(());
        }
        if !conf.ssl_session_tickets() {
            // With a cache, what is called a ticket in TLS 1.3 is a number in it.
            if cache == SharedCache::None {
                config.send_tls13_tickets = 0;
            }
            return Ok(());
        }
        let files = conf.ssl_session_ticket_key.as_slice();
        config.ticketer = match files.is_empty() {
            true => self.tickets(seconds, setup).of(identity),
            false => tickets::with_files(&ticket_keys(files, setup.env)?, seconds, identity)
                .ok_or_else(|| Error::new("the keys of ssl_session_ticket_key cannot be used"))?,
        };
        Ok(())
    }

    /// What chooses a certificate in handshakes, and whose sessions these are.
    fn identities(
        &mut self,
        served: Served<'_>,
        provider: &Arc<CryptoProvider>,
        setup: &mut Setup<'_>,
    ) -> Result<(Source, [u8; 32]), Error> {
        let env = setup.env;
        let Served { conf, pairs, automatic, clients: trusted, compile } = served;
        let passphrases = certificate::passphrases(conf.ssl_password_file.as_slice(), env)?;
        let made = match named::is_named(pairs) {
            true => {
                let texts = pairs.iter().map(|pair| pair.certificate.text.as_bytes());
                let identity = identity(texts, automatic.as_ref(), trusted);
                let cache = conf.ssl_certificate_cache();
                if conf.ssl_stapling() {
                    let message = "\"ssl_stapling\" ignored for certificates with variables";
                    let span = pairs[0].certificate.span;
                    let warning = Error::at(message, span, env.files);
                    env.warnings.borrow_mut().push(warning);
                }
                let named = Named::new(pairs, compile, passphrases, provider.clone(), cache, env)?;
                (Source::Named(Rc::new(named)), identity)
            }
            false => {
                let seen = Seen::new(conf, pairs, env);
                let load = |pair| certificate::load(pair, &passphrases, env, provider);
                let loaded = pairs.iter().map(load).map(|one| one.map(Arc::new));
                let loaded = loaded.collect::<Result<Vec<_>, _>>()?;
                let identity = identity(own(&loaded), automatic.as_ref(), trusted);
                self.watches.tell_of_ends(conf, pairs, &loaded, env);
                let watch = |seen| self.watches.watch(seen, &loaded, passphrases, provider.clone());
                let watched = seen.map(watch);
                let fixed = Arc::new(Identities::new(loaded));
                let staples = self.staples(conf, env)?;
                let source = match (&watched, &automatic, &staples) {
                    (None, None, None) => Source::Fixed(fixed),
                    _ => {
                        let fresh =
                            Fresh::new(fixed, watched, automatic, staples, provider.clone());
                        Source::Fresh(self.fresh(conf, fresh, pairs, env)?)
                    }
                };
                (source, identity)
            }
        };
        Ok(made)
    }

    /// Where answers of issuers come from.
    fn staples(&self, conf: &Conf, env: &Env<'_>) -> Result<Option<Staples>, Error> {
        let file = conf.ssl_stapling_file.get();
        Ok(match (conf.ssl_stapling(), file) {
            (false, _) => None,
            (true, None) => Some(Staples::Board(self.stapling.board())),
            (true, Some(word)) => {
                let answer = certificate::read("OCSP response", word, env)?;
                if !ocsp::is_answer(&answer) {
                    let message = format!("\"{}\" is no OCSP response in DER", word.text);
                    return Err(Error::at(message, word.span, env.files));
                }
                Some(Staples::File(answer))
            }
        })
    }

    /// Identities that change; their issuers are asked about them.
    fn fresh(
        &self,
        conf: &Conf,
        fresh: Fresh,
        pairs: &[Pair],
        env: &Env<'_>,
    ) -> Result<Arc<Fresh>, Error> {
        let fresh = Arc::new(fresh);
        if let Some(Staples::Board(_)) = fresh.staples {
            let names: Vec<_> = pairs.iter().map(|pair| &pair.certificate).collect();
            let responder = conf.ssl_stapling_responder.get().map(|word| word.text.clone());
            let trusted = match conf.ssl_trusted_certificate.get() {
                Some(word) => {
                    let bytes = certificate::read("certificates", word, env)?;
                    let trusted = certificate::chain(&bytes);
                    trusted.map_err(|why| Error::at(why, word.span, env.files))?
                }
                None => Vec::new(),
            };
            self.stapling.add(&fresh, &names, responder, trusted.into(), env);
        }
        Ok(fresh)
    }

    /// Who asks the issuers of clients' certificates, if that is wanted.
    fn issuers(&mut self, conf: &Conf, setup: &mut Setup<'_>) -> Result<Option<Issuers>, Error> {
        let leaf = match (conf.ssl_ocsp(), conf.ssl_verify_client()) {
            (Ocsp::Off, _) | (_, Verify::Off) => return Ok(None),
            (_, Verify::OptionalNoCa) => {
                let message =
                    "\"ssl_ocsp\" is incompatible with \"ssl_verify_client optional_no_ca\"";
                return Err(Error::new(message));
            }
            (wanted, _) => wanted == Ocsp::Leaf,
        };
        setup.connects("ssl_ocsp");
        let cache = match conf.ssl_ocsp_cache() {
            SharedCache::None => None,
            SharedCache::Shared(name, size) => {
                let zone = self.caches.zone(Kept::Standings, &name, size, setup)?;
                // What is kept tells itself how long it holds.
                Some(zone.of([0; 32], u64::MAX))
            }
        };
        let responder = conf.ssl_ocsp_responder.get().map(|word| word.text.clone());
        Ok(Some(Issuers { leaf, responder, cache, fetch: self.fetch }))
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

/// The servers' own certificates.
fn own(all: &[Arc<CertifiedKey>]) -> impl Iterator<Item = &[u8]> {
    all.iter().filter_map(|one| one.cert.first()).map(|own| &own[..])
}

/// What identities are made of.
struct Served<'a> {
    conf: &'a Conf,
    pairs: &'a [Pair],
    automatic: Option<Automatic>,
    clients: Option<&'a Clients>,
    /// How words with variables are read.
    compile: Compile<'a>,
}

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

/// Those of the pairs that are in files. The others are the helper's, and come to the server by variables.
fn files(pairs: &[Pair], automatic: Option<&Automatic>, env: &Env<'_>) -> Result<Vec<Pair>, Error> {
    let has = automatic.is_some_and(|automatic| automatic.name.is_some());
    let mut files = Vec::new();
    for pair in pairs {
        match (&pair.certificate.text[..], &pair.key.text[..]) {
            ("$acme_certificate", "$acme_certificate_key") if has => {}
            ("$acme_certificate", "$acme_certificate_key") => {
                let why = "$acme_certificate: the server has no \"acme_certificate\"";
                return Err(Error::at(why, pair.certificate.span, env.files));
            }
            _ => files.push(pair.clone()),
        }
    }
    Ok(files)
}

/// The keys of tickets in files: of 48 bytes as nginx has had them, or of 80.
fn ticket_keys(files: &[Word], env: &Env<'_>) -> Result<Vec<Vec<u8>>, Error> {
    let read = |word: &Word| {
        let bytes = certificate::read("keys of tickets", word, env)?;
        match bytes.len() {
            48 | 80 => Ok(bytes),
            _ => {
                let message = format!("\"{}\" must be 48 or 80 bytes", word.text);
                Err(Error::at(message, word.span, env.files))
            }
        }
    };
    files.iter().map(read).collect()
}

/// Names who the server is: a ticket of one is worth nothing to another.
fn identity<'c>(
    own: impl Iterator<Item = &'c [u8]>,
    automatic: Option<&Automatic>,
    clients: Option<&Clients>,
) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    clients.into_iter().for_each(|clients| clients.identify(&mut context));
    let name = automatic.and_then(|automatic| automatic.name.as_ref());
    name.into_iter().for_each(|name| context.update(name.as_bytes()));
    own.for_each(|certificate| context.update(certificate));
    context.finish().as_ref().try_into().unwrap_or_default()
}
