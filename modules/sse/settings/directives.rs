//! The directives.

use std::rc::Rc;

use conf::{Arity, Contexts, Directive, Error, Word, contexts};
use http::cors::{AllowedHeaders, Origins};
use http::{Hooks, Module, Phase, Template};

use crate::channels;
use crate::endpoint::handler::Status;
use crate::endpoint::parts::{Cors, Endpoint};
use crate::settings::conf::Conf;
use crate::settings::values::{Figures, Lag};
use crate::settings::{resolve, words};
use crate::zone::ZoneConf;

/// The module.
pub struct Sse;

const WEB: Contexts = contexts!(HTTP | SERVER | LOCATION);

impl Module for Sse {
    const NAME: &'static str = "sse";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = &[
        Directive::new(
            "sse_zone",
            Contexts::HTTP,
            Arity::Between(2, 5),
            |c, s| {
                let zone = words::zone(c.zones.as_slice(), s)?;
                c.zones.push(zone);
                Ok(())
            },
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
            "GET is an event stream of these channels (variables; written commas between several; a.* for all that begin so)",
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
            |c, s| {
                words::publish_from(s)?.into_iter().for_each(|from| c.publish_from.push(from));
                Ok(())
            },
            "127.0.0.0/8 ::1 unix:",
            "who may publish: addresses, networks, unix: or all",
        ),
        Directive::new(
            "sse_history",
            WEB,
            Arity::Between(1, 2),
            |c, s| c.history.set_in(words::history(s)?, s),
            "100 1h",
            "events that a newcomer gets at most (0: none), and how long an event is kept (0: as long as there is room)",
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
            |c, s| c.start.set_in(words::start(s)?, s),
            "newest",
            "where a reader without an id begins: newest, oldest, or with so many events",
        ),
        Directive::new(
            "sse_keepalive",
            WEB,
            Arity::Exactly(1),
            |c, s| c.keepalive.set_in(words::time_or_off(s)?, s),
            "15s",
            "a comment (or ping) when nothing else was sent for so long; or off",
        ),
        Directive::new(
            "sse_retry",
            WEB,
            Arity::Exactly(1),
            |c, s| c.retry.set_in(words::time_or_off(s)?, s),
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
            "bytes of one event's data; 0: what half the zone holds. A client_max_body_size that is written counts, too",
        ),
        Directive::new(
            "sse_max_channels",
            WEB,
            Arity::Exactly(1),
            |c, s| c.max_channels.set_in(words::count(s)?, s),
            "what the zone has room for",
            "channels in the zone",
        ),
        Directive::new(
            "sse_max_subscribers",
            WEB,
            Arity::Exactly(1),
            |c, s| c.max_subscribers.set_in(words::count(s)?, s),
            "0",
            "subscribers of one channel, in all workers; 0: no limit",
        ),
        Directive::new(
            "sse_max_per_address",
            WEB,
            Arity::Exactly(1),
            |c, s| c.max_per_address.set_in(words::count(s)?, s),
            "256; loopback, unix: and private addresses: no limit",
            "streams of one client address (of IPv6: /64), in all workers; 0: no limit",
        ),
        Directive::new(
            "sse_max_streams",
            WEB,
            Arity::Exactly(1),
            |c, s| c.max_streams.set_in(words::count(s)?, s),
            "0",
            "streams of the zone, in all workers; 0: as many as worker_connections allow",
        ),
        Directive::new(
            "sse_allow_origin",
            WEB,
            Arity::AtLeast(1),
            |c, s| {
                let words = s.args().iter().map(|word| word.text.as_str());
                let origins = Origins::parse(words);
                let origins = origins.map_err(|at| {
                    s.error_at(
                        at,
                        "an origin is SCHEME://HOST[:PORT], SCHEME://*.DOMAIN, null, or * alone",
                    )
                })?;
                c.allow_origin.set_in(origins, s)
            },
            "none",
            "pages of which other origins may read and publish (with credentials; https://*.DOMAIN for all below it, null), or *",
        ),
        Directive::new(
            "sse_allow_headers",
            WEB,
            Arity::AtLeast(1),
            |c, s| {
                let words = s.args().iter().map(|word| word.text.as_str());
                let headers = AllowedHeaders::parse(USUAL_HEADERS, words);
                let headers =
                    headers.map_err(|at| s.error_at(at, "this is no name of a header field"))?;
                c.allow_headers.set_in(headers, s)
            },
            "those of these pages",
            "header fields that pages of other origins may send, beside those of these pages; any: what they ask for",
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
            "sse_split",
            WEB,
            Arity::Flag,
            |c, s| c.split.set_in(s.flag()?, s),
            "off",
            "whether the value of a variable may bring several channels, with commas between them",
        ),
        Directive::new(
            "sse_figures",
            WEB,
            Arity::Exactly(1),
            |c, s| {
                let all = [("all", Figures::All), ("off", Figures::Off)];
                let choices = [("publishers", Figures::Publishers), all[0], all[1]];
                c.figures.set_in(s.choice(0, &choices)?, s)
            },
            "publishers",
            "who gets a channel's figures by Accept: application/vnd.rserve.channel+json: who may publish there, all, or nobody (off)",
        ),
        Directive::new(
            "sse_last_event_id",
            WEB,
            Arity::AtLeast(1),
            |c, s| {
                words::places(s)?.into_iter().for_each(|place| c.places.push(place));
                Ok(())
            },
            "the field Last-Event-ID, else the argument of that name in any spelling",
            "variables that bring a reader's place: the first that has a value counts",
        ),
        Directive::new(
            "sse_subscribe_by",
            WEB,
            Arity::AtLeast(1),
            |c, s| c.methods.set_in(words::methods(s)?, s),
            "GET",
            "methods that subscribe: GET, POST (whose body is read and thrown away)",
        ),
        Directive::new(
            "sse_heartbeat",
            WEB,
            Arity::Exactly(2),
            |c, s| c.heartbeat.set_in(words::heartbeat(s)?, s),
            "",
            "a WebSocket client's message PING is answered with the message PONG, and is no event",
        ),
        Directive::new(
            "sse_gap_event",
            WEB,
            Arity::Exactly(1),
            |c, s| c.gap_event.set_in(words::event_type(s)?, s),
            "gap",
            "the type of the event that tells of missed ones; off: a comment and the id alone",
        ),
        Directive::new(
            "sse_end_event",
            WEB,
            Arity::Exactly(1),
            |c, s| c.end_event.set_in(words::event_type(s)?, s),
            "end",
            "the type of the event that tells of a channel's end, where it is ended; off: the stream just ends",
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
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if conf.status.is_set() {
            let zones = conf.zones.as_slice();
            zones.iter().try_for_each(|zone| install(zone, hooks))?;
            hooks.on(Phase::Content, Status { zones: zones.into() });
        }
        if !conf.subscribe.is_set() && !conf.publish.is_set() {
            return Ok(());
        }
        let zone = resolve::zone(conf, hooks)?;
        install(&zone, hooks)?;
        hooks.limit_bodies();
        let mut subscribe = Vec::new();
        for word in conf.subscribe.as_slice() {
            // The commas that are written separate; those of values do not.
            for part in word.text.split(',') {
                let part = Word { text: part.to_owned(), ..word.clone() };
                subscribe.push(name_of(&part, true, hooks)?);
            }
        }
        let publish = conf.publish.get().map(|word| name_of(word, false, hooks)).transpose()?;
        let settings = resolve::settings(conf, &zone, hooks)?;
        if let Some(publish) = conf.publish.get()
            && !subscribe.is_empty()
            && settings.methods.post
        {
            let message =
                "a POST cannot both publish and subscribe: sse_subscribe_by has POST here";
            return Err(hooks.error(publish, message));
        }
        let cors = Cors {
            origins: conf.allow_origin.or_default(Origins::default()),
            headers: conf.allow_headers.or_default(AllowedHeaders::named(USUAL_HEADERS)),
        };
        let settings = Rc::new(settings);
        hooks.on(Phase::Content, Endpoint { zone, subscribe, publish, cors, settings });
        Ok(())
    }
}

/// What a page of another origin needs that reads and publishes.
const USUAL_HEADERS: &str = "Last-Event-ID, Content-Type, Cache-Control, Authorization, Event-Type, Event-ID, \
                             Event-End, Event-Offset, Idempotency-Key, X-EventSource-Event";

/// A location uses a zone.
fn install(zone: &Rc<ZoneConf>, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
    if zone.install(hooks.setup())? {
        hooks.process(zone.clone());
    }
    Ok(())
}

/// A channel's name as it is written.
fn name_of(word: &Word, pattern: bool, hooks: &Hooks<'_, '_>) -> Result<Template, Error> {
    let template = hooks.template(word)?;
    channels::check_written(&template, pattern).map_err(|why| hooks.error(word, why))?;
    Ok(template)
}
