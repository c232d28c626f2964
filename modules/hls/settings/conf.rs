//! What blocks of `rtmp {}` say of HLS. Times are milliseconds.

use std::rc::Rc;

use conf::{Access, Arity, Contexts, Error, Setting, contexts, settings};
use proto::hls::Caption;

use crate::files::{Naming, is_fit};
use crate::part::Format;
use crate::settings::captions::captions;
use crate::zone::{self, HlsZone};

const ANY: Contexts = contexts!(RTMP | RTMP_SERVER | APPLICATION);

settings! {
    /// What a block says of HLS.
    #[derive(Default)]
    pub struct Conf {
        raw hls_zone: Rc<HlsZone> = (
            contexts!(RTMP), Arity::Exactly(1), set_zone, "512m",
            "shared memory for segments and parts; it is taken as it is needed"
        );
        flag hls = (ANY, "off", "cut streams into segments, for HLS");
        option hls_path: String = (
            ANY, Arity::Exactly(1), path, "",
            "the directory that segments and playlists are written to; without it they are in memory alone"
        );
        value hls_fragment: u64 = (
            ANY, Arity::Exactly(1), fragment, "5s", "how long a segment is, up to the next key frame; at least 1s"
        );
        option hls_max_fragment: u64 = (
            ANY, Arity::Exactly(1), time, "", "no segment is longer, key frame or not; ten times hls_fragment"
        );
        time hls_playlist_length = (ANY, "30s", "how long playlists are");
        time hls_window = (
            ANY, "0", "how far back players can go: what has left the playlist's length goes on in files under hls_window_path"
        );
        option hls_window_path: String = (
            ANY, Arity::Exactly(1), path, "", "the directory of what hls_window has: one for each stream in it"
        );
        value hls_part: Option<u64> = (
            ANY, Arity::Exactly(1), part, "off",
            "low-latency HLS: players see parts of segments that are so long"
        );
        value hls_format: Option<Format> = (
            ANY, Arity::Exactly(1), format, "auto",
            "ts, fmp4, or auto: MPEG-TS if it has a place for the codecs and there are no parts"
        );
        flag hls_continuous = (
            ANY, "on", "a stream that begins again goes on with the playlist; off: with an empty one"
        );
        flag hls_nested = (ANY, "off", "a directory for each stream, with index.m3u8 in it");
        value hls_nested_index_filename: String = (
            ANY, Arity::Exactly(1), index, "index", "what the playlist there is called, without its ending"
        );
        value hls_dir_access: Access = (
            ANY, Arity::Between(1, 3), Setting::access, "user:rw group:r all:r",
            "who may look into directories that are made, and who may fill them: user:, group:, all: with r or rw"
        );
        value hls_fragment_naming: Naming = (
            ANY, Arity::Exactly(1), naming, "sequential",
            "what files of segments are called by: sequential, timestamp or system"
        );
        number hls_fragment_naming_granularity = (
            ANY, "0", "names by timestamp or system are multiples of this"
        );
        value hls_type: Kind = (
            ANY, Arity::Exactly(1), kind, "live",
            "live: old segments leave the playlist; event: all stay, and the whole can be watched at the end"
        );
        flag hls_cleanup = (ANY, "on", "remove files of segments that have left the playlist for its length");
        list hls_variant: Variant = (
            ANY, Arity::AtLeast(1), variant, "",
            "SUFFIX [KEY=VALUE …]: streams of one name with these endings make a master playlist"
        );
        flag hls_events = (
            ANY, "off", "an event for each segment that is whole, on the channel of rtmp_events"
        );
        value hls_captions: Vec<Caption> = (
            ANY, Arity::AtLeast(1), captions, "off",
            "CC1=LANGUAGE … SERVICE1=LANGUAGE …, or off: captions in the pictures that master playlists tell of"
        );
        flag hls_cue = (
            ANY, "off",
            "cue points of publishers (onCuePoint, onAdCue) are date ranges in playlists, and cut segments where breaks begin and end"
        );
        option hls_base_url: String = (
            ANY, Arity::Exactly(1), word, "", "stands before the names of segments in playlists"
        );
        flag hls_keys = (ANY, "off", "encrypt segments with AES-128");
        option hls_key_path: String = (
            ANY, Arity::Exactly(1), path, "", "the directory that keys are written to; hls_path"
        );
        option hls_key_url: String = (
            ANY, Arity::Exactly(1), word, "", "stands before the names of keys in playlists"
        );
        number hls_fragments_per_key = (ANY, "0", "segments with one key; 0: one for each time of publishing");
        value hls_viewers: Option<ViewersBy> = (
            ANY, Arity::Exactly(1), viewers_by, "off",
            "count who watches HLS and DASH, known by a cookie or by an argument (query) of all addresses"
        );
        number hls_max_viewers = (ANY, "10000", "so many are counted in each worker");
        flag dash = (ANY, "off", "cut streams into segments, for DASH");
        option dash_path: String = (
            ANY, Arity::Exactly(1), path, "",
            "the directory that segments and descriptions are written to; without it they are in memory alone"
        );
        value dash_fragment: u64 = (
            ANY, Arity::Exactly(1), fragment, "5s",
            "how long a segment is, up to the next key frame; with hls on, hls_fragment says so"
        );
        time dash_playlist_length = (ANY, "30s", "how much is listed");
        flag dash_low_latency = (
            ANY, "off", "players of DASH begin with a segment before it is whole; with hls_part, and key frames that are regular"
        );
        flag dash_cleanup = (ANY, "on", "remove files of segments that are not listed any more");
        flag dash_nested = (ANY, "off", "a directory for each stream, with index.mpd in it");
        raw hls_fragment_slicing: () = (
            ANY, Arity::Exactly(1), slicing, "plain",
            "accepted; a segment begins with a key frame"
        );
        raw hls_muxdelay: () = (
            ANY, Arity::Exactly(1), delay, "700ms", "accepted with a warning; nothing is delayed"
        );
        raw hls_sync: () = (
            ANY, Arity::Exactly(1), always, "2ms", "accepted; the times of sound are counted in samples"
        );
        raw hls_max_audio_delay: () = (
            ANY, Arity::Exactly(1), always, "300ms", "accepted; sound is packed together with pictures"
        );
        raw hls_audio_buffer_size: () = (
            ANY, Arity::Exactly(1), always, "1m", "accepted; memory is taken as it is needed"
        );
    }
}

/// What becomes of old segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// They leave the playlist.
    Live,
    /// They stay.
    Event,
}

/// By what viewers are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewersBy {
    /// A cookie.
    Cookie,
    /// An argument of the addresses.
    Query,
}

fn viewers_by(setting: &Setting<'_>) -> Result<Option<ViewersBy>, Error> {
    setting.choice(
        0,
        &[("off", None), ("cookie", Some(ViewersBy::Cookie)), ("query", Some(ViewersBy::Query))],
    )
}

/// One of the streams that make a master playlist.
#[derive(Clone, Debug)]
pub struct Variant {
    /// What its name ends with.
    pub suffix: String,
    /// What is said of it, as it is written; measured values stand in for what is not.
    pub attributes: Vec<String>,
}

fn set_zone(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    let zone = usize::try_from(setting.size(0)?).ok().and_then(zone::zone);
    let zone =
        zone.ok_or_else(|| setting.error_at(0, "the hls_zone is too small, or too large"))?;
    conf.hls_zone.set_in(zone, setting)
}

fn fragment(setting: &Setting<'_>) -> Result<u64, Error> {
    match setting.time_ms(0)? {
        // Segments are counted from the time of day in seconds on: more of them would overtake it.
        ms @ 1000..=600_000 => Ok(ms),
        _ => Err(setting.invalid(0, "value").with_hint("from 1s to 10m")),
    }
}

fn time(setting: &Setting<'_>) -> Result<u64, Error> {
    setting.time_ms(0)
}

fn part(setting: &Setting<'_>) -> Result<Option<u64>, Error> {
    if setting.arg(0) == "off" {
        return Ok(None);
    }
    match setting.time_ms(0)? {
        ms @ 100..=5000 => Ok(Some(ms)),
        _ => Err(setting.invalid(0, "value").with_hint("from 100ms to 5s, or off")),
    }
}

fn format(setting: &Setting<'_>) -> Result<Option<Format>, Error> {
    setting.choice(0, &[("auto", None), ("ts", Some(Format::Ts)), ("fmp4", Some(Format::Cmaf))])
}

fn naming(setting: &Setting<'_>) -> Result<Naming, Error> {
    let choices = [
        ("sequential", Naming::Sequential),
        ("timestamp", Naming::Timestamp),
        ("system", Naming::System),
    ];
    setting.choice(0, &choices)
}

fn kind(setting: &Setting<'_>) -> Result<Kind, Error> {
    setting.choice(0, &[("live", Kind::Live), ("event", Kind::Event)])
}

fn path(setting: &Setting<'_>) -> Result<String, Error> {
    let path = setting.path(0);
    Ok(path.to_string_lossy().trim_end_matches('/').to_owned())
}

/// A name that leads nowhere else, and is nobody else's.
fn index(setting: &Setting<'_>) -> Result<String, Error> {
    let name = setting.arg(0);
    match is_fit(name.as_bytes()) {
        true => Ok(name.to_owned()),
        false => Err(setting.invalid(0, "name: it is a file's, without a directory")),
    }
}

fn word(setting: &Setting<'_>) -> Result<String, Error> {
    Ok(setting.arg(0).to_owned())
}

fn variant(setting: &Setting<'_>) -> Result<Variant, Error> {
    let mut words = setting.args().iter().map(|word| word.text.clone());
    let suffix = words.next().unwrap_or_default();
    Ok(Variant { suffix, attributes: words.collect() })
}

fn slicing(_: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    setting.choice(0, &[("plain", ()), ("aligned", ())])
}

/// nginx-rtmp reads it, and does nothing with it either.
fn delay(_: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    setting.warn("\"hls_muxdelay\" has no effect: nothing is delayed");
    Ok(())
}

fn always(_: &mut Conf, _: &Setting<'_>) -> Result<(), Error> {
    Ok(())
}
