//! What the directives set, and how their words are read.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use conf::{Error, Setting};
use http::{Hooks, Template};
use sys::net::Network;

use crate::channels::Rules;
use crate::conf::Conf;
use crate::zone::{self, ZoneConf};
use live::{FileConf, Limits, Sync};

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
pub(crate) struct Settings {
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
    pub limits: Limits,
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

impl Settings {
    /// What these directives say, with the defaults of the others.
    pub fn of(conf: &Conf, zone: &ZoneConf, hooks: &Hooks<'_, '_>) -> Result<Settings, Error> {
        let history = conf.history.or_default(History { count: 100, age: 3_600_000 });
        let places = conf.places.as_slice().iter().map(|word| hooks.template(word));
        // A message takes half a zone at most, whatever is written.
        let any = |size: u64| if size == 0 { zone.size() as u64 / 2 } else { size };
        let max_message = any(conf.max_message.or_default(1 << 20));
        let body = match hooks.settings.client_max_body_size_is_set {
            true => any(hooks.settings.client_max_body_size),
            false => u64::MAX,
        };
        Ok(Settings {
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
            sync: zone.file().map(|file| file.sync),
            keepalive: conf.keepalive.or_default(15_000),
            retry: conf.retry.or_default(2000),
            lag: conf.lag.or_default(Lag::Gap),
            max_message: max_message.min(body) as usize,
            limits: Limits {
                channel: conf.max_subscribers.or_default(0),
                zone: conf.max_streams.or_default(0),
                address: conf.max_per_address.get().copied(),
            },
            rules: Rules {
                wildcards: conf.wildcards.or_default(false),
                split: conf.split.or_default(false),
            },
            figures: conf.figures.or_default(Figures::Publishers),
            methods: conf.methods.or_default(Methods { get: true, post: false }),
            places: places.collect::<Result<_, _>>()?,
            heartbeat: conf.heartbeat.get().cloned(),
            gap_event: conf.gap_event.or_default(b"gap".to_vec()),
            end_event: conf.end_event.or_default(b"end".to_vec()),
            gzip: hooks.settings.gzip.then_some(hooks.settings.gzip_comp_level),
            send_timeout: hooks.settings.send_timeout,
        })
    }
}

impl Conf {
    /// The zone of a location.
    pub(crate) fn chosen_zone(&self, hooks: &Hooks<'_, '_>) -> Result<Rc<ZoneConf>, Error> {
        let zones = self.zones.as_slice();
        let word = self.publish.get().or(self.subscribe.as_slice().first());
        match (self.zone.get(), word) {
            (Some(name), _) => {
                let found = zones.iter().find(|zone| zone.name() == name.text);
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
pub(crate) fn this_machine() -> Vec<From> {
    let networks = ["127.0.0.0/8", "::1"].into_iter().filter_map(Network::parse);
    networks.map(From::Network).chain([From::Unix]).collect()
}

pub(crate) fn set_zone(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    let name = setting.arg(0);
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if name.is_empty() || !name.chars().all(plain) {
        return Err(setting.error_at(0, "a zone's name is made of letters, digits, _, . and -"));
    }
    if conf.zones.as_slice().iter().any(|zone| zone.name() == name) {
        return Err(setting.error_at(0, format!("there is an sse_zone \"{name}\" already")));
    }
    let size = usize::try_from(setting.size(1)?).map_err(|_| setting.invalid(1, "value"))?;
    let (mut path, mut sync, mut channels) = (None, None, None);
    let mut words = setting.args().iter().enumerate().skip(2).peekable();
    while let Some((at, word)) = words.next() {
        let invalid = || setting.error_at(at, format!("invalid parameter \"{word}\""));
        match word.text.split_once('=').filter(|(_, value)| !value.is_empty()) {
            Some(("path", value)) => path = Some(canonical(setting.env().prefix.join(value))),
            Some(("sync", "interval")) => {
                // How long may stand behind it, in a word of its own.
                let time = words.next_if(|(_, word)| !word.text.contains('='));
                let value = time.map_or("interval", |(_, word)| &*word.text);
                sync = Some(parse_sync(value).ok_or_else(invalid)?);
            }
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
    let same = |zone: &Rc<ZoneConf>| zone.file().map(|file| &file.path) == path.as_ref();
    if path.is_some() && conf.zones.as_slice().iter().any(same) {
        return Err(setting.error_at(2, "another sse_zone has this file"));
    }
    if let Some(path) = path.as_deref().filter(|path| is_no_file(path)) {
        let why = format!("{} is no regular file; name one, or remove it", path.display());
        return Err(setting.error_at(2, &why));
    }
    let file = path.map(|path| FileConf { path, sync: sync.unwrap_or(Sync::Interval(100)) });
    let zone = zone::zone(name, size, channels, file).ok_or_else(|| {
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

/// Whether something else is there.
fn is_no_file(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| !found.is_file())
}

/// A path by which the same file is always called the same.
fn canonical(path: PathBuf) -> PathBuf {
    match (path.parent().map(Path::canonicalize), path.file_name()) {
        (Some(Ok(folder)), Some(name)) => folder.join(name),
        _ => path,
    }
}

pub(crate) fn set_publish_from(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
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

pub(crate) fn set_history(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    let count = count(setting)?;
    let age = match setting.args().len() {
        1 => 3_600_000,
        _ => setting.time_ms(1)?,
    };
    conf.history.set_in(History { count, age }, setting)
}

pub(crate) fn set_start(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    let start = match setting.arg(0) {
        "newest" => Start::Newest,
        "oldest" => Start::Oldest,
        _ => Start::Last(setting.number(0)?.min(u64::from(u32::MAX)) as u32),
    };
    conf.start.set_in(start, setting)
}

/// A number, as large as it may be.
pub(crate) fn count(setting: &Setting<'_>) -> Result<u32, Error> {
    Ok(setting.number(0)?.min(u64::from(u32::MAX)) as u32)
}

/// A time, or `off`.
pub(crate) fn time_or_off(setting: &Setting<'_>) -> Result<u64, Error> {
    if setting.arg(0) == "off" { Ok(0) } else { setting.time_ms(0) }
}

/// A type of event, or `off`, which is none.
pub(crate) fn event_type(setting: &Setting<'_>) -> Result<Vec<u8>, Error> {
    let text = conf::text::bytes(setting.arg(0));
    match &*text {
        b"off" => Ok(Vec::new()),
        text if !text.is_empty() && proto::sse::check_event_type(text).is_ok() => Ok(text.to_vec()),
        _ => Err(setting.error_at(0, "an event's type is one line of UTF-8, at most 64 bytes")),
    }
}

/// Sets `sse_subscribe_by METHOD…`.
pub(crate) fn set_methods(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    let mut methods = Methods::default();
    for (at, word) in setting.args().iter().enumerate() {
        match word.text.as_str() {
            "GET" => methods.get = true,
            "POST" => methods.post = true,
            _ => return Err(setting.error_at(at, "streams are asked for by GET or POST")),
        }
    }
    conf.methods.set_in(methods, setting)
}

/// Sets `sse_heartbeat PING PONG`.
pub(crate) fn set_heartbeat(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    let word = |at: usize| conf::text::bytes(setting.arg(at)).to_vec();
    let (ping, pong) = (word(0), word(1));
    for (at, text) in [&ping, &pong].into_iter().enumerate() {
        if text.is_empty() || std::str::from_utf8(text).is_err() {
            return Err(setting.error_at(at, "a heartbeat is a text"));
        }
    }
    conf.heartbeat.set_in((ping, pong), setting)
}

/// Sets `sse_last_event_id $VARIABLE…`.
pub(crate) fn set_places(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    for (at, word) in setting.args().iter().enumerate() {
        if !word.text.contains('$') {
            let message = format!("\"{word}\" is no variable, as $arg_from is one");
            return Err(setting.error_at(at, message));
        }
        conf.places.push(word.clone());
    }
    Ok(())
}
