//! Edit lists: which part of a track is shown, and when.
//!
//! ```text
//! elst: (duration, media time, rate)*      duration: in the movie's time; media time: in the track's, -1: nothing is shown
//! ```
//! What encoders write is a pause before the beginning, if anything, and then one part to the end: that is understood.

use super::Mp4Error;
use super::boxes::{self, put, u32_at, u64_at};

/// How the track lies in the movie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// Before it begins, in the movie's time.
    pub pause: u64,
    /// Of the track's time, what is not shown at its beginning.
    pub skipped: u64,
}

/// Reads an `elst`.
pub fn read(content: &[u8]) -> Result<Edit, Mp4Error> {
    let damaged = Mp4Error::Damaged("elst");
    let count = u32_at(content, 4).ok_or(damaged.clone())? as usize;
    let version = content.first().copied().unwrap_or(0);
    let (width, mut edit) = (if version == 0 { 12 } else { 20 }, Edit::default());
    if content.len() < 8 || (content.len() - 8) / width < count {
        return Err(damaged);
    }
    for number in 0..count {
        let at = 8 + number * width;
        let (duration, time) = match version {
            0 => (
                u32_at(content, at).map(u64::from),
                u32_at(content, at + 4).map(|time| i64::from(time as i32)),
            ),
            _ => (u64_at(content, at), u64_at(content, at + 8).map(|time| time as i64)),
        };
        let (duration, time) = (duration.ok_or(damaged.clone())?, time.ok_or(damaged.clone())?);
        match u64::try_from(time) {
            Ok(time) => {
                edit.skipped = time;
                break;
            }
            Err(_) => edit.pause = edit.pause.saturating_add(duration),
        }
    }
    Ok(edit)
}

/// Appends an `edts` that shows `duration` of the movie's time, after a pause, from `skipped` of the track's time on.
pub fn write(edit: Edit, duration: u64, out: &mut Vec<u8>) {
    let short = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    boxes::write(out, b"edts", |out| {
        boxes::write(out, b"elst", |out| {
            put(out, 0);
            put(out, if edit.pause > 0 { 2 } else { 1 });
            if edit.pause > 0 {
                [short(edit.pause), u32::MAX, 0x1_0000].into_iter().for_each(|word| put(out, word));
            }
            [short(duration), short(edit.skipped), 0x1_0000]
                .into_iter()
                .for_each(|word| put(out, word));
        });
    });
}
