//! The directives, one line each.

use std::rc::Rc;

use conf::{Arity, Contexts, Error, Setting, Word, contexts, settings};
use http::cors::{AllowedHeaders, Origins};

use crate::settings::values::{Figures, From, History, Lag, Methods, Start};
use crate::settings::words;
use crate::zone::ZoneConf;

const WEB: Contexts = contexts!(HTTP | SERVER | LOCATION);
const CHANNELS: Contexts = contexts!(SERVER | LOCATION);
const ONE: Arity = Arity::Exactly(1);
const SOME: Arity = Arity::AtLeast(1);

settings! {
    /// What its directives set.
    #[derive(Default)]
    pub struct Conf {
        raw sse_zone: Vec<Rc<ZoneConf>> = (
            Contexts::HTTP, Arity::Between(2, 5), set_zone, "",
            "shared memory for channels: NAME SIZE [channels=N] [path=FILE [sync=off|TIME|ack]]; in a file the events outlive the server"
        );
        option sse_use: Word = (
            WEB, ONE, word, "(the first sse_zone)",
            "the zone of these channels"
        );
        here sse_subscribe: Vec<Word> = (
            CHANNELS, SOME, set_subscribe, "",
            "GET is an event stream of these channels (variables; written commas between several; a.* for all that begin so)"
        );
        here sse_publish: Word = (
            CHANNELS, ONE, set_publish, "",
            "POST and PUT publish to this channel, DELETE ends it"
        );
        lists sse_publish_from: From = (
            WEB, SOME, words::publish_from, "127.0.0.0/8 ::1 unix:",
            "who may publish: addresses, networks, unix: or all"
        );
        value sse_history: History = (
            WEB, Arity::Between(1, 2), words::history, "100 1h",
            "events that a newcomer gets at most (0: none), and how long an event is kept (0: as long as there is room)"
        );
        value sse_max_history: u32 = (
            WEB, ONE, max_history, "10000",
            "events that a newcomer of several channels gets at most, of all of them together"
        );
        value sse_start: Start = (
            WEB, ONE, words::start, "newest",
            "where a reader without an id begins: newest, oldest, or with so many events"
        );
        value sse_keepalive: u64 = (
            WEB, ONE, words::time_or_off, "15s",
            "a comment (or ping) when nothing else was sent for so long; or off"
        );
        value sse_retry: u64 = (
            WEB, ONE, words::time_or_off, "2s",
            "after how long a browser comes back; off: it is not told"
        );
        value sse_lag: Lag = (
            WEB, ONE, lag, "gap",
            "what a reader gets that has lost its place: a gap event and the oldest, the end, or a gap event and the newest"
        );
        size sse_max_message = (
            WEB, "1m",
            "bytes of one event's data; 0: what half the zone holds. A client_max_body_size that is written counts, too"
        );
        option sse_max_channels: u32 = (
            WEB, ONE, words::count, "(what the zone has room for)",
            "channels in the zone"
        );
        value sse_max_subscribers: u32 = (
            WEB, ONE, words::count, "0",
            "subscribers of one channel, in all workers; 0: no limit"
        );
        option sse_max_per_address: u32 = (
            WEB, ONE, words::count, "(256; loopback, unix: and private addresses: no limit)",
            "streams of one client address (of IPv6: /64), in all workers; 0: no limit"
        );
        value sse_max_streams: u32 = (
            WEB, ONE, words::count, "0",
            "streams of the zone, in all workers; 0: as many as worker_connections allow"
        );
        option sse_allow_origin: Origins = (
            WEB, SOME, words::origins, "(none)",
            "pages of which other origins may read and publish (with credentials; https://*.DOMAIN for all below it, null), or *"
        );
        option sse_allow_headers: AllowedHeaders = (
            WEB, SOME, words::headers, "(those of these pages)",
            "header fields that pages of other origins may send, beside those of these pages; any: what they ask for"
        );
        flag sse_wildcards = (
            WEB, "off",
            "whether the value of a variable may stand for all channels that begin so"
        );
        flag sse_split = (
            WEB, "off",
            "whether the value of a variable may bring several channels, with commas between them"
        );
        value sse_figures: Figures = (
            WEB, ONE, figures, "publishers",
            "who gets a channel's figures by Accept: application/vnd.rserve.channel+json: who may publish there, all, or nobody (off)"
        );
        lists sse_last_event_id: Word = (
            WEB, SOME, words::places, "(the field Last-Event-ID, else the argument of that name in any spelling)",
            "variables that bring a reader's place: the first that has a value counts"
        );
        value sse_subscribe_by: Methods = (
            WEB, SOME, words::methods, "GET",
            "methods that subscribe: GET, POST (whose body is read and thrown away)"
        );
        option sse_heartbeat: (Vec<u8>, Vec<u8>) = (
            WEB, Arity::Exactly(2), words::heartbeat, "",
            "a WebSocket client's message PING is answered with the message PONG, and is no event"
        );
        value sse_gap_event: Vec<u8> = (
            WEB, ONE, words::event_type, "gap",
            "the type of the event that tells of missed ones; off: a comment and the id alone"
        );
        value sse_end_event: Vec<u8> = (
            WEB, ONE, words::event_type, "end",
            "the type of the event that tells of a channel's end, where it is ended; off: the stream just ends"
        );
        here sse_status: () = (
            Contexts::LOCATION, Arity::Exactly(0), set_status, "",
            "figures of the zones and their channels, as JSON"
        );
    }
}

fn set_zone(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    let zone = words::zone(conf.sse_zone.as_slice(), setting)?;
    conf.sse_zone.push(zone);
    Ok(())
}

fn set_subscribe(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    setting.args().iter().for_each(|word| conf.sse_subscribe.push(word.clone()));
    Ok(())
}

fn set_publish(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    conf.sse_publish.set_in(word(setting)?, setting)
}

fn set_status(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    conf.sse_status.set_in((), setting)
}

fn word(setting: &Setting<'_>) -> Result<Word, Error> {
    Ok(setting.args()[0].clone())
}

fn max_history(setting: &Setting<'_>) -> Result<u32, Error> {
    Ok(setting.number(0)?.clamp(1, u64::from(u32::MAX)) as u32)
}

fn lag(setting: &Setting<'_>) -> Result<Lag, Error> {
    setting.choice(0, &[("gap", Lag::Gap), ("close", Lag::Close), ("latest", Lag::Latest)])
}

fn figures(setting: &Setting<'_>) -> Result<Figures, Error> {
    let (all, off) = (("all", Figures::All), ("off", Figures::Off));
    setting.choice(0, &[("publishers", Figures::Publishers), all, off])
}
