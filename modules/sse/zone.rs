//! `sse_zone`: a zone of channels of events.

use broadcast::Shape;
use live::{FileConf, Form};

use crate::subscribe::protocol::EventStreams;

/// A zone as it was written, and what came of it in this process.
pub type ZoneConf = live::ZoneConf<EventStreams>;

/// What it is written with.
pub const DIRECTIVE: &str = "sse_zone";

/// Small: ten thousand channels with an event each are ten megabytes.
const BLOCK: usize = 1024;
/// Fewer make no zone.
const SMALLEST: usize = 256 << 10;
const LARGEST: usize = 1 << 40;

/// A zone; `channels`: how many there may be, by default one for each four kilobytes. `None`: the size makes none.
pub fn zone(
    name: &str,
    size: usize,
    channels: Option<usize>,
    file: Option<FileConf>,
) -> Option<ZoneConf> {
    if !(SMALLEST..=LARGEST).contains(&size) {
        return None;
    }
    let default = (size / 4096).min((16 << 10) + size / (16 << 10));
    // Readers take no slots. A 32nd of the size counts what they ask for, a 64th where they come from, as far as a
    // dead worker's part of it can be looked for in a moment.
    let counted = (size / 512).min(1 << 20);
    let channels = channels.unwrap_or(default);
    let shape = Shape { block_size: BLOCK, rows: 0, channels, readers: 0, counted };
    ZoneConf::new(Form { directive: DIRECTIVE, name: name.to_owned(), size, shape, rows, file })
}

/// Of so many workers a handful of generations. The number of processors does not change with a reload.
fn rows(workers: usize) -> usize {
    (sys::process::processors() * 8).max(workers * 3).next_multiple_of(64)
}

/// Says that a location has no hub: its zone is not open in this process.
pub fn log_missing() {
    sys::log!(Alert, "an sse_zone is not open in this process");
}
