//! How long a fragmented MP4 is stands in its head.

use std::fs::File;
use std::os::unix::fs::FileExt;

use live::appender::{Failed, at};
use proto::fmp4::set_duration;

/// Writes the duration into a file's head.
pub fn tell_duration(file: &File, head: u64, duration: u64) -> Result<(), Failed> {
    if at("fstat", file.metadata())?.len() < head {
        return Ok(());
    }
    let mut bytes = vec![0; head as usize];
    at("read", file.read_exact_at(&mut bytes, 0))?;
    match set_duration(&mut bytes, duration) {
        true => at("write", file.write_all_at(&bytes, 0)),
        false => Ok(()),
    }
}
