//! OCSP stapling: what issuers say of this server's certificates, fetched by the helper, kept in memory that all workers share.
//!
//! As in nginx, nothing of it is ever an error: who gets no answer has a line in the log, and shows the certificate without one.

use std::cell::{OnceCell, RefCell};
use std::collections::{HashMap, HashSet};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use conf::{Env, Error};
use module::{Process, Role, Setup, Slot, Wanted};
use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;
use shm::{Board, Watch};

use crate::fresh::{Fresh, staple, staple_name};
use crate::ocsp::{self, Status};
use crate::x509::Certificate;

/// Asks a responder: its URL, the request; gives the answer, or why there is none.
pub type Fetch = fn(String, Vec<u8>) -> Pin<Box<dyn Future<Output = Result<Vec<u8>, String>>>>;

/// An answer and its name are no longer than that.
const LONGEST: usize = (8 << 10) + 64;
/// Looks, two in a second, after which a helper that gives no sign of life is ended.
const PATIENCE: u32 = 30;
/// Milliseconds between looks at what is due.
const BEAT: u64 = 500;
/// So many responders are asked at the same time.
const AT_ONCE: usize = 8;
/// nginx' numbers: an answer is asked for again after an hour at the latest, and after a failure in five minutes.
const HOUR: u64 = 3600;
const RETRY: u64 = 300;

/// Whose answers are wanted.
struct Source {
    identities: Arc<Fresh>,
    /// `ssl_stapling_responder`
    responder: Option<String>,
    /// Issuers that no chain has.
    trusted: Arc<[CertificateDer<'static>]>,
}

/// All certificates of a block.
pub(crate) struct Stapling {
    board: Arc<Board>,
    slot: OnceCell<Slot>,
    fetch: OnceCell<Fetch>,
    sources: RefCell<Vec<Source>>,
    watch: Watch,
}

impl Default for Stapling {
    fn default() -> Stapling {
        Stapling {
            board: Arc::new(Board::new(LONGEST)),
            slot: OnceCell::new(),
            fetch: OnceCell::new(),
            sources: RefCell::default(),
            watch: Watch::default(),
        }
    }
}

impl Stapling {
    pub fn board(&self) -> Arc<Board> {
        self.board.clone()
    }

    /// Adds the certificates of a server. `names`: their files, for warnings.
    pub fn add(
        &self,
        identities: &Arc<Fresh>,
        names: &[&conf::Word],
        responder: Option<String>,
        trusted: Arc<[CertificateDer<'static>]>,
        env: &Env<'_>,
    ) {
        let source = Source { identities: identities.clone(), responder, trusted };
        for (one, name) in identities.fixed.all().iter().zip(names) {
            if let Err(why) = source.question(one) {
                let message = format!("\"ssl_stapling\" ignored, {why} \"{}\"", name.text);
                env.warnings.borrow_mut().push(Error::at(message, name.span, env.files));
            }
        }
        self.sources.borrow_mut().push(source);
    }

    /// Asks for the memory, when all servers are known.
    pub fn install(&self, block: &str, fetch: Fetch, setup: &mut Setup<'_>) {
        let count = self.sources.borrow().len();
        if count == 0 {
            return;
        }
        // Two types of keys each; what grows a little stays in the same memory.
        let len = self.board.size((count * 2).next_power_of_two().max(16));
        let name = format!("ssl_stapling.{block}");
        let shape = "2".to_owned();
        let _ = self.slot.set(setup.region(Wanted { name, shape, len, file: None }));
        let _ = self.fetch.set(fetch);
    }
}

/// What a responder is asked.
#[derive(Clone)]
struct Question {
    name: String,
    url: String,
    request: Vec<u8>,
    certificate: Vec<u8>,
    issuer: Vec<u8>,
}

impl Source {
    /// What is asked about a certificate; the error is a part of nginx' warning.
    fn question(&self, one: &CertifiedKey) -> Result<Question, String> {
        const NO_ISSUER: &str = "issuer certificate not found for certificate";
        let (leaf, chain) = one.cert.split_first().ok_or(NO_ISSUER)?;
        let certificate = Certificate::parse(leaf).map_err(|_| NO_ISSUER)?;
        let is_issuer = |der: &&CertificateDer<'_>| {
            Certificate::parse(der).is_ok_and(|issuer| {
                certificate.is_issued_by(&issuer) && certificate.is_signed_by(&issuer)
            })
        };
        let issuer = chain.iter().chain(self.trusted.iter()).find(is_issuer).ok_or(NO_ISSUER)?;
        let url = match &self.responder {
            Some(url) => url.clone(),
            None => {
                let first = certificate.ocsp_responders().first().map(|url| (*url).to_owned());
                first.ok_or("no OCSP responder URL in the certificate")?
            }
        };
        ocsp::check_responder(&url).map_err(|why| format!("{why} in the certificate"))?;
        let parsed = Certificate::parse(issuer).map_err(|_| NO_ISSUER)?;
        Ok(Question {
            name: staple_name(leaf),
            url,
            request: ocsp::request(&certificate, &parsed),
            certificate: leaf.to_vec(),
            issuer: issuer.to_vec(),
        })
    }
}

impl Process for Stapling {
    fn opened(&self) -> Result<(), Error> {
        if let Some(slot) = self.slot.get() {
            drop(slot.take_previous());
            if let Some(region) = slot.region() {
                self.board.open(region.clone());
            }
        }
        Ok(())
    }

    fn needs(&self, role: Role) -> bool {
        role == Role::Helper && !self.sources.borrow().is_empty()
    }

    fn assist(&'static self, role: Role) {
        if role == Role::Helper
            && let Some(fetch) = self.fetch.get()
        {
            rt::spawn(self.run(*fetch));
        }
    }

    fn look(&self) {
        self.watch.look(&self.board);
    }

    fn stuck(&self) -> Vec<i32> {
        self.watch.stuck(&self.board, PATIENCE).into_iter().collect()
    }
}

/// When a certificate's responder is asked next, by the clock that nobody sets, and how often it has failed.
#[derive(Clone, Copy)]
struct Due {
    at: u64,
    failures: u32,
}

type Dues = Rc<RefCell<HashMap<String, Due>>>;

/// What is asked, as of the identities then.
#[derive(Default)]
struct Questions {
    stamps: Vec<[u64; 2]>,
    all: Vec<Question>,
}

impl Questions {
    fn renew(&mut self, sources: &[Source]) {
        let stamps: Vec<_> =
            sources.iter().map(|source| source.identities.identity_stamp()).collect();
        if stamps == self.stamps {
            return;
        }
        let of = |source: &Source| {
            let all = source.identities.all();
            all.iter().filter_map(|one| source.question(one).ok()).collect::<Vec<_>>()
        };
        self.all = sources.iter().flat_map(of).collect();
        self.all.sort_by(|a, b| a.name.cmp(&b.name));
        self.all.dedup_by(|a, b| a.name == b.name);
        self.stamps = stamps;
    }
}

impl Stapling {
    async fn run(&'static self, fetch: Fetch) {
        while !self.board.lead() {
            rt::sleep(BEAT).await;
        }
        let (mut questions, dues) = (Questions::default(), Dues::default());
        let asking = Rc::new(());
        loop {
            self.board.beat();
            let before = questions.stamps.len();
            questions.renew(&self.sources.borrow());
            if before == 0 {
                let known: HashSet<_> =
                    questions.all.iter().map(|question| &question.name[..]).collect();
                self.board.retain(|name| known.contains(name));
            }
            let now = monotonic();
            for question in &questions.all {
                let known = dues.borrow().get(&question.name).copied();
                let due = known.unwrap_or_else(|| self.first(question));
                if due.at <= now && Rc::strong_count(&asking) <= AT_ONCE {
                    // Whoever is asked has all the time that it takes.
                    let waiting = Due { at: u64::MAX, ..due };
                    dues.borrow_mut().insert(question.name.clone(), waiting);
                    let (question, dues, one) = (question.clone(), dues.clone(), asking.clone());
                    rt::spawn(async move {
                        let next = self.ask(&question, due, fetch).await;
                        dues.borrow_mut().insert(question.name, next);
                        drop(one);
                    });
                } else {
                    dues.borrow_mut().insert(question.name.clone(), due);
                }
            }
            rt::sleep(BEAT).await;
        }
    }

    /// An answer that another helper has fetched is good as long as it would be to that one.
    fn first(&self, question: &Question) -> Due {
        let now = sys::clock::wall().as_secs();
        let known = self.board.read(&question.name);
        let until = known.and_then(|text| Some(u64::from_le_bytes(*text.first_chunk()?)));
        Due {
            at: until.filter(|until| *until > now).map_or(0, |until| after(pause(now, until))),
            failures: 0,
        }
    }

    async fn ask(&self, question: &Question, due: Due, fetch: Fetch) -> Due {
        let answer = fetch(question.url.clone(), question.request.clone()).await;
        let now = sys::clock::wall().as_secs();
        match answer.and_then(|answer| Ok((usable(&answer, question, now)?, answer))) {
            Ok((until, answer)) => {
                if !self.board.write(&question.name, &staple(until, &answer)) {
                    sys::log!(
                        Error,
                        "there is no room for the OCSP answer of \"{}\"",
                        question.url
                    );
                }
                Due { at: after(pause(now, until)), failures: 0 }
            }
            Err(why) => {
                let url = question.url.escape_debug();
                sys::log!(Error, "{why} while requesting certificate status, responder: {url}");
                let failures = due.failures.saturating_add(1);
                Due { at: after(RETRY.min(5 << failures.min(6))), failures }
            }
        }
    }
}

/// Until when an answer can be shown: as nginx, only one that stands by the certificate.
fn usable(answer: &[u8], question: &Question, now: u64) -> Result<u64, String> {
    let parse = |der| Certificate::parse(der).map_err(|fault| fault.to_string());
    let (certificate, issuer) = (parse(&question.certificate)?, parse(&question.issuer)?);
    let read = ocsp::read(answer, &certificate, &issuer, now as i64);
    let read = read.map_err(|fault| format!("OCSP response: {fault}"))?;
    match read.status {
        Status::Good => {}
        Status::Revoked { .. } => {
            return Err("certificate status \"revoked\" in the OCSP response".into());
        }
        Status::Unknown => return Err("certificate status \"unknown\" in the OCSP response".into()),
    }
    // Without an end it is of now, and asked for again soon.
    let until = read.next_update.map_or(now + HOUR, |next| u64::try_from(next).unwrap_or(0));
    match until > now {
        true => Ok(until),
        false => Err("OCSP response: out of date".to_owned()),
    }
}

/// How long it is until an answer is asked for again, in seconds: well before its end.
fn pause(now: u64, until: u64) -> u64 {
    (until.saturating_sub(now) / 2).clamp(1, HOUR)
}

/// Seconds of the clock that nobody sets.
fn monotonic() -> u64 {
    sys::clock::monotonic_ms() / 1000
}

fn after(pause: u64) -> u64 {
    monotonic().saturating_add(pause)
}

#[cfg(test)]
mod tests {
    use super::pause;

    #[test]
    fn answers_are_renewed_before_their_end() {
        assert_eq!(pause(1000, 1060), 30);
        assert_eq!(pause(1000, 1000 + 7 * 86_400), 3600, "hourly, as nginx");
        assert_eq!(pause(1000, 1000), 1, "never at once again");
    }
}
