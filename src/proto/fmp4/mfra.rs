//! Where the fragments of a file are (ISO 14496-12 §8.8.9 to §8.8.11): players that read the end first find any time at once.

use crate::mp4::boxes::{put, write};

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
