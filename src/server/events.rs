//! `events {}`: how large the event loop is, and which of the system's facilities drives it.

use conf::{Arity, Contexts, Directive, Error, Opt, Setting};

/// The default of `worker_connections`, as nginx's.
const CONNECTIONS: u32 = 512;

/// What `events {}` says.
#[derive(Clone, Debug, Default)]
pub struct Events {
    worker_connections: Opt<u32>,
    multi_accept: Opt<bool>,
    accept_mutex: Opt<bool>,
    method: Opt<()>,
}

/// The rows of `events {}`.
pub static DIRECTIVES: &[Directive<Events>] = &[
    Directive::new(
        "worker_connections",
        Contexts::EVENTS,
        Arity::Exactly(1),
        set_connections,
        "512",
        "connections that a worker has at most; their slots are allocated at start",
    ),
    Directive::new(
        "multi_accept",
        Contexts::EVENTS,
        Arity::Flag,
        |c, s| c.multi_accept.set_in(s.flag()?, s),
        "off",
        "accept all waiting connections at once, not a few at a time",
    ),
    Directive::new(
        "accept_mutex",
        Contexts::EVENTS,
        Arity::Flag,
        set_accept_mutex,
        "off",
        "accepted for compatibility: the kernel wakes one worker for each connection",
    ),
    Directive::new(
        "use",
        Contexts::EVENTS,
        Arity::Exactly(1),
        set_method,
        "epoll",
        "the event method; there is one",
    ),
];

fn set_connections(conf: &mut Events, setting: &Setting<'_>) -> Result<(), Error> {
    let count = setting.number(0)?;
    if !(1..=16_000_000).contains(&count) {
        return Err(setting.error_at(0, "worker_connections must be between 1 and 8000000"));
    }
    conf.worker_connections.set_in(count as u32, setting)
}

fn set_accept_mutex(conf: &mut Events, setting: &Setting<'_>) -> Result<(), Error> {
    if setting.flag()? {
        setting.warn("\"accept_mutex\" has no effect: EPOLLEXCLUSIVE does its work");
    }
    conf.accept_mutex.set_in(setting.flag()?, setting)
}

fn set_method(conf: &mut Events, setting: &Setting<'_>) -> Result<(), Error> {
    match setting.arg(0) {
        "epoll" => conf.method.set_in((), setting),
        other => Err(setting
            .error_at(0, format!("invalid event type \"{other}\""))
            .with_hint("rserve runs on \"epoll\"")),
    }
}

impl Events {
    /// Reads the block of an `events` directive.
    pub fn from_block(setting: &Setting<'_>) -> Result<Events, Error> {
        let mut events = Events::default();
        conf::read_block(setting, Contexts::EVENTS, DIRECTIVES, &mut events)?;
        Ok(events)
    }

    /// The size of the loop.
    pub fn loop_config(&self) -> rt::Config {
        rt::Config {
            slots: self.worker_connections.or_default(CONNECTIONS),
            multi_accept: self.multi_accept.or_default(false),
        }
    }
}
