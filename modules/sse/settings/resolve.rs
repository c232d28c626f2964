//! From what is written to a location's settings.

use std::rc::Rc;

use conf::Error;
use http::Hooks;
use live::ClientLimits;

use crate::channels::Rules;
use crate::settings::conf::Conf;
use crate::settings::values::{Settings, Start};
use crate::zone::ZoneConf;

/// What these directives say, with the defaults of the others.
pub fn settings(conf: &Conf, zone: &ZoneConf, hooks: &Hooks<'_, '_>) -> Result<Settings, Error> {
    let history = conf.sse_history();
    let places = conf.sse_last_event_id.as_slice().iter().map(|word| hooks.template(word));
    // A message takes half a zone at most, whatever is written.
    let any = |size: u64| if size == 0 { zone.size() as u64 / 2 } else { size };
    let max_message = any(conf.sse_max_message());
    let body = match hooks.settings.client_max_body_size_is_set {
        true => any(hooks.settings.client_max_body_size),
        false => u64::MAX,
    };
    Ok(Settings {
        from: conf.sse_publish_from(),
        attributes: broadcast::Attributes {
            max_count: history.count,
            max_age: history.age,
            max_channels: conf.sse_max_channels.or_default(u32::MAX),
            ..broadcast::Attributes::default()
        },
        start: match conf.sse_start() {
            Start::Newest => broadcast::Start::Newest,
            Start::Oldest => broadcast::Start::Oldest,
            Start::Last(count) => broadcast::Start::Last(count),
        },
        max_history: conf.sse_max_history(),
        sync: zone.file().map(|file| file.sync),
        keepalive: conf.sse_keepalive(),
        retry: conf.sse_retry(),
        lag: conf.sse_lag(),
        max_message: max_message.min(body) as usize,
        limits: ClientLimits {
            channel: conf.sse_max_subscribers(),
            zone: conf.sse_max_streams(),
            address: conf.sse_max_per_address.get().copied(),
        },
        rules: Rules { wildcards: conf.sse_wildcards(), split: conf.sse_split() },
        figures: conf.sse_figures(),
        methods: conf.sse_subscribe_by(),
        places: places.collect::<Result<_, _>>()?,
        heartbeat: conf.sse_heartbeat.get().cloned(),
        gap_event: conf.sse_gap_event(),
        end_event: conf.sse_end_event(),
        gzip: hooks.settings.gzip.then_some(hooks.settings.gzip_comp_level),
        send_timeout: hooks.settings.send_timeout,
    })
}

/// The zone of a location.
pub fn zone(conf: &Conf, hooks: &Hooks<'_, '_>) -> Result<Rc<ZoneConf>, Error> {
    let zones = conf.sse_zone.as_slice();
    let word = conf.sse_publish.get().or(conf.sse_subscribe.as_slice().first());
    match (conf.sse_use.get(), word) {
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
