//! `rtmp_zone`: the memory of the streams.

use broadcast::Shape;
use live::Form;

use crate::play::protocol::LiveStreams;

/// `rtmp_zone`, and what came of it in this process.
pub type ZoneConf = live::ZoneConf<LiveStreams>;

/// Large: a frame is a few of them, and goes out in as many pieces.
const BLOCK: usize = 16 << 10;
const SMALLEST: usize = 1 << 20;
const LARGEST: usize = 1 << 40;

/// `None`: the size makes no zone.
pub fn zone(size: usize) -> Option<ZoneConf> {
    if !(SMALLEST..=LARGEST).contains(&size) {
        return None;
    }
    let channels = (size / (64 << 10)).clamp(64, 16 << 10);
    // Players of streams that nobody publishes wait in slots of their own.
    let shape = Shape { block_size: BLOCK, rows: 0, channels, readers: channels / 2, counted: 0 };
    let (name, file) = (String::new(), None);
    ZoneConf::new(Form { directive: "rtmp_zone", name, size, shape, rows, file })
}

/// Players keep workers of many generations. The number of processors does not change with a reload.
fn rows(workers: usize) -> usize {
    let rows = (sys::process::processors() * 32).max(workers * 3).next_multiple_of(64);
    rows.clamp(256, 4096)
}
