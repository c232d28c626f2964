//! Certificates that come while the server serves: from its ACME helper; and what their issuers say of them.
//!
//! Both lie on boards in shared memory. Each worker makes its own of them again when a board has changed: that is one look at
//! a word for a handshake.

use std::fmt;
use std::sync::{Arc, RwLock};

use aws_lc_rs::digest;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use shm::{Board, Found};

use crate::certificate::{Identities, choose};
use crate::watch::{self, Place};

/// The protocol of those who look whether a name is ours (RFC 8737).
pub(crate) const ACME_TLS: &[u8] = b"acme-tls/1";

/// Where a server has a certificate from that is not in a file.
#[derive(Clone)]
pub struct Automatic {
    /// Where proofs are shown, which anybody may ask for.
    pub proofs: Arc<Board>,
    /// Where certificates are, with their keys.
    pub certificates: Arc<Board>,
    /// Its name there; `None`: the server has none, and shows proofs only.
    pub name: Option<String>,
}

/// What an issuer has said, on a board: until when it holds (seconds since 1970), and the answer.
#[derive(Clone)]
pub(crate) enum Staples {
    /// From the helper, by the certificate's fingerprint.
    Board(Arc<Board>),
    /// From a file, for the first certificate.
    File(Vec<u8>),
}

/// By which name an answer about a certificate is known.
pub fn staple_name(certificate: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA256, certificate);
    hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What makes an answer and its end one text.
pub fn staple(until: u64, answer: &[u8]) -> Vec<u8> {
    [&until.to_le_bytes(), answer].concat()
}

/// What was made of boards, and as of when.
#[derive(Default)]
struct Made {
    stamp: Option<[u64; 3]>,
    /// When the first of the answers is out of date.
    until: u64,
    all: Vec<Arc<CertifiedKey>>,
    watched: Kept,
    automatic: Kept,
}

/// What was made of a text: the edition, and its identities.
#[derive(Default)]
struct Kept(Option<(u64, Vec<Arc<CertifiedKey>>)>);

impl Kept {
    /// Another text is another; what cannot be read or used leaves what was there, until its name is removed.
    fn renew(
        &mut self,
        found: Found,
        make: impl FnOnce(&[u8]) -> Option<Vec<Arc<CertifiedKey>>>,
    ) -> Option<&[Arc<CertifiedKey>]> {
        match found {
            Found::Text { edition, .. }
                if self.0.as_ref().is_some_and(|kept| kept.0 == edition) => {}
            Found::Text { edition, bytes } => {
                self.0 = make(&bytes).map(|all| (edition, all)).or(self.0.take());
            }
            Found::Broken => {}
            Found::Nothing => self.0 = None,
        }
        self.0.as_ref().map(|(_, all)| &all[..])
    }
}

/// The identities of a server, as they are now.
pub(crate) struct Fresh {
    pub fixed: Arc<Identities>,
    /// Where those of the files are that have changed since.
    watched: Option<Place>,
    pub automatic: Option<Automatic>,
    pub staples: Option<Staples>,
    provider: Arc<CryptoProvider>,
    made: RwLock<Made>,
}

impl fmt::Debug for Fresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fresh")
    }
}

impl Fresh {
    pub fn new(
        fixed: Arc<Identities>,
        watched: Option<Place>,
        automatic: Option<Automatic>,
        staples: Option<Staples>,
        provider: Arc<CryptoProvider>,
    ) -> Fresh {
        Fresh { fixed, watched, automatic, staples, provider, made: RwLock::default() }
    }

    fn stamp(&self) -> [u64; 3] {
        let automatic = self.automatic.as_ref().map(|automatic| &automatic.certificates);
        let staples = match &self.staples {
            Some(Staples::Board(board)) => Some(board),
            _ => None,
        };
        let generation = |board: Option<&Arc<Board>>| board.map_or(0, |board| board.generation());
        let watched = self.watched.as_ref().map(|place| &place.board);
        [generation(watched), generation(automatic), generation(staples)]
    }

    /// Changes when the identities do, whatever is said of them.
    pub fn identity_stamp(&self) -> [u64; 2] {
        let [fixed, automatic, _] = self.stamp();
        [fixed, automatic]
    }

    /// Does something with the identities of now.
    fn with<T>(&self, act: impl FnOnce(&[Arc<CertifiedKey>]) -> T) -> Option<T> {
        let stamp = self.stamp();
        let now = sys::clock::wall().as_secs();
        let made = self.made.read().ok()?;
        if made.stamp == Some(stamp) && now < made.until {
            return Some(act(&made.all));
        }
        drop(made);
        let mut made = self.made.write().ok()?;
        self.make(&mut made, stamp, now);
        Some(act(&made.all))
    }

    /// The identities of now.
    pub fn all(&self) -> Vec<Arc<CertifiedKey>> {
        self.with(<[_]>::to_vec).unwrap_or_default()
    }

    fn make(&self, made: &mut Made, stamp: [u64; 3], now: u64) {
        let mut all = self.fixed.all();
        if let Some(Place { board, name, at }) = &self.watched {
            let found = board.find(name);
            let kept = made.watched.renew(found, |text| watch::decode(text, &self.provider));
            for (&at, new) in at.iter().zip(kept.unwrap_or_default()) {
                all.get_mut(at).into_iter().for_each(|one| one.clone_from(new));
            }
        }
        if let Some(Automatic { certificates, name: Some(name), .. }) = &self.automatic {
            let kept = made.automatic.renew(certificates.find(name), |pem| {
                let pair = pair(pem, &self.provider).inspect_err(|why| {
                    sys::log!(Error, "the certificate of {name} cannot be used: {why}");
                });
                Some(vec![Arc::new(pair.ok()?)])
            });
            all.extend_from_slice(kept.unwrap_or_default());
        }
        let mut until = u64::MAX;
        for (at, one) in all.iter_mut().enumerate() {
            let Some((answer, end)) = self.staple_of(at, one) else { continue };
            if end > now {
                until = until.min(end);
                let mut stapled = CertifiedKey::clone(one);
                stapled.ocsp = Some(answer);
                *one = Arc::new(stapled);
            }
        }
        (made.stamp, made.until, made.all) = (Some(stamp), until, all);
    }

    fn staple_of(&self, at: usize, one: &CertifiedKey) -> Option<(Vec<u8>, u64)> {
        match self.staples.as_ref()? {
            Staples::File(answer) => (at == 0).then(|| (answer.clone(), u64::MAX)),
            Staples::Board(board) => {
                let text = board.read(&staple_name(one.cert.first()?))?;
                let (until, answer) = text.split_first_chunk()?;
                Some((answer.to_vec(), u64::from_le_bytes(*until)))
            }
        }
    }
}

impl ResolvesServerCert for Fresh {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.with(|all| choose(all, &hello))?
    }
}

/// A chain and its key, in one PEM text.
pub fn pair(pem: &[u8], provider: &CryptoProvider) -> Result<CertifiedKey, String> {
    let chain = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| error.to_string())?;
    let key = PrivateKeyDer::from_pem_slice(pem).map_err(|error| error.to_string())?;
    CertifiedKey::from_der(chain, key, provider).map_err(|error| error.to_string())
}

/// Looks whether a text is a chain and its key.
pub fn check(pem: &[u8]) -> Result<(), String> {
    pair(pem, &rustls::crypto::aws_lc_rs::default_provider()).map(drop)
}

/// The certificates of proofs: those of clients that look whether a name is ours.
pub(crate) struct Proofs {
    pub board: Arc<Board>,
    pub provider: Arc<CryptoProvider>,
}

impl fmt::Debug for Proofs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proofs")
    }
}

/// By which name a proof is known.
pub fn proof_name(server_name: &str) -> String {
    format!("{}:{server_name}", String::from_utf8_lossy(ACME_TLS))
}

/// What makes a certificate and its key one text.
pub fn proof(certificate: &[u8], key: &[u8]) -> Vec<u8> {
    [&(certificate.len() as u32).to_le_bytes(), certificate, key].concat()
}

impl ResolvesServerCert for Proofs {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let text = self.board.read(&proof_name(&hello.server_name()?.to_ascii_lowercase()))?;
        let (len, rest) = text.split_first_chunk()?;
        let (certificate, key) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        let chain = vec![CertificateDer::from(certificate.to_vec())];
        let key = PrivatePkcs8KeyDer::from(key.to_vec()).into();
        // Not looked at more closely: it has a critical extension that webpki does not know.
        let key = self.provider.key_provider.load_private_key(key).ok()?;
        Some(Arc::new(CertifiedKey::new(chain, key)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever writes may be killed in the middle: what was served is served on.
    #[test]
    fn what_cannot_be_read_or_used_leaves_what_was_there() {
        let mut kept = Kept::default();
        let text = |edition| Found::Text { edition, bytes: b"text".to_vec() };
        let made = |_: &[u8]| Some(Vec::new());
        assert!(kept.renew(Found::Broken, made).is_none());
        assert!(kept.renew(text(1), made).is_some());
        let never = |_: &[u8]| panic!("the same is not made again");
        assert!(kept.renew(text(1), never).is_some());
        assert!(kept.renew(Found::Broken, never).is_some());
        assert!(kept.renew(text(2), |_| None).is_some(), "it is no use");
        assert!(kept.renew(Found::Nothing, never).is_none(), "it was removed");
    }
}
