//! Connections: how long they are waited for, and how much they may ask of a worker.

use conf::{Arity, Setting, settings};

use crate::settings::values::{ANY, OUTER, always, bounded, time_or_off};

settings! {
    /// What a block says of connections.
    #[derive(Default)]
    pub struct Connection {
        time timeout = (OUTER, "60s", "how long a client may take nothing of what it is sent");
        time handshake_timeout = (
            OUTER, "10s", "how long a client may take from its connection to its connect command"
        );
        value ping: u64 = (
            OUTER, Arity::Exactly(1), time_or_off, "60s",
            "a client that has been silent for so long is asked for a sign of life; 0: never"
        );
        time ping_timeout = (OUTER, "30s", "how long that sign may take");
        flag busy = (
            OUTER, "off", "close a client that has been silent for the time of a ping, unasked"
        );
        flag so_keepalive = (OUTER, "off", "TCP keep-alive for all listening sockets");
        value max_streams: u64 = (
            OUTER, Arity::Exactly(1), |s: &Setting<'_>| bounded(s, s.number(0)?, 8..=65_600), "32",
            "most chunk streams, and message streams, of a connection"
        );
        option max_message: u64 = (
            OUTER, Arity::Exactly(1), |s: &Setting<'_>| bounded(s, s.size(0)?, 1024..=LARGEST),
            "16m less a byte", "the largest message (a key frame) that a publisher may send"
        );
        size max_memory = (OUTER, "32m", "most bytes of unfinished messages of a connection");
        value max_args: u64 = (
            OUTER, Arity::Exactly(1), |s: &Setting<'_>| bounded(s, s.size(0)?, 256..=1 << 20), "8k",
            "the longest arguments and addresses that a client may give; longer ones are refused"
        );
        value ack_window: u64 = (
            OUTER, Arity::Exactly(1), |s: &Setting<'_>| bounded(s, s.number(0)?, 1..=0x7FFF_FFFF),
            "5000000", "bytes after which clients are asked to acknowledge"
        );
        value chunk_size: u64 = (
            OUTER, Arity::Exactly(1), |s: &Setting<'_>| bounded(s, s.size(0)?, 128..=LARGEST), "4096",
            "size of the chunks in which messages are sent"
        );
        raw buflen: () = (
            OUTER, Arity::Exactly(1), always, "1s", "accepted; no client is sent more than is live"
        );
        option max_connections: u64 = (
            ANY, Arity::Exactly(1), |s: &Setting<'_>| s.number(0), "no limit",
            "most RTMP connections, counted over all workers"
        );
    }
}

/// What the length in a message's header can say.
pub const LARGEST: u64 = 0x00FF_FFFF;
