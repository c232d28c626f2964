//! From what is written to a location's settings.

use std::rc::Rc;

use conf::Error;
use http::Hooks;
use live::Limits;
use sys::net::Network;

use crate::channels::Rules;
use crate::settings::conf::Conf;
use crate::settings::values::{Figures, From, History, Lag, Methods, Settings, Start};
use crate::zone::ZoneConf;

/// What these directives say, with the defaults of the others.
pub fn settings(conf: &Conf, zone: &ZoneConf, hooks: &Hooks<'_, '_>) -> Result<Settings, Error> {
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

/// The zone of a location.
pub fn zone(conf: &Conf, hooks: &Hooks<'_, '_>) -> Result<Rc<ZoneConf>, Error> {
    let zones = conf.zones.as_slice();
    let word = conf.publish.get().or(conf.subscribe.as_slice().first());
    match (conf.zone.get(), word) {
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

/// Who may publish unless it is written.
fn this_machine() -> Vec<From> {
    let networks = ["127.0.0.0/8", "::1"].into_iter().filter_map(Network::parse);
    networks.map(From::Network).chain([From::Unix]).collect()
}
