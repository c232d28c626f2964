//! The directives.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use conf::{Arity, Contexts, Directive, Error, Opt, Setting, Word, contexts};
use http::{Hooks, Module, Phase};
use mem::Str;
use sys::net::Network;

use crate::cors::Origins;
use crate::endpoint::{Endpoint, Status};
use crate::file::{FileConf, Sync};
use crate::zone::ZoneConf;

/// The module.
pub struct Sse;

/// What its directives set.
#[derive(Default)]
pub struct Conf {
    zones: Opt<Vec<Rc<ZoneConf>>>,
    subscribe: Opt<Vec<Word>>,
    publish: Opt<Word>,
    zone: Opt<Word>,
    publish_from: Opt<Vec<From>>,
    history: Opt<History>,
    max_history: Opt<u32>,
    start: Opt<Start>,
    keepalive: Opt<u64>,
    retry: Opt<u64>,
    lag: Opt<Lag>,
    max_message: Opt<u64>,
    max_channels: Opt<u32>,
    max_subscribers: Opt<u32>,
    max_per_address: Opt<u32>,
    allow_origin: Opt<Origins>,
    wildcards: Opt<bool>,
    status: Opt<()>,
}

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

const WEB: Contexts = contexts!(HTTP | SERVER | LOCATION);

impl Module for Sse {
    const NAME: &'static str = "sse";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = &[
        Directive::new(
            "sse_zone",
            Contexts::HTTP,
            Arity::Between(2, 5),
            set_zone,
            "",
            "shared memory for channels: NAME SIZE [channels=N] [path=FILE [sync=off|TIME|ack]]; in a file the events outlive the server",
        ),
        Directive::new(
            "sse_use",
            WEB,
            Arity::Exactly(1),
            |c, s| c.zone.set_in(s.args()[0].clone(), s),
            "the first sse_zone",
            "the zone of these channels",
        ),
        Directive::new(
            "sse_subscribe",
            contexts!(SERVER | LOCATION),
            Arity::AtLeast(1),
            |c, s| {
                s.args().iter().for_each(|word| c.subscribe.push(word.clone()));
                Ok(())
            },
            "",
            "GET is an event stream of these channels (variables; commas between several; a.* for all that begin so)",
        ),
        Directive::new(
            "sse_publish",
            contexts!(SERVER | LOCATION),
            Arity::Exactly(1),
            |c, s| c.publish.set_in(s.args()[0].clone(), s),
            "",
            "POST and PUT publish to this channel, DELETE ends it",
        ),
        Directive::new(
            "sse_publish_from",
            WEB,
            Arity::AtLeast(1),
            set_publish_from,
            "127.0.0.0/8 ::1 unix:",
            "who may publish: addresses, networks, unix: or all",
        ),
        Directive::new(
            "sse_history",
            WEB,
            Arity::Between(1, 2),
            set_history,
            "100 1h",
            "events that a newcomer gets at most, and how long an event is kept (0: as long as there is room)",
        ),
        Directive::new(
            "sse_max_history",
            WEB,
            Arity::Exactly(1),
            |c, s| c.max_history.set_in(s.number(0)?.clamp(1, u64::from(u32::MAX)) as u32, s),
            "10000",
            "events that a newcomer of several channels gets at most, of all of them together",
        ),
        Directive::new(
            "sse_start",
            WEB,
            Arity::Exactly(1),
            set_start,
            "newest",
            "where a reader without an id begins: newest, oldest, or with so many events",
        ),
        Directive::new(
            "sse_keepalive",
            WEB,
            Arity::Exactly(1),
            |c, s| {
                let off = s.arg(0) == "off";
                c.keepalive.set_in(if off { 0 } else { s.time_ms(0)? }, s)
            },
            "15s",
            "a comment (or ping) when nothing else was sent for so long; or off",
        ),
        Directive::new(
            "sse_retry",
            WEB,
            Arity::Exactly(1),
            |c, s| {
                let off = s.arg(0) == "off";
                c.retry.set_in(if off { 0 } else { s.time_ms(0)? }, s)
            },
            "2s",
            "after how long a browser comes back; off: it is not told",
        ),
        Directive::new(
            "sse_lag",
            WEB,
            Arity::Exactly(1),
            |c, s| {
                let choices = [("gap", Lag::Gap), ("close", Lag::Close), ("latest", Lag::Latest)];
                c.lag.set_in(s.choice(0, &choices)?, s)
            },
            "gap",
            "what a reader gets that has lost its place: a gap event and the oldest, the end, or a gap event and the newest",
        ),
        Directive::new(
            "sse_max_message",
            WEB,
            Arity::Exactly(1),
            |c, s| c.max_message.set_in(s.size(0)?, s),
            "1m",
            "bytes of one event's data",
        ),
        Directive::new(
            "sse_max_channels",
            WEB,
            Arity::Exactly(1),
            |c, s| c.max_channels.set_in(s.number(0)?.min(u64::from(u32::MAX)) as u32, s),
            "what the zone has room for",
            "channels in the zone",
        ),
        Directive::new(
            "sse_max_subscribers",
            WEB,
            Arity::Exactly(1),
            |c, s| c.max_subscribers.set_in(s.number(0)?.min(u64::from(u32::MAX)) as u32, s),
            "0",
            "subscribers of one channel, in all workers; 0: no limit",
        ),
        Directive::new(
            "sse_max_per_address",
            WEB,
            Arity::Exactly(1),
            |c, s| c.max_per_address.set_in(s.number(0)?.min(u64::from(u32::MAX)) as u32, s),
            "0",
            "streams of one client address, in all workers; 0: no limit",
        ),
        Directive::new(
            "sse_allow_origin",
            WEB,
            Arity::AtLeast(1),
            |c, s| {
                let words = s.args().iter().map(|word| word.text.as_str());
                let origins = Origins::parse(words);
                let origins = origins.map_err(|at| {
                    s.error_at(at, "an origin is SCHEME://HOST[:PORT], or * alone")
                })?;
                c.allow_origin.set_in(origins, s)
            },
            "none",
            "pages of which other origins may read and publish (with credentials), or *",
        ),
        Directive::new(
            "sse_wildcards",
            WEB,
            Arity::Flag,
            |c, s| c.wildcards.set_in(s.flag()?, s),
            "off",
            "whether the value of a variable may stand for all channels that begin so",
        ),
        Directive::new(
            "sse_status",
            Contexts::LOCATION,
            Arity::Exactly(0),
            |c, s| c.status.set_in((), s),
            "",
            "figures of the zones and their channels, as JSON",
        ),
    ];

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.zones.inherit(&outer.zones);
        conf.zone.inherit(&outer.zone);
        conf.publish_from.inherit(&outer.publish_from);
        conf.history.inherit(&outer.history);
        conf.max_history.inherit(&outer.max_history);
        conf.start.inherit(&outer.start);
        conf.keepalive.inherit(&outer.keepalive);
        conf.retry.inherit(&outer.retry);
        conf.lag.inherit(&outer.lag);
        conf.max_message.inherit(&outer.max_message);
        conf.max_channels.inherit(&outer.max_channels);
        conf.max_subscribers.inherit(&outer.max_subscribers);
        conf.max_per_address.inherit(&outer.max_per_address);
        conf.allow_origin.inherit(&outer.allow_origin);
        conf.wildcards.inherit(&outer.wildcards);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if conf.status.is_set() {
            let zones = conf.zones.as_slice();
            zones.iter().try_for_each(|zone| zone.install(hooks))?;
            hooks.on(Phase::Content, Status { zones: zones.into() });
        }
        if !conf.subscribe.is_set() && !conf.publish.is_set() {
            return Ok(());
        }
        let zone = conf.chosen_zone(hooks)?;
        zone.install(hooks)?;
        hooks.limit_bodies();
        let subscribe = conf.subscribe.as_slice().iter().map(|word| hooks.template(word));
        let subscribe = subscribe.collect::<Result<Vec<_>, _>>()?;
        let publish = conf.publish.get().map(|word| hooks.template(word)).transpose()?;
        let history = conf.history.or_default(History { count: 100, age: 3_600_000 });
        let settings = Settings {
            from: conf.publish_from.or_default(this_machine()),
            attributes: broadcast::Attributes {
                max_count: history.count,
                max_age: history.age,
                max_channels: conf.max_channels.or_default(u32::MAX),
                ..broadcast::Attributes::default()
            },
            start: match conf.start.or_default(Start::Newest) {
                Start::Newest => broadcast::Start::Newest,
                Start::Oldest => broadcast::Start::Oldest,
                Start::Last(count) => broadcast::Start::Last(count),
            },
            max_history: conf.max_history.or_default(10_000),
            keepalive: conf.keepalive.or_default(15_000),
            retry: conf.retry.or_default(2000),
            lag: conf.lag.or_default(Lag::Gap),
            max_message: conf.max_message.or_default(1 << 20) as usize,
            max_subscribers: conf.max_subscribers.or_default(0),
            max_per_address: conf.max_per_address.or_default(0),
            wildcards: conf.wildcards.or_default(false),
            gzip: hooks.settings.gzip.then_some(hooks.settings.gzip_comp_level),
            send_timeout: hooks.settings.send_timeout,
        };
        let origins = conf.allow_origin.or_default(Origins::default());
        let settings = Rc::new(settings);
        hooks.on(Phase::Content, Endpoint { zone, subscribe, publish, origins, settings });
        Ok(())
    }
}

/// Settings of a location. Times are milliseconds, sizes bytes; 0 is none.
pub(crate) struct Settings {
    pub from: Vec<From>,
    pub attributes: broadcast::Attributes,
    pub start: broadcast::Start,
    pub max_history: u32,
    pub keepalive: u64,
    pub retry: u64,
    pub lag: Lag,
    pub max_message: usize,
    pub max_subscribers: u32,
    pub max_per_address: u32,
    pub wildcards: bool,
    /// The level of compression, if streams are compressed.
    pub gzip: Option<u32>,
    pub send_timeout: u64,
}

impl Conf {
    fn chosen_zone(&self, hooks: &Hooks<'_, '_>) -> Result<Rc<ZoneConf>, Error> {
        let zones = self.zones.as_slice();
        let word = self.publish.get().or(self.subscribe.as_slice().first());
        match (self.zone.get(), word) {
            (Some(name), _) => {
                let found = zones.iter().find(|zone| zone.name == name.text);
                found
                    .cloned()
                    .ok_or_else(|| hooks.error(name, format!("there is no sse_zone \"{name}\"")))
            }
            (None, Some(word)) => zones.first().cloned().ok_or_else(|| {
                hooks.error(word, "event streams need an \"sse_zone\" in the http block")
            }),
            (None, None) => Err(Error::new("event streams need an \"sse_zone\"")),
        }
    }
}

/// Who may publish unless it is written.
fn this_machine() -> Vec<From> {
    let networks = ["127.0.0.0/8", "::1"].into_iter().filter_map(Network::parse);
    networks.map(From::Network).chain([From::Unix]).collect()
}

fn set_zone(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    let name = setting.arg(0);
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if name.is_empty() || !name.chars().all(plain) {
        return Err(setting.error_at(0, "a zone's name is made of letters, digits, _, . and -"));
    }
    if conf.zones.as_slice().iter().any(|zone| zone.name == name) {
        return Err(setting.error_at(0, format!("there is an sse_zone \"{name}\" already")));
    }
    let size = usize::try_from(setting.size(1)?).map_err(|_| setting.invalid(1, "value"))?;
    let (mut path, mut sync, mut channels) = (None, None, None);
    for (at, word) in setting.args().iter().enumerate().skip(2) {
        let invalid = || setting.error_at(at, format!("invalid parameter \"{word}\""));
        match word.text.split_once('=').filter(|(_, value)| !value.is_empty()) {
            Some(("path", value)) => path = Some(canonical(setting.env().prefix.join(value))),
            Some(("sync", value)) => sync = Some(parse_sync(value).ok_or_else(invalid)?),
            Some(("channels", value)) => {
                let number = value.parse().ok().filter(|number| (1..1 << 28).contains(number));
                channels = Some(number.ok_or_else(invalid)?);
            }
            _ => return Err(invalid()),
        }
    }
    if sync.is_some() && path.is_none() {
        return Err(setting.error_at(2, "\"sync=\" is for a zone in a file: \"path=\" is missing"));
    }
    let same = |zone: &Rc<ZoneConf>| zone.file.as_ref().map(|file| &file.path) == path.as_ref();
    if path.is_some() && conf.zones.as_slice().iter().any(same) {
        return Err(setting.error_at(2, "another sse_zone has this file"));
    }
    let file = path.map(|path| FileConf { path, sync: sync.unwrap_or(Sync::Interval(100)) });
    let zone = ZoneConf::new(name, size, channels, file).ok_or_else(|| {
        setting.error_at(1, "a zone has at least 256k and at most 1t, and room for its channels")
    })?;
    conf.zones.push(Rc::new(zone));
    Ok(())
}

/// `off`, `ack`, `interval` (a tenth of a second), or how long: `100ms`, `interval 100ms`.
fn parse_sync(value: &str) -> Option<Sync> {
    let interval = value.strip_prefix("interval").map(|rest| rest.trim_start_matches([' ', ':']));
    match (value, interval) {
        ("off", _) => Some(Sync::Off),
        ("ack", _) => Some(Sync::Ack),
        (_, Some("")) => Some(Sync::Interval(100)),
        (time, interval) => {
            let ms = conf::value::milliseconds(interval.unwrap_or(time))?;
            Some(Sync::Interval(ms)).filter(|_| ms > 0)
        }
    }
}

/// A path by which the same file is always called the same.
fn canonical(path: PathBuf) -> PathBuf {
    match (path.parent().map(Path::canonicalize), path.file_name()) {
        (Some(Ok(folder)), Some(name)) => folder.join(name),
        _ => path,
    }
}

fn set_publish_from(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    for (at, word) in setting.args().iter().enumerate() {
        let from =
            match word.text.as_str() {
                "all" => From::All,
                "unix:" => From::Unix,
                text => {
                    let network = Network::parse(text);
                    From::Network(network.ok_or_else(|| {
                        setting.error_at(at, format!("invalid parameter \"{text}\""))
                    })?)
                }
            };
        conf.publish_from.push(from);
    }
    Ok(())
}

fn set_history(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    let count = setting.number(0)?.clamp(1, u64::from(u32::MAX)) as u32;
    let age = match setting.args().len() {
        1 => 3_600_000,
        _ => setting.time_ms(1)?,
    };
    conf.history.set_in(History { count, age }, setting)
}

fn set_start(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    let start = match setting.arg(0) {
        "newest" => Start::Newest,
        "oldest" => Start::Oldest,
        _ => Start::Last(setting.number(0)?.min(u64::from(u32::MAX)) as u32),
    };
    conf.start.set_in(start, setting)
}

/// A string that lives as long as the process.
pub(crate) const fn text(text: &'static str) -> Str {
    Str::from_static(text.as_bytes())
}
