//! Files of certificates that change while the server serves. The master looks at them: it may read the keys. What has
//! changed, has settled, and is a pair that is valid goes on a board in shared memory, from where every worker takes it with
//! its next handshake ([`Fresh`](crate::fresh)); what is not stays away, and the old one stays.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashSet;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

use conf::Error;
use module::{Process, Setup, Slot, Wanted};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use shm::Board;

use crate::certificate;
use crate::expiry::Expiry;
use crate::x509::Certificate;

/// A renewal writes two files: so long nothing may change before they are looked at.
const SETTLED_MS: u64 = 1000;
/// What is wrong may be right by itself later: rights of a directory, the day on which a certificate begins.
const AGAIN_MS: u64 = 10_000;
/// The longest text of one server: its chains and keys.
const LONGEST: usize = 64 << 10;
/// There is room for so many servers at least; it is doubled as it is needed.
const FEWEST: usize = 16;

/// Files of a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// What tells a file from another of its name: device, number, bytes, and when it or its rights were changed.
pub(crate) type Print = Vec<[u64; 7]>;

/// One server's files.
pub(crate) struct Watched {
    name: String,
    pairs: Vec<Files>,
    passphrases: Vec<Vec<u8>>,
    provider: Arc<CryptoProvider>,
    /// The certificates that are served, each with those behind it.
    chains: Vec<Chain>,
    /// As they are, and since when.
    print: Print,
    since: u64,
    /// When that was judged last.
    judged: Option<u64>,
    fault: Option<String>,
}

/// All files, in the master; and the board.
pub struct Watch {
    slot: OnceCell<Slot>,
    board: Arc<Board>,
    all: RefCell<Vec<Watched>>,
    /// This configuration serves.
    serves: Cell<bool>,
    /// The board has nothing of those before any more.
    adopted: Cell<bool>,
    expiry: Expiry,
}

impl Watch {
    pub fn new() -> Watch {
        Watch {
            slot: OnceCell::new(),
            board: Arc::new(Board::new(LONGEST)),
            all: RefCell::default(),
            serves: Cell::new(false),
            adopted: Cell::new(false),
            expiry: Expiry::default(),
        }
    }

    /// Asks for the memory, when all of the block's files are known.
    pub fn install(&self, block: &str, setup: &mut Setup<'_>) {
        let count = self.all.borrow().len();
        if count > 0 {
            let slot = setup.region(Wanted {
                name: format!("ssl_certificates.{block}"),
                shape: "2".to_owned(),
                len: self.board.size(count.next_power_of_two().max(FEWEST)),
                file: None,
            });
            let _ = self.slot.set(slot);
        }
    }

    /// Watches files from now on, which are these of a server's pairs; gives their place on the board.
    pub fn add(&self, watched: Watched, at: Vec<usize>) -> Place {
        let place = Place { board: self.board.clone(), name: watched.name.clone(), at };
        let mut all = self.all.borrow_mut();
        if !all.iter().any(|known| known.name == watched.name) {
            all.push(watched);
        }
        place
    }

    /// When a certificate ends, and how long before that it is said, in seconds.
    pub fn expires(&self, name: String, own: &CertificateDer<'_>, warn: &[u64]) {
        self.expiry.add(name, own, warn);
    }

    /// Whether this master looks after the files: the other one of an upgrade may do so yet.
    fn leads(&self) -> bool {
        let leads = self.board.leader() == Some(sys::process::pid()) || self.board.lead();
        if leads && !self.adopted.replace(true) {
            self.adopt(true);
        }
        leads
    }

    /// What a configuration has loaded is served, as nginx does it, whatever is to be said of it: what the board has of those
    /// before goes. After another master, which has looked after the files meanwhile, what has changed since stays.
    fn adopt(&self, after_another: bool) {
        let all = self.all.borrow();
        let stays = |one: &&Watched| after_another && print(&one.pairs) != one.print;
        let stay: HashSet<&str> = all.iter().filter(stays).map(|one| &one.name[..]).collect();
        self.board.retain(|name| stay.contains(name));
    }

    /// Looks at one server's files; `now`: without waiting for them to settle.
    fn look_at(&self, one: &mut Watched, now: bool) {
        let at = sys::clock::monotonic_ms();
        if one.has_changed() {
            (one.since, one.judged) = (at, None);
        }
        let is_due = match one.judged {
            None => at.saturating_sub(one.since) >= SETTLED_MS,
            Some(last) => one.fault.is_some() && at.saturating_sub(last) >= AGAIN_MS,
        };
        let is_open = one.judged.is_none() || one.fault.is_some();
        let is_wanted = is_due || (now && is_open);
        if !is_wanted {
            return;
        }
        one.judged = Some(at);
        let chains = match one.load() {
            Ok((text, chains)) if self.board.write(&one.name, &text) => chains,
            Ok(_) => {
                let name = &one.name;
                return one.fail(format!("\"{name}\" is too long to be changed without a reload"));
            }
            Err(why) => return one.fail(why),
        };
        one.fault = None;
        let before = std::mem::replace(&mut one.chains, chains);
        for ((pair, chain), before) in one.pairs.iter().zip(&one.chains).zip(&before) {
            let (path, Some(own)) = (pair.certificate.display(), chain.first()) else { continue };
            if chain == before {
                continue;
            }
            let until = self.expiry.renew(&path.to_string(), own);
            match before.first() == Some(own) {
                true => sys::log!(Notice, "the chain of the certificate \"{path}\" is new"),
                false => sys::log!(
                    Notice,
                    "the certificate \"{path}\" is new, it is valid until {until}"
                ),
            }
            if certificate::everybody_may_read(&pair.key) {
                sys::log!(Warn, "every user may read the key \"{}\"", pair.key.display());
            }
        }
    }
}

impl Process for Watch {
    fn opened(&self) -> Result<(), Error> {
        let Some(slot) = self.slot.get() else { return Ok(()) };
        drop(slot.take_previous());
        if let Some(region) = slot.region() {
            self.board.open(region.clone());
        }
        Ok(())
    }

    fn decided(&self, serves: bool) {
        self.serves.set(serves);
        if serves && self.leads() {
            self.adopt(false);
        }
    }

    fn look(&self) {
        if !self.serves.get() {
            return;
        }
        if self.leads() {
            self.all.borrow_mut().iter_mut().for_each(|one| self.look_at(one, false));
        }
        self.expiry.look();
    }

    fn refresh(&self) -> Vec<String> {
        if self.all.borrow().is_empty() {
            return Vec::new();
        }
        if !self.leads() {
            let why = "another master of this server, which an upgrade has not ended yet, looks \
                       after its certificates";
            return vec![why.to_owned()];
        }
        let mut all = self.all.borrow_mut();
        all.iter_mut().for_each(|one| self.look_at(one, true));
        all.iter().filter_map(|one| one.fault.clone()).collect()
    }
}

/// What tells files from others of their names.
pub(crate) fn print(pairs: &[Files]) -> Print {
    let paths = pairs.iter().flat_map(|pair| [&pair.certificate, &pair.key]);
    paths.map(|path| std::fs::metadata(path).map_or([0; 7], |known| print_of(&known))).collect()
}

fn print_of(known: &Metadata) -> [u64; 7] {
    let dates = [known.mtime(), known.mtime_nsec(), known.ctime(), known.ctime_nsec()];
    let [date, nanos, change, change_nanos] = dates.map(|part| part as u64);
    [known.dev(), known.ino(), known.size(), date, nanos, change, change_nanos]
}

/// A certificate, and those between it and a root.
type Chain = Vec<CertificateDer<'static>>;

/// All pairs of a server as one text, and the chain of each.
type Loaded = (Vec<u8>, Vec<Chain>);

impl Watched {
    /// Files that looked like that before these certificates were loaded from them.
    pub fn new(
        pairs: Vec<Files>,
        print: Print,
        chains: Vec<Chain>,
        passphrases: Vec<Vec<u8>>,
        provider: Arc<CryptoProvider>,
    ) -> Watched {
        let paths = pairs.iter().flat_map(|pair| [&pair.certificate, &pair.key]);
        let name = paths.map(|path| path.display().to_string()).collect::<Vec<_>>().join(":");
        let (since, judged, fault) = (0, Some(0), None);
        Watched { name, pairs, passphrases, provider, chains, print, since, judged, fault }
    }

    /// Whether the files are others than at the last look.
    fn has_changed(&mut self) -> bool {
        let before = std::mem::replace(&mut self.print, print(&self.pairs));
        before != self.print
    }

    /// The pair of before stays; that is said once.
    fn fail(&mut self, why: String) {
        if self.fault.as_ref() != Some(&why) {
            sys::log!(Error, "{why}; the certificate that was there stays");
        }
        self.fault = Some(why);
    }

    /// The error says what is wrong with which file.
    fn load(&self) -> Result<Loaded, String> {
        let (mut text, mut all) = (Vec::new(), Vec::new());
        for Files { certificate, key } in &self.pairs {
            let (chain, key) = certificate::files(certificate, key, &self.passphrases)?;
            let wrong =
                |why| format!("the certificate \"{}\" is not taken: {why}", certificate.display());
            certificate::certified(chain.clone(), key.clone_key(), &self.provider)
                .map_err(wrong)?;
            check(&chain).map_err(wrong)?;
            encode(&chain, &key, &mut text);
            all.push(chain);
        }
        Ok((text, all))
    }
}

/// Whether the chain holds together, and its first certificate is valid now.
fn check(chain: &[CertificateDer<'_>]) -> Result<(), String> {
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
    let holds = |pair: &[Certificate<'_>]| {
        pair[0].is_issued_by(&pair[1]) && !pair[0].is_strange_to(&pair[1])
    };
    let breaks = all.windows(2).position(|pair| !holds(pair));
    match breaks {
        Some(at) => Err(format!("certificate {} is not issued by the one behind it", at + 1)),
        None => Ok(()),
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
    /// Which of the server's pairs these are.
    pub at: Vec<usize>,
}
