//! Where the fragments of a file are (ISO 14496-12 §8.8.9 to §8.8.11): players that read the end first find any time at once.

use crate::mp4::boxes::{Boxes, put, u32_at, u64_at, write};

/// The box for a file's end: of each track its number, and time and place of the fragments to begin with.
pub fn mfra(tracks: &[(u32, &[(u64, u64)])]) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out, b"mfra", |out| {
        for (track, fragments) in tracks {
            write(out, b"tfra", |out| {
                // Version 1: times and places of 64 bits. The numbers behind them have one byte each.
                [1 << 24, *track, 0, fragments.len() as u32]
                    .into_iter()
                    .for_each(|word| put(out, word));
                for (time, place) in *fragments {
                    out.extend_from_slice(&time.to_be_bytes());
                    out.extend_from_slice(&place.to_be_bytes());
                    out.extend_from_slice(&[1, 1, 1]);
                }
            });
        }
        write(out, b"mfro", |out| [0, 0].into_iter().for_each(|word| put(out, word)));
    });
    let size = (out.len() as u32).to_be_bytes();
    let at = out.len() - 4;
    out[at..].copy_from_slice(&size);
    out
}

/// The length of the `mfra` that a file ends with, from its last 16 bytes; `None`: it ends with none.
pub fn mfra_len(end: &[u8]) -> Option<u64> {
    let mfro = end.len().checked_sub(16).and_then(|at| end.get(at..))?;
    (mfro.starts_with(b"\0\0\0\x10mfro")).then(|| u32_at(mfro, 12).map(u64::from)).flatten()
}

/// Times and places of the fragments to begin with of the first track, from the whole box; `None`: it is none of [`mfra`]'s.
pub fn read_mfra(bytes: &[u8]) -> Option<Vec<(u64, u64)>> {
    const ENTRY: usize = 19;
    let (name, content) = Boxes::of(bytes, "mfra").next()?.ok()?;
    let (first, table) = Boxes::of(content, "mfra").next()?.ok()?;
    if (&name, &first) != (b"mfra", b"tfra")
        || u32_at(table, 0)? != 1 << 24
        || u32_at(table, 8)? != 0
    {
        return None;
    }
    let entries = table.get(16..)?;
    if entries.len() != ENTRY.checked_mul(u32_at(table, 12)? as usize)? {
        return None;
    }
    entries.chunks_exact(ENTRY).map(|entry| Some((u64_at(entry, 0)?, u64_at(entry, 8)?))).collect()
}
