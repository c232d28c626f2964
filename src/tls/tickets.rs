//! Keys of session tickets. The master makes them, in memory that all workers share and that outlives reload and upgrade, so
//! that a client may come back to any of them.
//!
//! Time is divided into periods of `ssl_session_timeout`. Each period has a key of its own, which is made one period before
//! it is used and forgotten one period after: a ticket can be read for one period at least, and for two at most.
//!
//! ```text
//! words  0     │ 1      │ 2 3 │ 4 5 6 7       │     four such slots: a period's is its number modulo four
//!        period│ check  │ name│ AES-256 key   │
//! ticket: name (16) │ nonce (12) │ sealed: when it was made (8), the session │ tag (16)
//! ```
//! Nothing is locked. Whoever reads a slot looks at its check; two masters (during an upgrade) that write the same slot
//! leave one that is not whole, and it is written again long before its period begins.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{digest, rand};
use conf::Error;
use module::{Process, Setup, Slot, Wanted};
use rustls::server::ProducesTickets;
use shm::{Region, U64};

const SLOTS: u64 = 4;
const WORDS: usize = 8;
const NAME: usize = 16;
/// What goes with the session: when the ticket was made.
const STAMP: usize = 8;

/// The part of the keys in the life of the processes.
pub struct Tickets {
    slot: Slot,
    keys: Arc<Keys>,
}

/// The keys, in shared memory.
#[derive(Debug)]
struct Keys {
    region: OnceLock<Arc<Region>>,
    /// Seconds of a period.
    period: u64,
}

/// A key as it lies in a slot.
type Words = [u64; WORDS];

impl Tickets {
    /// Asks for the memory. `seconds`: how long a session may be resumed.
    pub fn new(setup: &mut Setup<'_>, seconds: u64) -> Tickets {
        let period = seconds.max(1);
        let slot = setup.region(Wanted {
            name: format!("ssl_tickets.{period}"),
            shape: "1".to_owned(),
            len: 4096,
            file: None,
        });
        Tickets { slot, keys: Arc::new(Keys { region: OnceLock::new(), period }) }
    }

    /// What makes tickets for the servers of one identity: nobody else's can read them.
    pub(crate) fn of(&self, identity: [u8; 32]) -> Arc<dyn ProducesTickets> {
        let source = Source::Shared(self.keys.clone(), Mutex::default());
        Arc::new(Ticketer { source, life: self.keys.period, identity })
    }
}

impl Keys {
    fn words(&self) -> &[U64] {
        self.region.get().map(|region| region.words()).unwrap_or_default()
    }

    fn period_at(&self, seconds: u64) -> u64 {
        seconds / self.period
    }

    /// The key of a period, if it is there.
    fn key(&self, period: u64) -> Option<Words> {
        let at = (period % SLOTS) as usize * WORDS;
        let slot = self.words().get(at..at + WORDS)?;
        let mut words = [0; WORDS];
        words.iter_mut().zip(slot).for_each(|(word, shared)| *word = shared.published());
        (words[0] == period && words[1] == check(&words)).then_some(words)
    }

    fn write(&self, period: u64, words: &Words) {
        let at = (period % SLOTS) as usize * WORDS;
        let slot = self.words().get(at..at + WORDS).unwrap_or_default();
        slot.iter().zip(words).for_each(|(shared, word)| shared.publish(*word));
    }

    /// Makes the keys of this period and the next, and forgets those that nobody may use any more.
    fn rotate(&self) {
        let now = self.period_at(sys::clock::wall().as_secs());
        for period in [now, now + 1] {
            if self.key(period).is_some() {
                continue;
            }
            match make(period) {
                Some(words) => self.write(period, &words),
                None => sys::log!(Alert, "no random bytes for the keys of TLS tickets"),
            }
        }
        let old = now.wrapping_sub(2);
        if self.key(old).is_some() {
            self.write(old, &[0; WORDS]);
        }
    }
}

fn make(period: u64) -> Option<Words> {
    let mut bytes = [0; (WORDS - 2) * 8];
    rand::fill(&mut bytes).ok()?;
    let mut words = [0; WORDS];
    let (halves, _) = bytes.as_chunks::<8>();
    words[2..].iter_mut().zip(halves).for_each(|(word, bytes)| *word = u64::from_ne_bytes(*bytes));
    words[0] = period;
    words[1] = check(&words);
    Some(words)
}

/// Of a whole slot; never 0.
fn check(words: &Words) -> u64 {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(&words[0].to_ne_bytes());
    words[2..].iter().for_each(|word| context.update(&word.to_ne_bytes()));
    let digest = context.finish();
    let first = digest.as_ref().first_chunk().copied().unwrap_or_default();
    u64::from_ne_bytes(first) | 1
}

impl Process for Tickets {
    fn opened(&self) -> Result<(), Error> {
        drop(self.slot.take_previous());
        if let Some(region) = self.slot.region() {
            let _ = self.keys.region.set(region.clone());
        }
        self.keys.rotate();
        Ok(())
    }

    fn look(&self) {
        self.keys.rotate();
    }
}

/// A key, ready for use.
struct Known {
    period: u64,
    check: u64,
    name: [u8; NAME],
    key: LessSafeKey,
}

/// Where keys come from.
enum Source {
    /// The master makes them; those that were used are ready.
    Shared(Arc<Keys>, Mutex<Vec<Known>>),
    /// From files: the first encrypts, all of them decrypt.
    Files(Vec<Known>),
}

/// Makes and reads the tickets of one identity.
struct Ticketer {
    source: Source,
    /// Seconds for which a ticket is good.
    life: u64,
    identity: [u8; 32],
}

impl fmt::Debug for Ticketer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticketer")
    }
}

/// What makes tickets with keys from files (`ssl_session_ticket_key`), each of 48 or 80 random bytes.
pub fn with_files(
    files: &[Vec<u8>],
    life: u64,
    identity: [u8; 32],
) -> Option<Arc<dyn ProducesTickets>> {
    let keys = files.iter().map(|bytes| {
        let (name, _) = bytes.split_first_chunk()?;
        let key = digest::digest(&digest::SHA256, bytes);
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_ref()).ok()?);
        Some(Known { period: 0, check: 0, name: *name, key })
    });
    let source = Source::Files(keys.collect::<Option<_>>()?);
    Some(Arc::new(Ticketer { source, life, identity }))
}

impl Ticketer {
    /// Does something with the key that encrypts now.
    fn with_newest<T>(&self, now: u64, act: impl Fn(&Known) -> Option<T>) -> Option<T> {
        match &self.source {
            Source::Files(keys) => keys.first().and_then(act),
            Source::Shared(keys, known) => with_key(keys, known, keys.period_at(now), act),
        }
    }

    /// Does something with each key that decrypts now, until it succeeds.
    fn with_all<T>(&self, now: u64, act: impl Fn(&Known) -> Option<T>) -> Option<T> {
        match &self.source {
            Source::Files(keys) => keys.iter().find_map(act),
            Source::Shared(keys, known) => {
                let period = keys.period_at(now);
                // The next one's, too: another machine's clock, or this one's, may have gone back a little.
                let periods = [period, period.wrapping_sub(1), period + 1];
                periods.into_iter().find_map(|period| with_key(keys, known, period, &act))
            }
        }
    }
}

/// Does something with a period's key.
fn with_key<T>(
    keys: &Keys,
    known: &Mutex<Vec<Known>>,
    period: u64,
    act: impl FnOnce(&Known) -> Option<T>,
) -> Option<T> {
    let mut all = known.lock().ok()?;
    let words = keys.key(period)?;
    let at = all.iter().position(|one| one.period == period && one.check == words[1]);
    let known = match at {
        Some(at) => &all[at],
        None => {
            all.retain(|one| one.period != period && one.period + SLOTS > period);
            all.push(ready(&words)?);
            all.last()?
        }
    };
    act(known)
}

fn ready(words: &Words) -> Option<Known> {
    let mut bytes = [0; (WORDS - 2) * 8];
    let (halves, _) = bytes.as_chunks_mut::<8>();
    halves.iter_mut().zip(&words[2..]).for_each(|(bytes, word)| *bytes = word.to_ne_bytes());
    let (name, key) = bytes.split_first_chunk()?;
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).ok()?);
    Some(Known { period: words[0], check: words[1], name: *name, key })
}

impl ProducesTickets for Ticketer {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        u32::try_from(self.life).unwrap_or(u32::MAX)
    }

    fn encrypt(&self, session: &[u8]) -> Option<Vec<u8>> {
        let now = sys::clock::wall().as_secs();
        self.with_newest(now, |known| {
            let mut nonce = [0; NONCE_LEN];
            rand::fill(&mut nonce).ok()?;
            let head = NAME + NONCE_LEN;
            let mut ticket =
                Vec::with_capacity(head + STAMP + session.len() + AES_256_GCM.tag_len());
            ticket.extend_from_slice(&known.name);
            ticket.extend_from_slice(&nonce);
            ticket.extend_from_slice(&now.to_be_bytes());
            ticket.extend_from_slice(session);
            let nonce = Nonce::assume_unique_for_key(nonce);
            let aad = Aad::from(self.identity);
            let tag = known.key.seal_in_place_separate_tag(nonce, aad, &mut ticket[head..]).ok()?;
            ticket.extend_from_slice(tag.as_ref());
            Some(ticket)
        })
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        let (name, rest) = ticket.split_first_chunk::<NAME>()?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>()?;
        let now = sys::clock::wall().as_secs();
        self.with_all(now, |known| {
            if known.name != *name {
                return None;
            }
            let mut bytes = sealed.to_vec();
            let nonce = Nonce::assume_unique_for_key(*nonce);
            let opened = known.key.open_in_place(nonce, Aad::from(self.identity), &mut bytes);
            let (made, session) = opened.ok()?.split_first_chunk::<STAMP>()?;
            let age = now.saturating_sub(u64::from_be_bytes(*made));
            (age <= self.life).then(|| session.to_vec())
        })
    }
}
