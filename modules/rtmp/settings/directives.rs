//! The directives of `rtmp {}` and the blocks in it. Units: times are milliseconds, sizes bytes.

use conf::{Arity, Contexts, Directive, Error, Opt, Setting, contexts};

use crate::access::{key, login, rules};
use crate::hooks::hook;
use crate::hooks::netcall::Method;
use crate::log::format;
use crate::publish::meta::Meta;
use crate::settings::options::BlockOptions;

/// `rtmp {}` and `server {}`.
const CONNECTION: Contexts = contexts!(RTMP | RTMP_SERVER);
/// These and `application {}`.
const ANY: Contexts = contexts!(RTMP | RTMP_SERVER | APPLICATION);

type Row = Directive<BlockOptions>;
type Set = fn(&mut BlockOptions, &Setting<'_>) -> Result<(), Error>;

const fn one(
    name: &'static str,
    contexts: Contexts,
    set: Set,
    default: &'static str,
    help: &'static str,
) -> Row {
    Row::new(name, contexts, Arity::Exactly(1), set, default, help)
}

const fn flag(
    name: &'static str,
    contexts: Contexts,
    set: Set,
    default: &'static str,
    help: &'static str,
) -> Row {
    Row::new(name, contexts, Arity::Flag, set, default, help)
}

/// A number between two bounds.
fn bounded(
    to: &mut Opt<u64>,
    s: &Setting<'_>,
    value: u64,
    (low, high): (u64, u64),
) -> Result<(), Error> {
    if !(low..=high).contains(&value) {
        return Err(s.invalid(0, "value").with_hint(format!("from {low} to {high}")));
    }
    to.set_in(value, s)
}

/// A time, or `off`.
fn time_or_off(to: &mut Opt<u64>, s: &Setting<'_>) -> Result<(), Error> {
    let time = if s.arg(0) == "off" { 0 } else { s.time_ms(0)? };
    to.set_in(time, s)
}

/// One more of several.
fn add<T>(to: &mut Opt<Vec<T>>, value: T) -> Result<(), Error> {
    to.push(value);
    Ok(())
}

/// One of the hooks.
fn hook(options: &mut BlockOptions, s: &Setting<'_>) -> Result<(), Error> {
    let value = hook::hook(options.hooks.as_slice(), s)?;
    add(&mut options.hooks, value)
}

/// Accepted for nginx-rtmp's users: what it asks for is so anyway.
fn always(_: &mut BlockOptions, _: &Setting<'_>) -> Result<(), Error> {
    Ok(())
}

/// The rows.
pub static DIRECTIVES: &[Row] = &[
    // The connection.
    one(
        "timeout",
        CONNECTION,
        |c, s| c.timeout.set_in(s.time_ms(0)?, s),
        "60s",
        "how long a client may take nothing of what it is sent",
    ),
    one(
        "handshake_timeout",
        CONNECTION,
        |c, s| c.handshake_timeout.set_in(s.time_ms(0)?, s),
        "10s",
        "how long a client may take from its connection to its connect command",
    ),
    one(
        "ping",
        CONNECTION,
        |c, s| time_or_off(&mut c.ping, s),
        "60s",
        "a client that has been silent for so long is asked for a sign of life; 0: never",
    ),
    one(
        "ping_timeout",
        CONNECTION,
        |c, s| c.ping_timeout.set_in(s.time_ms(0)?, s),
        "30s",
        "how long that sign may take",
    ),
    flag(
        "busy",
        CONNECTION,
        |c, s| c.busy.set_in(s.flag()?, s),
        "off",
        "close a client that has been silent for the time of a ping, unasked",
    ),
    flag(
        "so_keepalive",
        CONNECTION,
        |c, s| c.so_keepalive.set_in(s.flag()?, s),
        "off",
        "TCP keep-alive for all listening sockets",
    ),
    one(
        "max_streams",
        CONNECTION,
        |c, s| {
            let value = s.number(0)?;
            bounded(&mut c.max_streams, s, value, (8, 65_600))
        },
        "32",
        "most chunk streams, and message streams, of a connection",
    ),
    one(
        "max_message",
        CONNECTION,
        |c, s| {
            let value = s.size(0)?;
            bounded(&mut c.max_message, s, value, (1024, 0x00FF_FFFF))
        },
        "16m less a byte",
        "the largest message (a key frame) that a publisher may send",
    ),
    one(
        "max_memory",
        CONNECTION,
        |c, s| c.max_memory.set_in(s.size(0)?, s),
        "32m",
        "most bytes of unfinished messages of a connection",
    ),
    one(
        "max_args",
        CONNECTION,
        |c, s| {
            let value = s.size(0)?;
            bounded(&mut c.max_args, s, value, (256, 1 << 20))
        },
        "8k",
        "the longest arguments and addresses that a client may give; longer ones are refused",
    ),
    one(
        "ack_window",
        CONNECTION,
        |c, s| {
            let value = s.number(0)?;
            bounded(&mut c.ack_window, s, value, (1, 0x7FFF_FFFF))
        },
        "5000000",
        "bytes after which clients are asked to acknowledge",
    ),
    one(
        "chunk_size",
        CONNECTION,
        |c, s| {
            let value = s.size(0)?;
            bounded(&mut c.chunk_size, s, value, (128, 0x00FF_FFFF))
        },
        "4096",
        "size of the chunks in which messages are sent",
    ),
    one("buflen", CONNECTION, always, "1s", "accepted; no client is sent more than is live"),
    one(
        "max_connections",
        ANY,
        |c, s| c.max_connections.set_in(s.number(0)?, s),
        "no limit",
        "most RTMP connections, counted over all workers",
    ),
    // The stream.
    flag("live", ANY, |c, s| c.live.set_in(s.flag()?, s), "off", "let clients publish and play"),
    flag(
        "gop_cache",
        ANY,
        |c, s| c.gop_cache.set_in(s.flag()?, s),
        "on",
        "a player begins at once, with the newest key frame; off: with the next one",
    ),
    one(
        "live_window",
        ANY,
        |c, s| c.live_window.set_in(s.time_ms(0)?, s),
        "2s",
        "how much is kept, in whole groups of pictures, for players that are behind",
    ),
    one(
        "max_behind",
        ANY,
        |c, s| c.max_behind.set_in(s.size(0)?, s),
        "8m",
        "how many bytes are kept for them; who is behind further goes on at the newest key frame",
    ),
    one(
        "merge_write",
        ANY,
        |c, s| time_or_off(&mut c.merge_write, s),
        "0",
        "collect frames for so long, and write them to a player together",
    ),
    one(
        "delay",
        ANY,
        |c, s| time_or_off(&mut c.delay, s),
        "0",
        "let players see everything so much later",
    ),
    flag(
        "wait_key",
        ANY,
        |c, s| c.wait_key.set_in(s.flag()?, s),
        "on",
        "video begins with a key frame",
    ),
    flag(
        "wait_video",
        ANY,
        |c, s| c.wait_video.set_in(s.flag()?, s),
        "off",
        "audio begins when video does",
    ),
    flag(
        "interleave",
        ANY,
        |c, s| c.interleave.set_in(s.flag()?, s),
        "off",
        "send audio and video in one chunk stream",
    ),
    one(
        "meta",
        ANY,
        |c, s| {
            let choices = [("on", Meta::On), ("copy", Meta::Copy), ("off", Meta::Off)];
            c.meta.set_in(s.choice(0, &choices)?, s)
        },
        "on",
        "players get metadata: on (what is known), copy (as the publisher sends it) or off",
    ),
    flag(
        "idle_streams",
        ANY,
        |c, s| c.idle_streams.set_in(s.flag()?, s),
        "on",
        "players may wait for a publisher; off: without one they are refused and closed",
    ),
    flag(
        "publish_notify",
        ANY,
        |c, s| c.publish_notify.set_in(s.flag()?, s),
        "off",
        "tell players when the publisher comes and goes",
    ),
    flag(
        "play_restart",
        ANY,
        |c, s| c.play_restart.set_in(s.flag()?, s),
        "off",
        "playing starts and stops for players when the publisher comes and goes",
    ),
    one(
        "drop_idle_publisher",
        ANY,
        |c, s| time_or_off(&mut c.drop_idle_publisher, s),
        "off",
        "close a publisher that has sent neither audio nor video for so long",
    ),
    one(
        "publish_grace",
        ANY,
        |c, s| time_or_off(&mut c.publish_grace, s),
        "10s",
        "a publisher whose connection broke may come back within this time: the stream goes on",
    ),
    flag(
        "publish_takeover",
        ANY,
        |c, s| c.publish_takeover.set_in(s.flag()?, s),
        "off",
        "a second publisher of a stream replaces the first, whose players stay",
    ),
    one("sync", ANY, always, "300ms", "accepted; what a player misses is made up for in its clock"),
    one("buffer", ANY, always, "off", "accepted; gop_cache and live_window say what is kept"),
    one("play_time_fix", ANY, always, "on", "accepted; every player's clock begins at zero"),
    one("publish_time_fix", ANY, always, "on", "accepted; streams keep one clock"),
    // Who may.
    Row::new(
        "allow",
        ANY,
        Arity::Between(1, 2),
        |c, s| add(&mut c.rules, rules::rule(s)?),
        "",
        "[publish|play] ADDRESS, NETWORK or all; the first match decides",
    ),
    Row::new(
        "deny",
        ANY,
        Arity::Between(1, 2),
        |c, s| add(&mut c.rules, rules::rule(s)?),
        "",
        "[publish|play] ADDRESS, NETWORK or all; the first match decides",
    ),
    Row::new(
        "stream_key",
        ANY,
        Arity::Between(3, 64),
        |c, s| add(&mut c.keys, key::key(s)?),
        "",
        "publish|play NAME|* KEY …: the stream NAME needs one of these as its argument \"key\"",
    ),
    Row::new(
        "signed_url",
        ANY,
        Arity::Exactly(2),
        |c, s| add(&mut c.signatures, key::signature(s)?),
        "",
        "publish|play|all SECRET: streams need the arguments \"expires\" and \"sign\"",
    ),
    Row::new(
        "login",
        ANY,
        Arity::Exactly(3),
        |c, s| add(&mut c.logins, login::login(s)?),
        "",
        "publish|play|all USER PASSWORD: clients log in as rtmp://USER:PASSWORD@…",
    ),
    // Who is told.
    one("on_connect", CONNECTION, hook, "", "ask this URL whether to let a client in"),
    one("on_disconnect", CONNECTION, hook, "", "tell this URL that a client has gone"),
    one("on_publish", ANY, hook, "", "ask this URL whether a client may publish"),
    one("on_play", ANY, hook, "", "ask this URL whether a client may play"),
    one("on_publish_done", ANY, hook, "", "tell this URL that publishing has ended"),
    one("on_play_done", ANY, hook, "", "tell this URL that playing has ended"),
    one("on_done", ANY, hook, "", "tell this URL of both"),
    one("on_update", ANY, hook, "", "ask this URL now and then whether to go on"),
    one(
        "notify_method",
        ANY,
        |c, s| {
            let choices = [("post", Method::Post), ("get", Method::Get)];
            c.notify_method.set_in(s.choice(0, &choices)?, s)
        },
        "post",
        "how arguments go to these URLs: post or get",
    ),
    one(
        "notify_update_timeout",
        ANY,
        |c, s| c.notify_update_timeout.set_in(s.time_ms(0)?.max(100), s),
        "30s",
        "time between two calls of on_update",
    ),
    flag(
        "notify_update_strict",
        ANY,
        |c, s| c.notify_update_strict.set_in(s.flag()?, s),
        "off",
        "a redirect by on_update closes the client, too",
    ),
    flag(
        "notify_relay_redirect",
        ANY,
        always,
        "off",
        "accepted; streams are not relayed yet: a redirect to another server refuses",
    ),
    one(
        "netcall_timeout",
        CONNECTION,
        |c, s| c.netcall_timeout.set_in(s.time_ms(0)?, s),
        "10s",
        "how long these URLs may take to answer",
    ),
    one(
        "rtmp_events",
        ANY,
        set_events,
        "off",
        "publish what happens to streams as events on this channel (ZONE:CHANNEL), or off",
    ),
    Row::new(
        "log_format",
        contexts!(RTMP),
        Arity::AtLeast(2),
        |c, s| {
            let format = format::format(c.formats.as_slice(), s)?;
            add(&mut c.formats, format)
        },
        "combined …",
        "a named form of lines: NAME text with variables",
    ),
    Row::new(
        "access_log",
        ANY,
        Arity::Between(1, 2),
        |c, s| add(&mut c.access_log, format::access_log(s)),
        "logs/access.log combined",
        "FILE [FORMAT] or off: a line for each connection",
    ),
];

fn set_events(options: &mut BlockOptions, setting: &Setting<'_>) -> Result<(), Error> {
    let word = setting.args()[0].clone();
    let names = |(zone, channel): (&str, &str)| {
        !zone.is_empty() && sse::check_name(&conf::text::bytes(channel)).is_ok()
    };
    if word.text != "off" && !word.text.split_once(':').is_some_and(names) {
        return Err(setting.invalid(0, "value").with_hint("ZONE:CHANNEL, ZONE being an sse_zone"));
    }
    options.events.set_in(word, setting)
}
