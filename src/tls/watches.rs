//! Which files of the servers of one block are watched, and whose ends are told.

use std::rc::Rc;
use std::sync::Arc;

use conf::{Env, Word};
use module::{Process, Setup};
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;

use crate::certificate::{self, Pair};
use crate::settings::Conf;
use crate::watch::{self, Files, Place, Print, Watch, Watched};

/// Files of a server, as they were before they were loaded: what changes meanwhile is found out.
pub(crate) struct Seen {
    pairs: Vec<Files>,
    /// Which of the server's pairs they are: what stands behind `data:` stays as it is.
    at: Vec<usize>,
    print: Print,
}

impl Seen {
    /// `None`: there are none, or they are to be left alone.
    pub fn new(conf: &Conf, pairs: &[Pair], env: &Env<'_>) -> Option<Seen> {
        let are_files = |pair: &Pair| is_file(&pair.certificate) && is_file(&pair.key);
        let files = |pair: &Pair| Files {
            certificate: certificate::path(&pair.certificate, env),
            key: certificate::path(&pair.key, env),
        };
        let all = pairs.iter().enumerate().filter(|(_, pair)| are_files(pair));
        let (at, pairs): (Vec<_>, Vec<_>) = all.map(|(at, pair)| (at, files(pair))).unzip();
        if !conf.ssl_certificate_watch() || pairs.is_empty() {
            return None;
        }
        let print = watch::print(&pairs);
        Some(Seen { pairs, at, print })
    }
}

fn is_file(word: &Word) -> bool {
    !word.text.starts_with("data:")
}

/// Made when it is needed: few configurations have none.
#[derive(Default)]
pub(crate) struct Watches(Option<Rc<Watch>>);

impl Watches {
    fn get(&mut self) -> &Watch {
        self.0.get_or_insert_with(|| Rc::new(Watch::new()))
    }

    /// Watches a server's files, of which these were loaded; gives its place on the board.
    pub fn watch(
        &mut self,
        seen: Seen,
        loaded: &[Arc<CertifiedKey>],
        passphrases: Vec<Vec<u8>>,
        provider: Arc<CryptoProvider>,
    ) -> Place {
        let chains = seen.at.iter().filter_map(|&at| Some(loaded.get(at)?.cert.clone())).collect();
        let watched = Watched::new(seen.pairs, seen.print, chains, passphrases, provider);
        self.get().add(watched, seen.at)
    }

    /// When the certificates end is said in time.
    pub fn tell_of_ends(
        &mut self,
        conf: &Conf,
        pairs: &[Pair],
        loaded: &[Arc<CertifiedKey>],
        env: &Env<'_>,
    ) {
        let warn = conf.ssl_certificate_warn();
        for (pair, own) in pairs.iter().zip(loaded).filter(|_| !warn.is_empty()) {
            let word = &pair.certificate;
            let name = match is_file(word) {
                true => certificate::path(word, env).display().to_string(),
                false => env.files.place(word.span),
            };
            own.cert
                .first()
                .into_iter()
                .for_each(|own| self.get().expires(name.clone(), own, &warn));
        }
    }

    /// When all servers of a block are made.
    pub fn into_process(self, block: &str, setup: &mut Setup<'_>) -> Option<Rc<dyn Process>> {
        let watch = self.0?;
        watch.install(block, setup);
        Some(watch)
    }
}
