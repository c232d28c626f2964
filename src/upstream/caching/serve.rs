//! A request of a location whose answers are kept.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use cache::{Claim, Facts, Fill, Key, Life, Stored, Wait, Zone, names, variant};
use http::{Flow, LogLevel, Request};
use mem::Str;
use proto::http1::{AnswerHead, Method, Name};

use crate::caching::look::{Fetching, Outcome, Round, Step, now};
use crate::caching::purpose::Purpose;
use crate::caching::{Caching, is_one};
use crate::client::unless_gone;
use crate::exchange::Reply;
use crate::next::Fault;
use crate::passing::Passing;
use crate::relay::Relay;
use crate::tries::Tries;

/// What a family of modules does for a request of its location.
pub trait Fetcher: Sized + 'static {
    /// What all families have.
    fn passing(&self) -> &Passing;

    /// The key of a request, where the configuration says none. The error is a status.
    fn key(&self, request: &mut Request) -> Result<Str, u16>;

    /// Asks a peer. The error is a status.
    fn fetch(
        &self,
        request: &mut Request,
        purpose: Purpose<'_>,
    ) -> impl Future<Output = Result<Reply, u16>>;

    /// What stands in an answer instead of the value of a Location, Refresh or Set-Cookie.
    fn change(&self, request: &mut Request, name: Name, value: &Str) -> Option<Str>;
}

/// What is to be done for the request, found out before it was waited for.
#[derive(Default)]
struct Begun(Option<Step>);

/// Answers at once, if that is possible. `None`: something is to be waited for ([`serve`]).
pub fn at_once<F: Fetcher>(family: &Rc<F>, request: &mut Request) -> Option<Flow> {
    let passing = family.passing();
    let caching = passing.caching.as_ref().filter(|caching| caching.concerns(request))?;
    if !request.body.is_empty() {
        // The key may be made of it.
        return None;
    }
    let step = match caching.begin(request, |request| family.key(request)) {
        Ok(step) => step,
        Err(status) => return Some(Flow::Status(status)),
    };
    match step {
        Step::Give { stored, outcome, update } => {
            if let Some(update) = update {
                fetch_beside(family.clone(), request, update);
            }
            Some(passing.give(request, &stored, outcome, |request, name, value| {
                family.change(request, name, value)
            }))
        }
        Step::Status(status) => {
            request.context::<Tries>().cache = Some(Outcome::Hit);
            Some(Flow::Status(status))
        }
        step => {
            request.context::<Begun>().0 = Some(step);
            None
        }
    }
}

/// Answers a request. The error is a status.
pub async fn serve<F: Fetcher>(family: &Rc<F>, request: &mut Request) -> Result<Flow, u16> {
    let caching = family.passing().caching.as_ref();
    let Some(caching) = caching.filter(|caching| caching.concerns(request)) else {
        return pass(family, request).await;
    };
    let step = match request.context::<Begun>().0.take() {
        Some(step) => step,
        None => {
            request.keep_body().await.map_err(|error| error.status())?;
            caching.begin(request, |request| family.key(request))?
        }
    };
    match step {
        Step::Wait(zone, key) => {
            let step = wait(caching, request, zone, key).await?;
            fetch_or_give(family, request, step).await
        }
        step => fetch_or_give(family, request, step).await,
    }
}

async fn fetch_or_give<F: Fetcher>(
    family: &Rc<F>,
    request: &mut Request,
    step: Step,
) -> Result<Flow, u16> {
    let change = |request: &mut Request, name, value: &Str| family.change(request, name, value);
    match step {
        Step::Fetch(fetching) => fetch(family, request, fetching).await,
        Step::Give { stored, outcome, update } => {
            if let Some(update) = update {
                fetch_beside(family.clone(), request, update);
            }
            Ok(family.passing().give(request, &stored, outcome, change))
        }
        Step::Status(status) => {
            request.context::<Tries>().cache = Some(Outcome::Hit);
            Err(status)
        }
        Step::Purge(zone, key) => match &family.passing().caching {
            Some(caching) => Ok(caching.purge(request, &zone, &key).await),
            None => Err(500),
        },
        Step::Pass | Step::Wait(..) => pass(family, request).await,
    }
}

/// Without the cache.
async fn pass<F: Fetcher>(family: &Rc<F>, request: &mut Request) -> Result<Flow, u16> {
    let reply = family.fetch(request, Purpose::Client).await?;
    let change = |request: &mut Request, name, value: &Str| family.change(request, name, value);
    Ok(family.passing().answer(request, reply, None, change))
}

/// Waits until another has fetched it, for as long as that may take, and says what is to be done then. Whoever was at it may have
/// died: then one of those who wait is.
async fn wait(
    caching: &Caching,
    request: &mut Request,
    zone: Rc<Zone>,
    key: Key,
) -> Result<Step, u16> {
    let mut late = pin!(rt::sleep(caching.lock_timeout));
    let (mut zone, mut key) = (zone, key);
    loop {
        let mut woken = pin!(Wait::new(zone.clone(), key.digest, caching.lock_age));
        // Then whoever is at it takes too long, and another one may try.
        let mut old = pin!(rt::sleep(caching.lock_age.max(1)));
        let waiting = poll_fn(|cx| {
            let is_woken = woken.as_mut().poll(cx).is_ready() || old.as_mut().poll(cx).is_ready();
            match (is_woken, late.as_mut().poll(cx)) {
                (true, _) => Poll::Ready(Round::Woken),
                (false, Poll::Ready(())) => Poll::Ready(Round::Late),
                (false, Poll::Pending) => Poll::Pending,
            }
        });
        let Some(round) = unless_gone(request, false, waiting).await else {
            request.error(LogLevel::Info, format_args!("client prematurely closed connection"));
            return Err(499);
        };
        let main = Key::of(key.text.clone());
        match caching.look(request, zone.clone(), main, round) {
            Step::Wait(again, other) => (zone, key) = (again, other),
            step => return Ok(step),
        }
    }
}

/// While the client has its answer already.
fn fetch_beside<F: Fetcher>(family: Rc<F>, request: &Request, fetching: Fetching) {
    let mut aside = request.aside();
    aside.method = Method::Get;
    let hold = rt::hold();
    rt::spawn(async move {
        let _ = fetch(&family, &mut aside, fetching).await;
        if let http::Body::Source(body) = std::mem::take(&mut aside.response.body) {
            // It goes on by itself.
            drop(body);
        }
        drop(hold);
    });
}

/// Fetches an answer, stores it if it may be, and makes the response of it.
async fn fetch<F: Fetcher>(
    family: &Rc<F>,
    request: &mut Request,
    fetching: Fetching,
) -> Result<Flow, u16> {
    let passing = family.passing();
    let Some(caching) = &passing.caching else { return Err(500) };
    request.context::<Tries>().cache = Some(fetching.outcome);
    let known = fetching.stale.as_deref().filter(|_| caching.revalidate);
    let purpose = match fetching.claim {
        Some(_) => Purpose::Cache(caching.convert_head, known),
        // It is not stored: then it is this client's alone.
        None => Purpose::Client,
    };
    let fetched = family.fetch(request, purpose).await;
    let change = |request: &mut Request, name, value: &Str| family.change(request, name, value);
    let fault = match &fetched {
        Ok(reply) => Some(Fault::Status(reply.head.status)),
        Err(_) => request.context::<Tries>().fault.take(),
    };
    if let (Some(stale), Some(fault)) = (&fetching.stale, fault)
        && caching.may_give(stale, fault)
    {
        if let Some(claim) = fetching.claim {
            claim.unkept(now());
        }
        return Ok(passing.give(request, stale, Outcome::Stale, change));
    }
    let Fetching { zone: _, key, claim, stale, .. } = fetching;
    let reply = match fetched {
        Ok(reply) => reply,
        Err(status) => {
            if let (Some(claim), Some(until)) = (claim, caching.until(status))
                && fault.is_some()
            {
                claim.keep_status(status, until);
            }
            return Err(status);
        }
    };
    let was_asked = caching.revalidate && claim.is_some();
    if let (304, Some(stale), true) = (reply.head.status, stale, was_asked) {
        if let (Some(claim), Some(life)) = (claim, caching.life_of(&reply, &stale, request))
            && let Err(error) = claim.renew(&key, life, now())
        {
            request.error(LogLevel::Crit, format_args!("an answer is not stored: {error}"));
        }
        finish(reply, passing);
        return Ok(passing.give(request, &stale, Outcome::Revalidated, change));
    }
    let fill = claim.and_then(|claim| caching.fill(claim, &reply, &key, request));
    Ok(passing.answer(request, reply, fill, change))
}

/// An answer without a body: its connection can be used again.
fn finish(reply: Reply, passing: &Passing) {
    drop(Relay::new(reply, passing.settings.clone()));
}

impl Caching {
    /// Whether what is there is given out instead.
    fn may_give(&self, stale: &Stored, fault: Fault) -> bool {
        let is_error = match fault {
            Fault::Status(status) => matches!(status, 500 | 502 | 503 | 504),
            _ => true,
        };
        self.use_stale.has(fault) || is_error && stale.is_within(stale.stale_error, now())
    }

    /// Until when it is remembered that nobody has answered.
    fn until(&self, status: u16) -> Option<u64> {
        let is_it = |valid: &&cache::Valid| valid.status.is_none_or(|of| of == status);
        let seconds = self.valid.iter().find(is_it)?.seconds;
        (seconds > 0).then(|| now() + seconds)
    }

    /// How long an answer may be given out that is valid still: as its new fields say, else those that it has.
    fn life_of(&self, reply: &Reply, stale: &Stored, request: &Request) -> Option<Life> {
        let says = |name| reply.head.fields.get(name).is_some();
        let says = [Name::CacheControl, Name::Expires, Name::XAccelExpires].into_iter().any(says);
        let (fields, bytes) = match says {
            true => (&reply.head.fields, reply.block.filled()),
            false => (&stale.head.fields, &stale.bytes[..]),
        };
        let answer = (stale.head.status, fields, bytes);
        cache::life(answer, &self.valid, self.unheard(), has_user(request), now())
    }

    /// Begins to store an answer, if it may be.
    fn fill(&self, claim: Claim, reply: &Reply, key: &Key, request: &mut Request) -> Option<Fill> {
        // That this request's is not stored says nothing of others.
        let is_empty = request.method == Method::Head && !self.convert_head;
        if is_empty || is_one(&self.no_cache, request) {
            return None;
        }
        let Some(facts) = self.facts(reply, key, request) else {
            claim.unkept(now());
            return None;
        };
        let told = |error: &std::io::Error| {
            let is_own = error.raw_os_error().is_some();
            let level = if is_own { LogLevel::Crit } else { LogLevel::Info };
            request.error(level, format_args!("an answer is not stored: {error}"));
        };
        Fill::begin(claim, facts, reply.framing.length()).inspect_err(told).ok()
    }

    /// What is said of an answer that is stored. `None`: it is not.
    fn facts(&self, reply: &Reply, key: &Key, request: &mut Request) -> Option<Facts> {
        let (fields, bytes) = (&reply.head.fields, reply.block.filled());
        if matches!(reply.head.status, 304 | 100..=199) {
            return None;
        }
        let unheard = self.unheard();
        let answer = (reply.head.status, fields, bytes);
        let life = cache::life(answer, &self.valid, unheard, has_user(request), now())?;
        let vary = if unheard.vary { Vec::new() } else { names(fields, bytes)? };
        let variant =
            variant(&vary, |name| request.header_list(&String::from_utf8_lossy(name)).into_owned());
        let tags = fields.named(b"cache-tag", bytes).collect::<Vec<_>>().join(&b' ');
        let tags = tags.iter().map(|&byte| if byte == b',' { b' ' } else { byte }).collect();
        let head = stored_head(&reply.head, bytes);
        let main = Key::of(key.text.clone());
        // What was looked for may have varied with other fields than what has come.
        let is_variant = key.digest == main.with_variant(&variant).digest;
        let key = if is_variant { key.clone() } else { main };
        Some(Facts { key, life, now: now(), vary, variant, tags, head })
    }
}

/// The head of an answer as it is stored: without what belongs to the peer's connection, and what frames its body.
fn stored_head(head: &AnswerHead, bytes: &[u8]) -> Vec<u8> {
    const LEFT_OUT: [Name; 6] = [
        Name::Connection,
        Name::KeepAlive,
        Name::TransferEncoding,
        Name::ContentLength,
        Name::Upgrade,
        Name::Trailer,
    ];
    let named = |name: &[u8]| {
        let lists = head.fields.values(Name::Connection, bytes);
        let mut words = lists.flat_map(|list| list.split(|&byte| byte == b','));
        words.any(|word| word.trim_ascii().eq_ignore_ascii_case(name))
    };
    let mut out = format!("HTTP/1.1 {} ", head.status).into_bytes();
    out.extend_from_slice(head.reason.of(bytes));
    out.extend_from_slice(b"\r\n");
    for field in head.fields.list.iter().filter(|field| !LEFT_OUT.contains(&field.id)) {
        let name = field.name.of(bytes);
        if !named(name) {
            out.extend_from_slice(&[name, b": ", field.value.of(bytes), b"\r\n"].concat());
        }
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// Whether the request that has gone out names its user, as the client's does.
fn has_user(request: &Request) -> bool {
    let Some(user) = request.header(Name::Authorization).filter(|user| !user.is_empty()) else {
        return false;
    };
    let asked = request.upstream.as_ref();
    // Scripts are told by parameters, of which nothing is known here.
    asked.is_none_or(|asked| {
        asked.head.is_empty() || asked.head.windows(user.len()).any(|part| part == user)
    })
}
