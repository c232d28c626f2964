//! `limit_req`: how many requests a key may make in a second, by a leaky bucket in shared memory.
//!
//! ```text
//! request ─▶ each zone but the last: is it within rate and burst? ─▶ the last: it is, and is counted ─▶ count it in the others
//!                │ no: limit_req_status                                │ no                                │ excess above delay
//!                                                                                                          └▶ wait, then go on
//! ```
//! The rules, messages and numbers are nginx's (`ngx_http_limit_req_module`).
#![forbid(unsafe_code)]

mod bucket;
mod zone;

use std::rc::Rc;

use conf::{Arity, Contexts, Directive, Error, Setting, Word, contexts, settings, value};
use http::{
    BoxFuture, Declarations, Flow, Handler, Hooks, Module, Phase, Request, Variable,
    refusal_status, undeclared_zone,
};
use sys::log::{Level, REFUSALS};

use bucket::Verdict;
use zone::Zone;

/// The module.
pub struct LimitReq;

/// One `limit_req`.
#[derive(Clone)]
struct Written {
    zone: Word,
    /// Both in thousandths of requests.
    burst: u64,
    delay: u64,
}

const WEB: Contexts = contexts!(HTTP | SERVER | LOCATION);
/// Excesses are counted in thousandths.
const MOST: u64 = i64::MAX as u64 / 1000;
/// The longest key, as in nginx.
const LONGEST: usize = 65535;

settings! {
    /// What its directives set.
    #[derive(Default)]
    pub struct Conf {
        raw limit_req_zone: Vec<Rc<Zone>> = (
            Contexts::HTTP, Arity::Between(3, 4), set_zone, "",
            "shared memory for the requests of each key: KEY zone=NAME:SIZE rate=Nr/s or Nr/m; a megabyte has room for 15,000 keys of up to 16 bytes"
        );
        raw limit_req: Vec<Written> = (
            WEB, Arity::Between(1, 3), set_limit, "",
            "no more requests of a key than the zone's rate: zone=NAME [burst=N] [nodelay or delay=N]; those of the burst wait, unless nodelay or the first N of delay"
        );
        value limit_req_status: u16 = (
            WEB, Arity::Exactly(1), refusal_status, "503", "the status of requests that are refused"
        );
        value limit_req_log_level: Level = (
            WEB, Arity::Exactly(1), |s: &Setting<'_>| s.choice(0, &REFUSALS), "error",
            "the level at which a refusal is logged: info, notice, warn or error; a delay is logged one below"
        );
        flag limit_req_dry_run = (WEB, "off", "count, log and tell, but refuse and delay nothing");
    }
}

fn set_zone(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    let zone = Zone::read(setting, conf.limit_req_zone.as_slice())?;
    conf.limit_req_zone.push(Rc::new(zone));
    Ok(())
}

impl Module for LimitReq {
    const NAME: &'static str = "limit_req";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;
    const VARIABLES: &'static [Variable] = &[Variable {
        name: "limit_req_status",
        get: |request, _, out| {
            let status = request.known_lasting(|state: &State| state.status).flatten();
            status.inspect(|status| out.extend_from_slice(status.name())).is_some()
        },
        help: "what limit_req has made of the request: PASSED, DELAYED, REJECTED, DELAYED_DRY_RUN or REJECTED_DRY_RUN",
    }];

    fn declare(conf: &Conf, declarations: &Declarations<'_, '_>) -> Result<(), Error> {
        for zone in conf.limit_req_zone.as_slice() {
            let zone = zone.clone();
            declarations.later(move |declarations| zone.keyed.compile(declarations));
        }
        Ok(())
    }

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        conf.limit_req_zone.as_slice().iter().try_for_each(|zone| zone.keyed.install(hooks))?;
        let limits =
            conf.limit_req.as_slice().iter().map(|written| Limit::of(written, conf, hooks));
        let limits = limits.collect::<Result<Box<[_]>, _>>()?;
        if !limits.is_empty() {
            let level = conf.limit_req_log_level();
            hooks.on(
                Phase::Preaccess,
                Limiter {
                    limits,
                    status: conf.limit_req_status(),
                    level,
                    delay_level: level.below().min(Level::Info),
                    dry_run: conf.limit_req_dry_run(),
                },
            );
        }
        Ok(())
    }
}

fn set_limit(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    let (mut zone, mut burst, mut delay) = (None, 0, 0);
    for (i, word) in setting.args().iter().enumerate() {
        let number = |text: &str, what: &str| {
            let number = value::number(text).filter(|&n| n > 0 && n <= MOST);
            let invalid = || setting.error_at(i, format!("invalid {what} value \"{}\"", word.text));
            number.map(|number| number * 1000).ok_or_else(invalid)
        };
        match word.text.split_once('=') {
            Some(("zone", name)) => zone = Some(Word { text: name.to_owned(), ..word.clone() }),
            Some(("burst", text)) => burst = number(text, "burst")?,
            Some(("delay", text)) => delay = number(text, "delay")?,
            None if word.text == "nodelay" => delay = MOST * 1000,
            _ => return Err(setting.error_at(i, format!("invalid parameter \"{}\"", word.text))),
        }
    }
    let missing = || format!("\"{}\" must have \"zone\" parameter", setting.name());
    let zone = zone.filter(|zone| !zone.text.is_empty()).ok_or_else(|| setting.error(missing()))?;
    if conf.limit_req.as_slice().iter().any(|known| known.zone.text == zone.text) {
        return Err(setting.duplicate());
    }
    conf.limit_req.push(Written { zone, burst, delay });
    Ok(())
}

/// What has become of a request, kept as long as it may be logged.
#[derive(Default)]
struct State {
    status: Option<Status>,
    /// Milliseconds.
    delay: u64,
}

#[derive(Clone, Copy)]
enum Status {
    Passed,
    Delayed,
    Rejected,
    DelayedDryRun,
    RejectedDryRun,
}

impl Status {
    fn name(self) -> &'static [u8] {
        match self {
            Status::Passed => b"PASSED",
            Status::Delayed => b"DELAYED",
            Status::Rejected => b"REJECTED",
            Status::DelayedDryRun => b"DELAYED_DRY_RUN",
            Status::RejectedDryRun => b"REJECTED_DRY_RUN",
        }
    }
}

struct Limit {
    zone: Rc<Zone>,
    burst: u64,
    delay: u64,
}

impl Limit {
    fn of(written: &Written, conf: &Conf, hooks: &Hooks<'_, '_>) -> Result<Limit, Error> {
        let Written { zone: name, burst, delay } = written;
        let zone =
            conf.limit_req_zone.as_slice().iter().find(|zone| zone.keyed.name() == name.text);
        let missing = || undeclared_zone(name, Zone::DIRECTIVE, hooks);
        let zone = zone.cloned().ok_or_else(missing)?;
        Ok(Limit { zone, burst: *burst, delay: *delay })
    }

    /// Milliseconds after which a request with that excess goes on.
    fn delay(&self, excess: u64) -> u64 {
        let above = u128::from(excess.saturating_sub(self.delay)) * 1000;
        (above / u128::from(self.zone.rate)).try_into().unwrap_or(u64::MAX)
    }
}

/// The limits of a location.
struct Limiter {
    limits: Box<[Limit]>,
    status: u16,
    level: Level,
    delay_level: Level,
    dry_run: bool,
}

/// What its zones make of a request.
enum Outcome<'l> {
    /// None has a key of it.
    Uncounted,
    /// It may go on, after some milliseconds because of an excess in a zone.
    Counted { delay: u64, excess: u64, limit: &'l Limit },
    /// It is refused because of an excess in a zone.
    Above { excess: u64, limit: &'l Limit },
    /// It is refused because there is no room for its key.
    Full { limit: &'l Limit },
}

impl Handler for Limiter {
    fn handle(&self, request: &mut Request) -> Flow {
        if request.known_lasting(|_: &State| ()).is_some() {
            return Flow::Declined;
        }
        let now = rt::now();
        match self.judge(request, now) {
            Outcome::Uncounted => Flow::Declined,
            Outcome::Counted { delay: 0, .. } => self.settle(request, Status::Passed, 0),
            Outcome::Counted { delay, excess, limit } => {
                let message = format_args!(
                    "delaying request{}, excess: {}.{:03}, by zone \"{}\"",
                    self.dry_run_note(),
                    excess / 1000,
                    excess % 1000,
                    limit.zone.keyed.name()
                );
                request.error(self.delay_level, message);
                self.settle(request, Status::Delayed, delay)
            }
            Outcome::Above { excess, limit } => {
                let message = format_args!(
                    "limiting requests{}, excess: {}.{:03} by zone \"{}\"",
                    self.dry_run_note(),
                    excess / 1000,
                    excess % 1000,
                    limit.zone.keyed.name()
                );
                request.error(self.level, message);
                self.settle(request, Status::Rejected, 0)
            }
            Outcome::Full { limit } => {
                limit.zone.keyed.log_full(request);
                self.settle(request, Status::Rejected, 0)
            }
        }
    }

    fn wait<'a>(&'a self, request: &'a mut Request) -> BoxFuture<'a, Flow> {
        let delay = request.known_lasting(|state: &State| state.delay).unwrap_or(0);
        Box::pin(async move {
            match request.sleep(delay).await {
                Ok(()) => Flow::Declined,
                Err(status) => Flow::Status(status),
            }
        })
    }
}

impl Limiter {
    /// Asks the zones. Only when none refuses is the request counted, in the last one at once and then in the others.
    fn judge(&self, request: &mut Request, now: u64) -> Outcome<'_> {
        let mut outcome = Outcome::Uncounted;
        let mut keys = Vec::new();
        for (n, limit) in self.limits.iter().enumerate() {
            let keyed = &limit.zone.keyed;
            let key = keyed.key(request, LONGEST);
            let Some((key, table)) = key.zip(keyed.table.table()) else { continue };
            let rate = limit.zone.rate;
            let is_last = n + 1 == self.limits.len();
            let verdict = match is_last {
                true => bucket::take(table, &key, now, rate, limit.burst),
                false => bucket::look(table, &key, now, rate, limit.burst),
            };
            match verdict {
                Verdict::Full => return Outcome::Full { limit },
                Verdict::Above(excess) => return Outcome::Above { excess, limit },
                Verdict::Within(excess) if is_last => {
                    outcome = Outcome::Counted { delay: limit.delay(excess), excess, limit };
                }
                Verdict::Within(_) => keys.push((limit, table, key)),
            }
        }
        // As nginx, from the last to the first: of equal delays the later zone's counts.
        for (limit, table, key) in keys.into_iter().rev() {
            let counted = bucket::take(table, &key, now, limit.zone.rate, u64::MAX);
            let Verdict::Within(excess) = counted else { continue };
            let delay = limit.delay(excess);
            match outcome {
                Outcome::Counted { delay: longest, .. } if longest >= delay => {}
                _ => outcome = Outcome::Counted { delay, excess, limit },
            }
        }
        outcome
    }

    /// Says what becomes of the request: of a dry run nothing but the word.
    fn settle(&self, request: &mut Request, status: Status, delay: u64) -> Flow {
        let (status, flow) = match (status, self.dry_run) {
            (Status::Delayed, true) => (Status::DelayedDryRun, Flow::Declined),
            (Status::Rejected, true) => (Status::RejectedDryRun, Flow::Declined),
            (Status::Delayed, false) => (status, Flow::Wait),
            (Status::Rejected, false) => (status, Flow::Status(self.status)),
            _ => (status, Flow::Declined),
        };
        request.with_lasting(|state| *state = State { status: Some(status), delay });
        flow
    }

    fn dry_run_note(&self) -> &'static str {
        if self.dry_run { ", dry run" } else { "" }
    }
}
