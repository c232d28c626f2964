//! `limit_conn` in `stream {}`: how many sessions of a key there may be at the same time.

use std::cell::RefCell;
use std::rc::Rc;

use conf::{Arity, Contexts, Directive, Error, Setting, Word, contexts, settings};
use http::{KeyedZone, undeclared_zone};
use stream::{Declarations, Handler, Hooks, Module, Phase, Session, Variable};
use sys::log::{Level, REFUSALS};

use crate::{Limit, Limiter, State, Status, limit};

/// The module.
pub struct LimitSessions;

const SERVERS: Contexts = contexts!(STREAM | STREAM_SERVER);
/// What zones are declared with; and that as their memory is called, which is not that of a zone of `http {}`.
const ZONE: &str = "limit_conn_zone";
const MEMORY: &str = "stream_limit_conn_zone";

settings! {
    /// What its directives set.
    #[derive(Default)]
    pub struct Conf {
        raw limit_conn_zone: Vec<Rc<KeyedZone<Session>>> = (
            Contexts::STREAM, Arity::Exactly(2), set_zone, "",
            "shared memory for the sessions of each key: KEY zone=NAME:SIZE"
        );
        raw limit_conn: Vec<(Word, u64)> = (
            SERVERS, Arity::Exactly(2), set_limit, "", "no more sessions of a key at the same time: ZONE N"
        );
        value limit_conn_log_level: Level = (
            SERVERS, Arity::Exactly(1), |s: &Setting<'_>| s.choice(0, &REFUSALS), "error",
            "the level at which a refusal is logged: info, notice, warn or error"
        );
        flag limit_conn_dry_run = (SERVERS, "off", "count, log and tell, but refuse nothing");
    }
}

fn set_zone(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    let before = conf.limit_conn_zone.as_slice().iter().map(|zone| &**zone);
    let zone = KeyedZone::read(MEMORY, setting, true, before, |_, _| Ok(false))?;
    conf.limit_conn_zone.push(Rc::new(zone));
    Ok(())
}

fn set_limit(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    let limit = limit(conf.limit_conn.as_slice(), setting)?;
    conf.limit_conn.push(limit);
    Ok(())
}

/// What has become of a session; it counts as long as this is there.
#[derive(Default)]
struct Counted(RefCell<State>);

impl Module for LimitSessions {
    const NAME: &'static str = "stream limit_conn";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;
    const VARIABLES: &'static [Variable] = &[Variable {
        name: "limit_conn_status",
        get: |session, _, out| {
            let status =
                session.known_context::<Counted>().and_then(|known| known.0.borrow().status);
            status.inspect(|status| out.extend_from_slice(status.name())).is_some()
        },
        help: "what limit_conn has made of the session: PASSED, REJECTED or REJECTED_DRY_RUN",
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
        let zones = conf.limit_conn_zone.as_slice();
        zones.iter().try_for_each(|zone| zone.install(hooks))?;
        let mut limits = Vec::new();
        for (name, most) in conf.limit_conn.as_slice() {
            let zone = zones.iter().find(|zone| zone.name() == name.text);
            let zone = zone.ok_or_else(|| undeclared_zone(name, ZONE, hooks))?.clone();
            limits.push(Limit { zone, most: *most });
        }
        if !limits.is_empty() {
            let (level, dry_run) = (conf.limit_conn_log_level(), conf.limit_conn_dry_run());
            hooks.on(
                Phase::Preaccess,
                Limiter {
                    limits: limits.into(),
                    status: 503,
                    level,
                    dry_run,
                    action: " while initializing session",
                },
            );
        }
        Ok(())
    }
}

impl Handler for Limiter<Session> {
    fn handle(&self, session: &mut Session) -> Result<(), u16> {
        let state = self.count(session);
        let status = state.status;
        session.context::<Counted>().0.replace(state);
        match status {
            Some(Status::Rejected) => Err(self.status),
            _ => Ok(()),
        }
    }
}
