//! What a location's directives come to.

use http::Template;
use live::{ClientLimits, Sync};
use sys::net::Network;

use crate::channels::Rules;

/// Who may publish.
#[derive(Clone, Copy, Debug)]
pub enum From {
    /// Everybody.
    All,
    /// Clients of a Unix socket.
    Unix,
    /// Clients from there.
    Network(Network),
}

/// `sse_history`
#[derive(Clone, Copy, Debug)]
pub struct History {
    /// Events that a newcomer gets at most.
    pub count: u32,
    /// Milliseconds that an event is kept; 0: as long as there is room.
    pub age: u64,
}

/// `sse_start`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With what comes next.
    Newest,
    /// With all that is kept.
    Oldest,
    /// With so many events.
    Last(u32),
}

/// `sse_lag`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lag {
    /// The reader is told, and goes on with the oldest.
    Gap,
    /// The reader has to come back.
    Close,
    /// The reader is told, and goes on with the newest.
    Latest,
}

/// `sse_figures`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figures {
    /// For who may publish there.
    Publishers,
    /// For every reader.
    All,
    /// For nobody.
    Off,
}

/// `sse_subscribe_by`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Methods {
    /// GET and HEAD.
    pub get: bool,
    /// POST, whose body is read and thrown away.
    pub post: bool,
}

/// Settings of a location. Times are milliseconds, sizes bytes; 0 is none.
pub struct Settings {
    pub from: Vec<From>,
    pub attributes: broadcast::Attributes,
    pub start: broadcast::Start,
    pub max_history: u32,
    /// When the zone's file is synced; `None`: it has none.
    pub sync: Option<Sync>,
    pub keepalive: u64,
    pub retry: u64,
    pub lag: Lag,
    pub max_message: usize,
    /// How many subscribers there may be; by default, public addresses alone are counted.
    pub limits: ClientLimits,
    pub rules: Rules,
    pub figures: Figures,
    pub methods: Methods,
    /// Where a client says its place; empty: as browsers and their stand-ins do.
    pub places: Vec<Template>,
    /// What a WebSocket's client sends to hear whether anybody is there, and the answer.
    pub heartbeat: Option<(Vec<u8>, Vec<u8>)>,
    /// The types of the events that tell of a gap and of the end; empty: there is no such event.
    pub gap_event: Vec<u8>,
    pub end_event: Vec<u8>,
    /// The level of compression, if streams are compressed.
    pub gzip: Option<u32>,
    pub send_timeout: u64,
}
