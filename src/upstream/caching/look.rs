//! What becomes of a request before a peer is asked.

use std::rc::Rc;

use cache::{Claim, Found, Key, Lookup, Stored, Zone};
use http::Request;
use proto::http1::Method;

use crate::caching::{Caching, is_one};

/// How an answer has to do with the cache: `$upstream_cache_status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There was none.
    Miss,
    /// The cache was not looked into.
    Bypass,
    /// There was one that was not valid any more.
    Expired,
    /// That was given out, since no other was to be had.
    Stale,
    /// Or while it is fetched.
    Updating,
    /// It is valid still: that was asked.
    Revalidated,
    /// There was one.
    Hit,
}

impl Outcome {
    /// As the variable has it.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Miss => "MISS",
            Outcome::Bypass => "BYPASS",
            Outcome::Expired => "EXPIRED",
            Outcome::Stale => "STALE",
            Outcome::Updating => "UPDATING",
            Outcome::Revalidated => "REVALIDATED",
            Outcome::Hit => "HIT",
        }
    }
}

/// What is to be done.
pub enum Step {
    /// This is the answer; with a claim it is fetched again beside.
    Give {
        /// It.
        stored: Rc<Stored>,
        /// What is said of it.
        outcome: Outcome,
        /// What is fetched.
        update: Option<Fetching>,
    },
    /// It is known that this is answered.
    Status(u16),
    /// Another one fetches it.
    Wait(Rc<Zone>, Key),
    /// A peer is asked.
    Fetch(Fetching),
    /// A peer is asked, and the cache has nothing to do with that.
    Pass,
    /// Answers are purged.
    Purge(Rc<Zone>, Key),
}

/// An answer that is being fetched.
pub struct Fetching {
    /// Where it belongs.
    pub zone: Rc<Zone>,
    /// Its key.
    pub key: Key,
    /// The right to store it. `None`: it is not stored.
    pub claim: Option<Claim>,
    /// What is there, and not valid any more.
    pub stale: Option<Rc<Stored>>,
    /// What is said of it.
    pub outcome: Outcome,
}

/// How an answer is looked at that is not valid any more.
struct Expired {
    now: u64,
    round: Round,
    lock: bool,
    /// It is asked for without a body.
    is_simple: bool,
}

/// How often a request was here before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// Never.
    First,
    /// It was woken.
    Woken,
    /// It has waited for as long as it may.
    Late,
}

/// Seconds since 1970.
pub fn now() -> u64 {
    rt::wall().as_secs()
}

impl Caching {
    /// What is to be done for a request. `key`: what its family has as its key. The error is a status.
    pub fn begin(
        &self,
        request: &mut Request,
        key: impl FnOnce(&mut Request) -> Result<mem::Str, u16>,
    ) -> Result<Step, u16> {
        let purges = is_one(&self.purge, request);
        if !purges && (!self.methods.has(request.method) || request.is_tunnel) {
            return Ok(Step::Pass);
        }
        let Some(zone) = self.zone(request) else { return Ok(Step::Pass) };
        let key = match &self.key {
            Some(template) => template.evaluate(request),
            None => key(request)?,
        };
        let key = Key::of(key);
        if purges {
            return Ok(Step::Purge(zone, key));
        }
        if is_one(&self.bypass, request) {
            // What comes takes the place of what is there.
            let claim = zone.claim(&key, 0);
            let (stale, outcome) = (None, Outcome::Bypass);
            return Ok(Step::Fetch(Fetching { zone, key, claim, stale, outcome }));
        }
        Ok(self.look(request, zone, key, Round::First))
    }

    /// Looks into the cache.
    pub fn look(&self, request: &Request, zone: Rc<Zone>, key: Key, round: Round) -> Step {
        let now = now();
        let field = |name: &[u8]| {
            let name = String::from_utf8_lossy(name).into_owned();
            request.header_list(&name).into_owned()
        };
        let Lookup { key, found, uses, is_unkept } = zone.find(key, now, field);
        // What comes is not to be stored: nobody waits for it.
        let lock = self.lock && !is_unkept;
        match found {
            Found::Stored(stored) if stored.is_valid(now) => {
                Step::Give { stored, outcome: Outcome::Hit, update: None }
            }
            Found::Stored(stored) => {
                let is_simple = matches!(request.method, Method::Get | Method::Head);
                self.expired(zone, key, stored, Expired { now, round, lock, is_simple })
            }
            Found::Status(status) => Step::Status(status),
            Found::NoRoom => Step::Fetch(Fetching::beside(zone, key, None)),
            Found::Absent if u64::from(uses) < self.min_uses => {
                Step::Fetch(Fetching::beside(zone, key, None))
            }
            Found::Absent => self.absent(zone, key, round, lock),
        }
    }

    fn absent(&self, zone: Rc<Zone>, key: Key, round: Round, lock: bool) -> Step {
        match zone.claim(&key, if lock { self.lock_age } else { 0 }) {
            None if round != Round::Late => Step::Wait(zone, key),
            // Whoever has waited for long enough asks for itself.
            claim => Step::Fetch(Fetching { claim, ..Fetching::beside(zone, key, None) }),
        }
    }

    fn expired(&self, zone: Rc<Zone>, key: Key, stored: Rc<Stored>, how: Expired) -> Step {
        let Expired { now, round, lock, is_simple } = how;
        let may_be_given = self.use_stale.updating || stored.is_within(stored.stale_updating, now);
        let alone = if lock || may_be_given { self.lock_age } else { 0 };
        let claim = zone.claim(&key, alone);
        match claim {
            None if may_be_given => Step::Give { stored, outcome: Outcome::Updating, update: None },
            None if round != Round::Late => Step::Wait(zone, key),
            claim => {
                // Of others the body is not there any more.
                let is_background = self.background && may_be_given && is_simple && claim.is_some();
                let update =
                    Fetching { claim, ..Fetching::beside(zone, key, Some(stored.clone())) };
                match is_background {
                    true => Step::Give { stored, outcome: Outcome::Stale, update: Some(update) },
                    false => Step::Fetch(update),
                }
            }
        }
    }
}

impl Fetching {
    /// Without the right to store it.
    fn beside(zone: Rc<Zone>, key: Key, stale: Option<Rc<Stored>>) -> Fetching {
        let outcome = if stale.is_some() { Outcome::Expired } else { Outcome::Miss };
        Fetching { zone, key, claim: None, stale, outcome }
    }
}
