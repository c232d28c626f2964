//! How much, how long, from which seed.

use std::time::{Duration, SystemTime};

/// The size of a run.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub name: &'static str,
    pub workers: usize,
    pub channels: u32,
    pub publishers: u32,
    pub subscribers: usize,
    /// The longest pause of a publisher between an answer and its next message.
    pub pause: Duration,
    /// The longest filling of a message, in bytes.
    pub filling: usize,
    /// A subscriber drops its connection after so many events, more or less.
    pub patience: usize,
    /// Clients that subscribe to one name of their own invention after the other.
    pub strangers: usize,
    /// Size and place of the zone.
    pub zone: &'static str,
}

/// One channel, much said in it, and nobody stays for long.
pub const FEW: Load = Load {
    name: "few",
    workers: 2,
    channels: 1,
    publishers: 2,
    subscribers: 6,
    pause: Duration::from_millis(1),
    filling: 0,
    patience: 400,
    strangers: 1,
    zone: "256m",
};

/// Many of all.
pub const MANY: Load = Load {
    name: "many",
    workers: 3,
    channels: 8,
    publishers: 6,
    subscribers: 40,
    pause: Duration::from_millis(12),
    filling: 0,
    patience: 150,
    strangers: 2,
    zone: "256m",
};

/// Messages that do not fit what a socket takes at once.
pub const LARGE: Load = Load {
    name: "large",
    workers: 2,
    channels: 2,
    publishers: 2,
    subscribers: 8,
    pause: Duration::from_millis(20),
    filling: 30_000,
    patience: 40,
    strangers: 0,
    zone: "256m",
};

/// More processes than the machine has processors.
pub const WIDE: Load = Load {
    name: "wide",
    workers: 16,
    channels: 4,
    publishers: 3,
    subscribers: 24,
    pause: Duration::from_millis(12),
    filling: 0,
    patience: 150,
    strangers: 1,
    zone: "256m",
};

/// In a file: the server as a whole may die.
pub const DURABLE: Load =
    Load { name: "durable", workers: 2, zone: "256m path=zone sync=ack", ..MANY };

/// So small that nothing stays for long.
pub const LAPPED: Load =
    Load { name: "lapped", pause: Duration::from_millis(2), filling: 3000, zone: "512k", ..FEW };

/// On a disk that fills, and whose power is cut.
pub const CUT: Load = Load {
    name: "cut",
    zone: "64m path=disk/zone sync=ack",
    publishers: 3,
    subscribers: 20,
    ..DURABLE
};

impl Load {
    /// Whether the zone is on a disk of its own.
    pub fn has_disk(&self) -> bool {
        *self.zone == *CUT.zone
    }

    /// Whether the server may end and be started again.
    pub fn is_durable(&self) -> bool {
        self.zone.contains("path=")
    }

    /// Whether readers may be told that something is gone.
    pub fn may_lose(&self) -> bool {
        *self.zone == *LAPPED.zone
    }

    /// The publisher whose messages end the run, one in each channel.
    pub fn last(&self) -> u32 {
        self.publishers
    }
}

/// The name of a channel.
pub fn channel(number: u32) -> String {
    format!("chaos.{number}")
}

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text}: not a number")))
}

/// How long faults are injected: `RSERVE_CHAOS_SECONDS`.
pub fn time() -> Duration {
    Duration::from_secs(variable("RSERVE_CHAOS_SECONDS").unwrap_or(6))
}

/// `RSERVE_CHAOS_SEED`, or another one each time.
pub fn seed() -> u64 {
    let now = || SystemTime::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_nanos() as u64);
    variable("RSERVE_CHAOS_SEED").unwrap_or_else(|| now() % 1_000_000_007)
}
