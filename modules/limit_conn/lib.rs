//! `limit_conn`: how many requests of a key may be served at the same time, in all workers.
//!
//! A request is counted from the preaccess phase on until its client has its answer: as long as a download or an event
//! stream goes on. The rules, messages and numbers are nginx's (`ngx_http_limit_conn_module`).
#![forbid(unsafe_code)]

mod count;
mod sessions;

use std::rc::Rc;

use conf::{Arity, Contexts, Directive, Error, Setting, Word, contexts, settings, value};
use http::vars::scope::Scope;
use http::{
    Declarations, Flow, Handler, Hooks, KeyedZone, Module, Phase, Request, Variable,
    refusal_status, undeclared_zone,
};
use sys::log::{Level, REFUSALS};

use count::{Counted, Refused, count};

pub use sessions::LimitSessions;

/// The module.
pub struct LimitConn;

const WEB: Contexts = contexts!(HTTP | SERVER | LOCATION);
/// What zones are declared with.
const ZONE: &str = "limit_conn_zone";
/// The longest key, as in nginx.
const LONGEST: usize = 255;

settings! {
    /// What its directives set.
    #[derive(Default)]
    pub struct Conf {
        raw limit_conn_zone: Vec<Rc<KeyedZone>> = (
            Contexts::HTTP, Arity::Exactly(2), set_zone, "",
            "shared memory for the requests of each key that are being served: KEY zone=NAME:SIZE; a megabyte has room for 15,000, of a key in several workers for one each"
        );
        raw limit_conn: Vec<(Word, u64)> = (
            WEB, Arity::Exactly(2), set_limit, "",
            "no more requests of a key at the same time: ZONE N; event streams count as long as they go on"
        );
        value limit_conn_status: u16 = (
            WEB, Arity::Exactly(1), refusal_status, "503", "the status of requests that are refused"
        );
        value limit_conn_log_level: Level = (
            WEB, Arity::Exactly(1), |s: &Setting<'_>| s.choice(0, &REFUSALS), "error",
            "the level at which a refusal is logged: info, notice, warn or error"
        );
        flag limit_conn_dry_run = (WEB, "off", "count, log and tell, but refuse nothing");
    }
}

fn set_zone(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    let before = conf.limit_conn_zone.as_slice().iter().map(|zone| &**zone);
    let zone = KeyedZone::read(ZONE, setting, true, before, |_, _| Ok(false))?;
    conf.limit_conn_zone.push(Rc::new(zone));
    Ok(())
}

impl Module for LimitConn {
    const NAME: &'static str = "limit_conn";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;
    const VARIABLES: &'static [Variable] = &[Variable {
        name: "limit_conn_status",
        get: |request, _, out| {
            let status = request.known_lasting(|state: &State| state.status).flatten();
            status.inspect(|status| out.extend_from_slice(status.name())).is_some()
        },
        help: "what limit_conn has made of the request: PASSED, REJECTED or REJECTED_DRY_RUN",
    }];

    fn declare(conf: &Conf, declarations: &Declarations<'_, '_>) -> Result<(), Error> {
        for zone in conf.limit_conn_zone.as_slice() {
            let zone = zone.clone();
            declarations.later(move |declarations| zone.compile(declarations));
        }
        Ok(())
    }

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        conf.limit_conn_zone.as_slice().iter().try_for_each(|zone| zone.install(hooks))?;
        let zone = |name: &Word| {
            let zone = conf.limit_conn_zone.as_slice().iter().find(|zone| zone.name() == name.text);
            zone.cloned().ok_or_else(|| undeclared_zone(name, ZONE, hooks))
        };
        let limits = conf.limit_conn.as_slice().iter();
        let limits = limits.map(|(name, most)| Ok(Limit { zone: zone(name)?, most: *most }));
        let limits = limits.collect::<Result<Box<[_]>, Error>>()?;
        if !limits.is_empty() {
            let status = conf.limit_conn_status();
            let level = conf.limit_conn_log_level();
            let dry_run = conf.limit_conn_dry_run();
            hooks.on(Phase::Preaccess, Limiter { limits, status, level, dry_run, action: "" });
        }
        Ok(())
    }
}

fn set_limit(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    let limit = limit(conf.limit_conn.as_slice(), setting)?;
    conf.limit_conn.push(limit);
    Ok(())
}

/// Reads `limit_conn ZONE N`, where there are the `others`.
fn limit(others: &[(Word, u64)], setting: &Setting<'_>) -> Result<(Word, u64), Error> {
    let zone = setting.args()[0].clone();
    if others.iter().any(|(known, _)| known.text == zone.text) {
        return Err(setting.duplicate());
    }
    let number = setting.arg(1);
    let most = value::number(number).filter(|&most| most > 0);
    let invalid = || setting.error_at(1, format!("invalid number of connections \"{number}\""));
    let most = most.ok_or_else(invalid)?;
    if most > 65535 {
        return Err(setting.error_at(1, "connection limit must be less 65536"));
    }
    Ok((zone, most))
}

/// What has become of a request, and where it is counted, as long as its client is served.
#[derive(Default)]
struct State {
    status: Option<Status>,
    /// Dropped with the rest of the request.
    _counted: Vec<Counted>,
}

#[derive(Clone, Copy)]
enum Status {
    Passed,
    Rejected,
    RejectedDryRun,
}

impl Status {
    fn name(self) -> &'static [u8] {
        match self {
            Status::Passed => b"PASSED",
            Status::Rejected => b"REJECTED",
            Status::RejectedDryRun => b"REJECTED_DRY_RUN",
        }
    }
}

struct Limit<R: 'static> {
    zone: Rc<KeyedZone<R>>,
    most: u64,
}

/// The limits of a location, or of a server of streams.
struct Limiter<R: 'static> {
    limits: Box<[Limit<R>]>,
    status: u16,
    level: Level,
    dry_run: bool,
    /// What is under way, for messages.
    action: &'static str,
}

impl Handler for Limiter<Request> {
    fn handle(&self, request: &mut Request) -> Flow {
        if request.known_lasting(|_: &State| ()).is_some() {
            return Flow::Declined;
        }
        let state = self.count(request);
        let flow = match state.status {
            Some(Status::Rejected) => Flow::Status(self.status),
            _ => Flow::Declined,
        };
        if state.status.is_some() {
            request.with_lasting(|known| *known = state);
        }
        flow
    }
}

impl<R: Scope> Limiter<R> {
    /// Counts a request or a session in all zones where it has a key, or in none.
    fn count(&self, request: &mut R) -> State {
        let mut counted = Vec::new();
        for limit in &self.limits {
            let Some(key) = limit.zone.key(request, LONGEST) else { continue };
            match count(&limit.zone.table, &key, limit.most) {
                Ok(one) => counted.push(one),
                Err(refused) => {
                    return State {
                        status: Some(self.refuse(request, limit, refused)),
                        _counted: Vec::new(),
                    };
                }
            }
        }
        let status = (!counted.is_empty()).then_some(Status::Passed);
        State { status, _counted: counted }
    }

    fn refuse(&self, request: &R, limit: &Limit<R>, refused: Refused) -> Status {
        let name = limit.zone.name();
        let note = if self.dry_run { ", dry run," } else { "" };
        match refused {
            Refused::Above => request.log(
                self.level,
                format_args!("limiting connections{note} by zone \"{name}\"{}", self.action),
            ),
            Refused::Full => limit.zone.log_full(request),
        }
        match self.dry_run {
            true => Status::RejectedDryRun,
            false => Status::Rejected,
        }
    }
}
