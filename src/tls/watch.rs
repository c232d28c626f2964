//! Files of certificates that change while the server serves. The master looks at them: it may read the keys. What has
//! changed, has settled, and is a pair that is valid goes on a board in shared memory, from where every worker takes it with
//! its next handshake ([`Fresh`](crate::fresh)); what is not stays away, and the old one stays.

use std::cell::{Cell, RefCell};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use conf::Error;
use module::{Process, Setup, Slot, Wanted};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use shm::Board;

use crate::certificate;
use crate::x509::Certificate;

/// A renewal writes two files: so long nothing may change before they are looked at.
const SETTLED_MS: u64 = 1000;
/// The longest text of one server: its chains and keys.
const LONGEST: usize = 64 << 10;
/// Servers whose files are watched.
const MOST: usize = 256;
/// Once a day it is said that a certificate ends within so many days.
const WARN_DAYS: u64 = 14;
const DAY_MS: u64 = 86_400_000;

/// Files of a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// What tells a file from another of its name: device, number, bytes, date.
type Print = Vec<[u64; 5]>;

/// One server's files.
struct Watched {
    name: String,
    pairs: Vec<Files>,
    passphrases: Vec<Vec<u8>>,
    provider: Arc<CryptoProvider>,
    seen: Print,
    since: u64,
    judged: Print,
    fault: Option<String>,
}

/// All files, in the master; and the board.
pub struct Watch {
    slot: Slot,
    board: Arc<Board>,
    all: RefCell<Vec<Watched>>,
    /// When it was said last which certificates end soon, in milliseconds.
    warned: Cell<Option<u64>>,
}

impl Watch {
    /// Asks for the memory.
    pub fn new(setup: &mut Setup<'_>) -> Watch {
        let board = Arc::new(Board::new(LONGEST));
        let slot = setup.region(Wanted {
            name: "ssl_certificates".to_owned(),
            shape: "1".to_owned(),
            len: board.size(MOST),
            file: None,
        });
        Watch { slot, board, all: RefCell::default(), warned: Cell::new(None) }
    }

    /// Watches a server's files; gives its place on the board.
    pub fn add(
        &self,
        pairs: Vec<Files>,
        passphrases: Vec<Vec<u8>>,
        provider: Arc<CryptoProvider>,
    ) -> Place {
        let paths = pairs.iter().flat_map(|pair| [&pair.certificate, &pair.key]);
        let name = paths.map(|path| path.display().to_string()).collect::<Vec<_>>().join(":");
        let mut all = self.all.borrow_mut();
        if !all.iter().any(|known| known.name == name) {
            let (seen, judged) = (Print::new(), Print::new());
            let name = name.clone();
            let fault = None;
            all.push(Watched { name, pairs, passphrases, provider, seen, since: 0, judged, fault });
        }
        Place { board: self.board.clone(), name }
    }

    fn leads(&self) -> bool {
        self.board.leader() == Some(sys::process::pid()) || self.board.lead()
    }

    /// Looks at one server's files; `now`: without waiting for them to settle.
    fn look_at(&self, one: &mut Watched, now: bool) {
        let paths = one.pairs.iter().flat_map(|pair| [&pair.certificate, &pair.key]);
        let print: Print = paths.map(|path| print(path)).collect();
        if print == one.judged {
            return;
        }
        let at = sys::clock::monotonic_ms();
        if print != one.seen {
            (one.seen, one.since) = (print.clone(), at);
        }
        if !now && at.saturating_sub(one.since) < SETTLED_MS {
            return;
        }
        let is_first = one.judged.is_empty();
        one.judged = print;
        one.fault = match one.load() {
            Ok((text, until)) if self.board.write(&one.name, &text) => {
                let path = one.pairs[0].certificate.display();
                if !is_first {
                    sys::log!(
                        Notice,
                        "the certificate \"{path}\" is new, it is valid until {until}"
                    );
                }
                None
            }
            Ok(_) => Some(format!("\"{}\" is too long to be changed without a reload", one.name)),
            Err(why) => Some(why),
        };
        if let Some(fault) = one.fault.as_ref().filter(|_| !is_first) {
            sys::log!(Error, "{fault}; the certificate that was there stays");
        }
    }

    fn warn(&self) {
        let now = sys::clock::monotonic_ms();
        if self.warned.get().is_some_and(|last| now.saturating_sub(last) < DAY_MS) {
            return;
        }
        self.warned.set(Some(now));
        let wall = sys::clock::wall().as_secs() as i64;
        for pair in self.all.borrow().iter().flat_map(|one| &one.pairs) {
            let Ok(chain) = certificate::chain_of(&pair.certificate) else { continue };
            let Some(Ok(own)) = chain.first().map(|own| Certificate::parse(own)) else { continue };
            let left = own.days_left(wall);
            if left <= WARN_DAYS {
                let (path, until) = (pair.certificate.display(), &own.not_after);
                sys::log!(Warn, "the certificate \"{path}\" ends in {left} days, {until}");
            }
        }
    }
}

impl Process for Watch {
    fn opened(&self) -> Result<(), Error> {
        drop(self.slot.take_previous());
        if let Some(region) = self.slot.region() {
            self.board.open(region.clone());
        }
        // What this configuration has loaded is what its files say now.
        self.refresh();
        self.warn();
        Ok(())
    }

    fn look(&self) {
        if self.leads() {
            self.all.borrow_mut().iter_mut().for_each(|one| self.look_at(one, false));
        }
        self.warn();
    }

    fn refresh(&self) -> Vec<String> {
        if !self.leads() {
            // Another master, which an upgrade has not ended yet, sees to them.
            return Vec::new();
        }
        let mut all = self.all.borrow_mut();
        all.iter_mut().for_each(|one| self.look_at(one, true));
        all.iter().filter_map(|one| one.fault.clone()).collect()
    }
}

fn print(path: &Path) -> [u64; 5] {
    match std::fs::metadata(path) {
        Ok(known) => {
            let date = known.mtime() as u64;
            [known.dev(), known.ino(), known.size(), date, known.mtime_nsec() as u64]
        }
        Err(_) => [0; 5],
    }
}

impl Watched {
    /// All pairs as one text, and until when the first is valid. The error says what is wrong with which file.
    fn load(&self) -> Result<(Vec<u8>, String), String> {
        let (mut text, mut until) = (Vec::new(), None);
        for Files { certificate, key } in &self.pairs {
            let (chain, key) = certificate::files(certificate, key, &self.passphrases)?;
            let wrong =
                |why| format!("the certificate \"{}\" is not taken: {why}", certificate.display());
            certificate::certified(chain.clone(), key.clone_key(), &self.provider)
                .map_err(wrong)?;
            let end = check(&chain).map_err(wrong)?;
            until.get_or_insert(end);
            encode(&chain, &key, &mut text);
        }
        Ok((text, until.unwrap_or_default()))
    }
}

/// Whether the chain holds together, and its first certificate is valid now; until when it is.
fn check(chain: &[CertificateDer<'_>]) -> Result<String, String> {
    let all = chain.iter().map(|one| Certificate::parse(one)).collect::<Result<Vec<_>, _>>();
    let all = all.map_err(|malformed| malformed.to_string())?;
    let own = all.first().ok_or("no certificate is in it")?;
    let now = sys::clock::wall().as_secs() as i64;
    if own.not_before.unix().is_some_and(|from| now < from) {
        return Err(format!("it is not valid before {}", own.not_before));
    }
    if own.not_after.unix().is_none_or(|until| until < now) {
        return Err(format!("it has expired, {}", own.not_after));
    }
    let breaks = all.windows(2).position(|pair| !pair[0].is_issued_by(&pair[1]));
    match breaks {
        Some(at) => Err(format!("certificate {} is not issued by the one behind it", at + 1)),
        None => Ok(own.not_after.to_string()),
    }
}

/// Certificates (their count, then each behind its length), the key's kind, the key behind its length.
fn encode(chain: &[CertificateDer<'_>], key: &PrivateKeyDer<'_>, out: &mut Vec<u8>) {
    let mut put = |bytes: &[u8]| {
        out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        out.extend_from_slice(bytes);
    };
    put(&[chain.len().min(255) as u8]);
    chain.iter().take(255).for_each(|one| put(one));
    let kind = match key {
        PrivateKeyDer::Pkcs1(_) => 1,
        PrivateKeyDer::Sec1(_) => 2,
        _ => 8,
    };
    put(&[kind]);
    put(key.secret_der());
}

/// What a text is; `None`: it is none.
pub fn decode(mut text: &[u8], provider: &CryptoProvider) -> Option<Vec<Arc<CertifiedKey>>> {
    let mut take = || {
        let (len, rest) = text.split_first_chunk()?;
        let (bytes, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        text = rest;
        Some(bytes.to_vec())
    };
    let mut all = Vec::new();
    while let Some(count) = take() {
        let chain = (0..*count.first()?).map(|_| take().map(CertificateDer::from));
        let chain = chain.collect::<Option<Vec<_>>>()?;
        let (kind, key) = (take()?, take()?);
        let key = match kind.first()? {
            1 => PrivateKeyDer::Pkcs1(key.into()),
            2 => PrivateKeyDer::Sec1(key.into()),
            _ => PrivateKeyDer::Pkcs8(key.into()),
        };
        let key = provider.key_provider.load_private_key(key).ok()?;
        all.push(Arc::new(CertifiedKey::new(chain, key)));
    }
    Some(all).filter(|all| !all.is_empty())
}

/// A server's place on the board.
#[derive(Clone)]
pub struct Place {
    pub board: Arc<Board>,
    pub name: String,
}

/// Made when it is needed: few configurations have none.
#[derive(Default)]
pub(crate) struct Watches(Option<Rc<Watch>>);

impl Watches {
    pub fn get(&mut self, setup: &mut Setup<'_>) -> &Rc<Watch> {
        self.0.get_or_insert_with(|| Rc::new(Watch::new(setup)))
    }

    pub fn into_process(self) -> Option<Rc<dyn Process>> {
        self.0.map(|watch| watch as Rc<dyn Process>)
    }
}
