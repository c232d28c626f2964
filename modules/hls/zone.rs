//! `hls_zone`: the memory of the parts.

use std::rc::Rc;

use broadcast::Shape;
use live::{Clientless, Form};

/// `hls_zone`, and what came of it in this process.
pub type HlsZone = live::ZoneConf<Clientless>;

/// A worker's part of it.
pub type Hub = live::Hub<Clientless>;

const BLOCK: usize = 16 << 10;
const SMALLEST: usize = 1 << 20;
const LARGEST: usize = 1 << 40;

/// What it is if nothing is said of it.
pub const DEFAULT: usize = 512 << 20;

/// `None`: the size makes no zone.
pub fn zone(size: usize) -> Option<Rc<HlsZone>> {
    if !(SMALLEST..=LARGEST).contains(&size) {
        return None;
    }
    let channels = (size / (256 << 10)).clamp(64, 16 << 10);
    let shape = Shape { block_size: BLOCK, rows: 0, channels, readers: channels / 2, counted: 0 };
    let (name, file) = (String::new(), None);
    HlsZone::new(Form { directive: "hls_zone", name, size, shape, rows, file }).map(Rc::new)
}

/// Workers of several generations.
fn rows(workers: usize) -> usize {
    let rows = (sys::process::processors() * 32).max(workers * 3).next_multiple_of(64);
    rows.clamp(256, 4096)
}
