//! Certificates that are named by what a handshake is about: `ssl_certificate certs/$ssl_server_name.pem`, or what a `map` makes
//! of it. They are loaded in the handshake, by the worker and with its rights, and kept as `ssl_certificate_cache` says.

use std::any::Any;
use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use conf::{Env, Error, Word};
use lru::LruCache;
use rt::Conn;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;

use crate::certificate::{self, Identities, Pair};
use crate::settings::CertificateCache;

/// A handshake that has begun.
pub struct Asked<'a> {
    /// Whose.
    pub conn: Conn,
    /// Where the client has connected to: the [`Choice`](crate::Choice).
    pub listener: &'static dyn Any,
    /// The name that it asks for, in small letters, which is one of DNS; empty if it asks for none.
    pub name: &'a str,
}

/// A word with variables, as whoever listens understands it.
pub trait Evaluate: 'static {
    /// Its value in a handshake.
    fn evaluate(&self, asked: &Asked<'_>) -> Result<Vec<u8>, String>;
}

/// Reads a word with variables; the error is in nginx's words.
pub type Compile<'c> = &'c dyn Fn(&str) -> Result<Box<dyn Evaluate>, String>;

/// For whoever has no variables: the name that is asked for may stand in a word.
pub fn name_alone(text: &str) -> Result<Box<dyn Evaluate>, String> {
    match text.replace(NAME, "").contains('$') {
        true => Err(format!("of variables {NAME} alone may stand in \"{text}\"")),
        false => Ok(Box::new(NameAlone(text.to_owned()))),
    }
}

const NAME: &str = "$ssl_server_name";

struct NameAlone(String);

impl Evaluate for NameAlone {
    fn evaluate(&self, asked: &Asked<'_>) -> Result<Vec<u8>, String> {
        Ok(conf::text::bytes(&self.0.replace(NAME, asked.name)).into_owned())
    }
}

/// Whether one of the pairs has a variable in its name.
pub fn is_named(pairs: &[Pair]) -> bool {
    pairs.iter().any(|pair| pair.certificate.text.contains('$') || pair.key.text.contains('$'))
}

/// Loads certificates by name.
pub struct Named {
    /// Of each, its certificate's name, and its key's.
    pairs: Vec<[Box<dyn Evaluate>; 2]>,
    passphrases: Vec<Vec<u8>>,
    /// Where relative paths begin.
    base: PathBuf,
    provider: Arc<CryptoProvider>,
    settings: CertificateCache,
    kept: RefCell<Option<LruCache<Names, Kept>>>,
}

/// What the words came to: certificate, key, certificate …
type Names = Vec<Vec<u8>>;

struct Kept {
    all: Vec<Arc<CertifiedKey>>,
    loaded: u64,
    used: u64,
}

impl Named {
    /// Of pairs with variables in their names.
    pub fn new(
        pairs: &[Pair],
        compile: Compile<'_>,
        passphrases: Vec<Vec<u8>>,
        provider: Arc<CryptoProvider>,
        settings: CertificateCache,
        env: &Env<'_>,
    ) -> Result<Named, Error> {
        let word =
            |word: &Word| compile(&word.text).map_err(|why| Error::at(why, word.span, env.files));
        let pairs = pairs.iter().map(|pair| Ok([word(&pair.certificate)?, word(&pair.key)?]));
        let pairs = pairs.collect::<Result<_, Error>>()?;
        let kept = NonZeroUsize::new(settings.most).map(LruCache::new);
        let base = env.conf_dir.to_owned();
        Ok(Named { pairs, passphrases, base, provider, settings, kept: RefCell::new(kept) })
    }

    /// rustls' configuration for one handshake. Without a certificate, the handshake fails.
    pub fn config(&self, config: &ServerConfig, asked: &Asked<'_>) -> Arc<ServerConfig> {
        let all = self.find(asked).unwrap_or_else(|why| {
            sys::log!(
                Error,
                "*{} {why} while SSL handshaking for \"{}\", client: {}",
                asked.conn.serial(),
                asked.name,
                asked.conn.peer()
            );
            Vec::new()
        });
        let mut config = config.clone();
        config.cert_resolver = Arc::new(Identities::new(all));
        Arc::new(config)
    }

    fn find(&self, asked: &Asked<'_>) -> Result<Vec<Arc<CertifiedKey>>, String> {
        let words = self.pairs.iter().flatten().map(|word| word.evaluate(asked));
        let names = words.collect::<Result<Names, _>>()?;
        let now = sys::clock::monotonic_ms();
        let mut kept = self.kept.borrow_mut();
        if let Some(known) = kept.as_mut().and_then(|kept| kept.get_mut(&names))
            && now.saturating_sub(known.used) <= self.settings.inactive
            && now.saturating_sub(known.loaded) <= self.settings.valid
        {
            known.used = now;
            return Ok(known.all.clone());
        }
        let (pairs, _) = names.as_chunks();
        let load = |[certificate, key]: &[Vec<u8>; 2]| {
            let pair = [&certificate[..], &key[..]];
            certificate::load_named(pair, &self.base, &self.passphrases, &self.provider)
        };
        let all = pairs.iter().map(load).map(|one| one.map(Arc::new));
        let all = all.collect::<Result<Vec<_>, _>>()?;
        if let Some(kept) = kept.as_mut() {
            kept.put(names, Kept { all: all.clone(), loaded: now, used: now });
        }
        Ok(all)
    }
}
