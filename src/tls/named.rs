//! Certificates in files that are named by what the client asks for: `ssl_certificate certs/$ssl_server_name.pem`. They are
//! loaded in the handshake, by the worker and with its rights, and kept as `ssl_certificate_cache` says.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use conf::{Env, Error, Word};
use lru::LruCache;
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::certificate::{self, Pair};
use crate::settings::CertificateCache;

/// The variable that may stand in a name.
const NAME: &str = "$ssl_server_name";

/// Whether one of the pairs has a variable in its name.
pub fn is_named(pairs: &[Pair]) -> bool {
    let has = |word: &Word| word.text.contains('$') && !word.text.starts_with("data:");
    pairs.iter().any(|pair| has(&pair.certificate) || has(&pair.key))
}

/// Loads certificates by name.
pub struct Named {
    pairs: Vec<Pair>,
    passphrases: Vec<Vec<u8>>,
    /// Where relative paths begin.
    base: PathBuf,
    provider: Arc<CryptoProvider>,
    settings: CertificateCache,
    kept: Mutex<Option<LruCache<String, Kept>>>,
}

struct Kept {
    all: Vec<Arc<CertifiedKey>>,
    loaded: u64,
    used: u64,
}

impl fmt::Debug for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.pairs.iter().map(|pair| &pair.certificate.text)).finish()
    }
}

impl Named {
    /// The error: another variable stands in a name.
    pub fn new(
        pairs: Vec<Pair>,
        passphrases: Vec<Vec<u8>>,
        provider: Arc<CryptoProvider>,
        settings: CertificateCache,
        env: &Env<'_>,
    ) -> Result<Named, Error> {
        for word in pairs.iter().flat_map(|pair| [&pair.certificate, &pair.key]) {
            if word.text.replace(NAME, "").contains('$') {
                let message = format!("of variables {NAME} alone may stand in \"{}\"", word.text);
                return Err(Error::at(message, word.span, env.files));
            }
        }
        let kept = NonZeroUsize::new(settings.most).map(LruCache::new);
        let base = env.conf_dir.to_owned();
        Ok(Named { pairs, passphrases, base, provider, settings, kept: Mutex::new(kept) })
    }

    fn find(&self, name: &str) -> Result<Vec<Arc<CertifiedKey>>, String> {
        let now = sys::clock::monotonic_ms();
        let mut kept = self.kept.lock().map_err(|_| "a panic has left them".to_owned())?;
        if let Some(kept) = kept.as_mut()
            && let Some(known) = kept.get_mut(name)
            && now.saturating_sub(known.used) <= self.settings.inactive
            && now.saturating_sub(known.loaded) <= self.settings.valid
        {
            known.used = now;
            return Ok(known.all.clone());
        }
        let path = |word: &Word| {
            let text = word.text.replace(NAME, name);
            self.base.join(conf::text::path(&text))
        };
        let load = |pair: &Pair| {
            let (chain, key) = (path(&pair.certificate), path(&pair.key));
            certificate::load_files(&chain, &key, &self.passphrases, &self.provider).map(Arc::new)
        };
        let all = self.pairs.iter().map(load).collect::<Result<Vec<_>, _>>()?;
        if let Some(kept) = kept.as_mut() {
            kept.put(name.to_owned(), Kept { all: all.clone(), loaded: now, used: now });
        }
        Ok(all)
    }
}

impl ResolvesServerCert for Named {
    /// A name is one of DNS, as rustls has checked: no slash and no dots that go elsewhere are in it.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name()?.trim_end_matches('.').to_ascii_lowercase();
        match self.find(&name) {
            Ok(all) => certificate::choose(&all, &hello),
            Err(why) => {
                sys::log!(Error, "{why} while SSL handshaking for \"{name}\"");
                None
            }
        }
    }
}
