//! `events {}`: how large the event loop is, and which of the system's facilities drives it.

use conf::{Arity, Contexts, Error, Setting, settings};

settings! {
    /// What `events {}` says.
    #[derive(Clone, Debug, Default)]
    pub struct Events {
        value worker_connections: u32 = (
            Contexts::EVENTS, Arity::Exactly(1), connections, "512",
            "connections that a worker has at most; their slots are allocated at start"
        );
        flag multi_accept = (
            Contexts::EVENTS, "off", "accept all waiting connections at once, not a few at a time"
        );
        option accept_mutex: bool = (
            Contexts::EVENTS, Arity::Flag, accept_mutex, "off",
            "accepted for compatibility: the kernel wakes one worker for each connection"
        );
        option r#use: () = (
            Contexts::EVENTS, Arity::Exactly(1), method, "epoll", "the event method; there is one"
        );
    }
}

fn connections(setting: &Setting<'_>) -> Result<u32, Error> {
    let count = setting.number(0)?;
    if !(1..=8_000_000).contains(&count) {
        return Err(setting.error_at(0, "worker_connections must be between 1 and 8000000"));
    }
    Ok(count as u32)
}

fn accept_mutex(setting: &Setting<'_>) -> Result<bool, Error> {
    if setting.flag()? {
        setting.warn("\"accept_mutex\" has no effect: EPOLLEXCLUSIVE does its work");
    }
    setting.flag()
}

fn method(setting: &Setting<'_>) -> Result<(), Error> {
    match setting.arg(0) {
        "epoll" => Ok(()),
        other => Err(setting
            .error_at(0, format!("invalid event type \"{other}\""))
            .with_hint("rserve runs on \"epoll\"")),
    }
}

impl Events {
    /// Reads the block of an `events` directive.
    pub fn from_block(setting: &Setting<'_>) -> Result<Events, Error> {
        let mut events = Events::default();
        conf::read_block(setting, Contexts::EVENTS, Events::DIRECTIVES, &mut events)?;
        Ok(events)
    }

    /// The size of the loop.
    pub fn loop_config(&self) -> rt::Config {
        rt::Config { slots: self.worker_connections(), multi_accept: self.multi_accept() }
    }
}
