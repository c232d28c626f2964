//! `on_connect`, `on_publish` and the others, as they are written.

use std::rc::Rc;

use conf::{Error, Setting};
use tls::outgoing::Outgoing;

use crate::hooks::netcall::{Method, Url};

/// What is asked or told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookEvent {
    /// A client connects.
    Connect,
    /// It has gone.
    Disconnect,
    /// It wants to publish.
    Publish,
    /// It wants to play.
    Play,
    /// It has published.
    PublishDone,
    /// It has played.
    PlayDone,
    /// Either of these.
    Done,
    /// It goes on.
    Update,
    /// A stream was recorded: a file is complete.
    RecordDone,
}

/// The directives, and how each event is called.
pub const EVENTS: &[(&str, HookEvent, &str)] = &[
    ("on_connect", HookEvent::Connect, "connect"),
    ("on_disconnect", HookEvent::Disconnect, "disconnect"),
    ("on_publish", HookEvent::Publish, "publish"),
    ("on_play", HookEvent::Play, "play"),
    ("on_publish_done", HookEvent::PublishDone, "publish_done"),
    ("on_play_done", HookEvent::PlayDone, "play_done"),
    ("on_done", HookEvent::Done, "done"),
    ("on_update", HookEvent::Update, "update"),
    ("on_record_done", HookEvent::RecordDone, "record_done"),
];

/// One `on_…`.
#[derive(Clone, Debug)]
pub struct Hook {
    event: HookEvent,
    url: Rc<Url>,
}

/// Those of a block, and how they are called.
#[derive(Default)]
pub struct Hooks {
    /// The hooks.
    pub hooks: Vec<Hook>,
    /// `notify_method`
    pub method: Method,
    /// `netcall_timeout`, milliseconds.
    pub timeout: u64,
    /// `notify_update_timeout`, milliseconds.
    pub update_every: u64,
    /// `notify_update_strict`
    pub strict: bool,
}

/// Reads one of these directives.
pub fn hook(setting: &Setting<'_>) -> Result<Hook, Error> {
    let known = EVENTS.iter().find(|(name, ..)| *name == setting.name());
    let Some((_, event, _)) = known else { return Err(setting.error("this is no hook")) };
    let url = Url::parse(setting.arg(0)).map_err(|why| setting.error_at(0, why))?;
    Ok(Hook { event: *event, url: Rc::new(url) })
}

impl Hook {
    /// Whether it is asked encrypted.
    pub fn is_secure(&self) -> bool {
        self.url.is_secure()
    }

    /// The same, encrypted so.
    pub fn secured(&self, tls: Option<&Outgoing>) -> Hook {
        Hook { event: self.event, url: Rc::new(self.url.secured(tls)) }
    }
}

impl Hooks {
    /// Whether somebody is asked or told.
    pub fn has(&self, event: HookEvent) -> bool {
        self.url(event).is_some()
    }

    /// Who is asked or told.
    pub fn url(&self, event: HookEvent) -> Option<&Rc<Url>> {
        self.hooks.iter().find(|hook| hook.event == event).map(|hook| &hook.url)
    }
}
