//! Fragments of one file as fragments of another: they begin at another time, and have another number.

use crate::mp4::boxes::{BoxHead, head, u32_at, u64_at};

/// Writes into a whole `moof`, head included, another number and another time: `told` is given the fragment's number, its track, and
/// when it begins. `false`: it is none of [`super::fragment()`]'s, and nothing was changed.
pub fn splice(moof: &mut [u8], told: impl FnOnce(u32, u32, u64) -> (u32, u64)) -> bool {
    let Some((number_at, time_at, track)) = places(moof) else { return false };
    let (Some(number), Some(base)) = (u32_at(moof, number_at), u64_at(moof, time_at)) else {
        return false;
    };
    let (number, base) = told(number, track, base);
    moof[number_at..number_at + 4].copy_from_slice(&number.to_be_bytes());
    moof[time_at..time_at + 8].copy_from_slice(&base.to_be_bytes());
    true
}

/// Where the number and the time are, and of which track that is.
fn places(moof: &[u8]) -> Option<(usize, usize, u32)> {
    const HEAD: usize = 8;
    let (mut number, mut track, mut time) = (None, None, None);
    let mut at = HEAD;
    while let Some(BoxHead { name, head: 8, size: Some(size) }) = moof.get(at..).and_then(head) {
        let content = at + HEAD;
        match &name {
            b"mfhd" => number = Some(content + 4),
            b"tfhd" => track = u32_at(moof, content + 4),
            // Version 1: 64 bits.
            b"tfdt" if u32_at(moof, content)? == 1 << 24 => time = Some(content + 4),
            _ => {}
        }
        // What is in a `traf` follows its head.
        at = if &name == b"traf" { content } else { at.checked_add(usize::try_from(size).ok()?)? };
    }
    Some((number?, time?, track?))
}
