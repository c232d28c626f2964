//! How the words of directives are read.

use http::cors::{AllowedHeaders, Origins};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use conf::{Error, Setting, Word};
use live::{FileConf, Sync};
use sys::net::Network;

use crate::settings::values::{From, History, Methods, Start};
use crate::zone::{self, ZoneConf};

/// Reads `sse_zone`, where there are the `others`.
pub fn zone(others: &[Rc<ZoneConf>], setting: &Setting<'_>) -> Result<Rc<ZoneConf>, Error> {
    let name = setting.arg(0);
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if name.is_empty() || !name.chars().all(plain) {
        return Err(setting.error_at(0, "a zone's name is made of letters, digits, _, . and -"));
    }
    if others.iter().any(|zone| zone.name() == name) {
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
    if path.is_some() && others.iter().any(same) {
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
    Ok(Rc::new(zone))
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

/// Reads `sse_publish_from`.
pub fn publish_from(setting: &Setting<'_>) -> Result<Vec<From>, Error> {
    let mut all = Vec::new();
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
        all.push(from);
    }
    Ok(all)
}

/// Reads `sse_history`.
pub fn history(setting: &Setting<'_>) -> Result<History, Error> {
    let count = count(setting)?;
    let age = match setting.args().len() {
        1 => 3_600_000,
        _ => setting.time_ms(1)?,
    };
    Ok(History { count, age })
}

/// Reads `sse_start`.
pub fn start(setting: &Setting<'_>) -> Result<Start, Error> {
    Ok(match setting.arg(0) {
        "newest" => Start::Newest,
        "oldest" => Start::Oldest,
        _ => Start::Last(setting.number(0)?.min(u64::from(u32::MAX)) as u32),
    })
}

/// A number, as large as it may be.
pub fn count(setting: &Setting<'_>) -> Result<u32, Error> {
    Ok(setting.number(0)?.min(u64::from(u32::MAX)) as u32)
}

/// A time, or `off`.
pub fn time_or_off(setting: &Setting<'_>) -> Result<u64, Error> {
    if setting.arg(0) == "off" { Ok(0) } else { setting.time_ms(0) }
}

/// A type of event, or `off` for no event.
pub fn event_type(setting: &Setting<'_>) -> Result<Vec<u8>, Error> {
    let text = conf::text::bytes(setting.arg(0));
    match &*text {
        b"off" => Ok(Vec::new()),
        text if !text.is_empty() && proto::sse::check_event_type(text).is_ok() => Ok(text.to_vec()),
        _ => Err(setting.error_at(0, "an event's type is one line of UTF-8, at most 64 bytes")),
    }
}

/// Reads `sse_subscribe_by METHOD…`.
pub fn methods(setting: &Setting<'_>) -> Result<Methods, Error> {
    let mut methods = Methods::default();
    for (at, word) in setting.args().iter().enumerate() {
        match word.text.as_str() {
            "GET" => methods.get = true,
            "POST" => methods.post = true,
            _ => return Err(setting.error_at(at, "streams are asked for by GET or POST")),
        }
    }
    Ok(methods)
}

/// Reads `sse_heartbeat PING PONG`.
pub fn heartbeat(setting: &Setting<'_>) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let word = |at: usize| conf::text::bytes(setting.arg(at)).to_vec();
    let (ping, pong) = (word(0), word(1));
    for (at, text) in [&ping, &pong].into_iter().enumerate() {
        if text.is_empty() || std::str::from_utf8(text).is_err() {
            return Err(setting.error_at(at, "a heartbeat is a text"));
        }
    }
    Ok((ping, pong))
}

/// Reads `sse_last_event_id $VARIABLE…`.
pub fn places(setting: &Setting<'_>) -> Result<Vec<Word>, Error> {
    for (at, word) in setting.args().iter().enumerate() {
        if !word.text.contains('$') {
            let message = format!("\"{word}\" is no variable, as $arg_from is one");
            return Err(setting.error_at(at, message));
        }
    }
    Ok(setting.args().to_vec())
}

/// `sse_allow_origin`
pub fn origins(setting: &Setting<'_>) -> Result<Origins, Error> {
    let origins = Origins::parse(setting.args().iter().map(|word| word.text.as_str()));
    let form = "an origin is SCHEME://HOST[:PORT], SCHEME://*.DOMAIN, null, or * alone";
    origins.map_err(|at| setting.error_at(at, form))
}

/// What a page of another origin needs that reads and publishes.
pub const USUAL_HEADERS: &str = "Last-Event-ID, Content-Type, Cache-Control, Authorization, Event-Type, Event-ID, \
                             Event-End, Event-Offset, Idempotency-Key, X-EventSource-Event";

/// `sse_allow_headers`
pub fn headers(setting: &Setting<'_>) -> Result<AllowedHeaders, Error> {
    let words = setting.args().iter().map(|word| word.text.as_str());
    let headers = AllowedHeaders::parse(USUAL_HEADERS, words);
    headers.map_err(|at| setting.error_at(at, "this is no name of a header field"))
}
