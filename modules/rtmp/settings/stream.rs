//! Streams: what is kept of them, and how they are played.

use conf::{Arity, Error, Setting, settings};

use crate::publish::meta::Meta;
use crate::settings::values::{ANY, always, time_or_off};

settings! {
    /// What a block says of streams.
    #[derive(Default)]
    pub struct Stream {
        flag live = (ANY, "off", "let clients publish and play");
        flag gop_cache = (
            ANY, "on", "a player begins at once, with the newest key frame; off: with the next one"
        );
        time live_window = (
            ANY, "2s", "how much is kept, in whole groups of pictures, for players that are behind"
        );
        size max_behind = (
            ANY, "8m",
            "how many bytes are kept for them; who is behind further goes on at the newest key frame"
        );
        value merge_write: u64 = (
            ANY, Arity::Exactly(1), time_or_off, "0",
            "collect frames for so long, and write them to a player together"
        );
        value delay: u64 = (
            ANY, Arity::Exactly(1), time_or_off, "0", "let players see everything so much later"
        );
        flag wait_key = (ANY, "on", "video begins with a key frame");
        flag wait_video = (ANY, "off", "audio begins when video does");
        flag interleave = (ANY, "off", "send audio and video in one chunk stream");
        value meta: Meta = (
            ANY, Arity::Exactly(1), meta, "on",
            "players get metadata: on (what is known), copy (as the publisher sends it) or off"
        );
        flag idle_streams = (
            ANY, "on", "players may wait for a publisher; off: without one they are refused and closed"
        );
        flag publish_notify = (ANY, "off", "tell players when the publisher comes and goes");
        flag play_restart = (
            ANY, "off",
            "playing starts and stops for players when the publisher comes and goes"
        );
        value drop_idle_publisher: u64 = (
            ANY, Arity::Exactly(1), time_or_off, "off",
            "close a publisher that has sent neither audio nor video for so long"
        );
        value publish_grace: u64 = (
            ANY, Arity::Exactly(1), time_or_off, "10s",
            "a publisher whose connection broke may come back within this time: the stream goes on"
        );
        flag publish_takeover = (
            ANY, "off", "a second publisher of a stream replaces the first, whose players stay"
        );
        raw sync: () = (
            ANY, Arity::Exactly(1), always, "300ms",
            "accepted; what a player misses is made up for in its clock"
        );
        raw buffer: () = (
            ANY, Arity::Exactly(1), always, "off",
            "accepted; gop_cache and live_window say what is kept"
        );
        raw play_time_fix: () = (
            ANY, Arity::Exactly(1), always, "on", "accepted; every player's clock begins at zero"
        );
        raw publish_time_fix: () = (
            ANY, Arity::Exactly(1), always, "on", "accepted; streams keep one clock"
        );
    }
}

fn meta(setting: &Setting<'_>) -> Result<Meta, Error> {
    setting.choice(0, &[("on", Meta::On), ("copy", Meta::Copy), ("off", Meta::Off)])
}
