//! Payloads cut into chunks, without copying: what goes to many players is the same for all.
//!
//! ```text
//! payload   ├──── chunk size ────┤   ├──── chunk size ────┤   ├── rest ──┤
//!                                 │C3│                     │C3│
//! ```
//!
//! `C3`, the header of a chunk that goes on, is one byte: the chunk stream is below 64, and the
//! timestamp is not extended.

/// The header of a chunk that goes on; `csid` is 2 to 63.
pub fn continuation(csid: u32) -> [u8; 1] {
    [0xC0 | csid.clamp(2, 63) as u8]
}

/// The pieces of a payload with that header between them. An empty payload has none.
pub fn cut<'p>(
    payload: &'p [u8],
    chunk_size: usize,
    continuation: &'p [u8; 1],
) -> impl Iterator<Item = &'p [u8]> {
    payload.chunks(chunk_size.max(1)).enumerate().flat_map(|(index, piece)| {
        let header = (index > 0).then_some(&continuation[..]);
        header.into_iter().chain(std::iter::once(piece))
    })
}

/// The bytes of a payload once it is cut.
pub fn cut_len(payload_len: usize, chunk_size: usize) -> usize {
    payload_len + payload_len.saturating_sub(1) / chunk_size.max(1)
}

/// The bytes of the payload in cut bytes from the payload's start on: all of them, or some.
pub fn uncut_len(cut_len: usize, chunk_size: usize) -> usize {
    cut_len - cut_len / chunk_size.max(1).saturating_add(1)
}

/// Finds the payload in cut bytes that come piece by piece.
#[derive(Clone, Copy, Debug)]
pub struct Uncut {
    chunk_size: usize,
    /// Bytes of the chunk that are still to come.
    left: usize,
}

impl Uncut {
    /// From the start of a payload that was cut at this size.
    pub fn new(chunk_size: usize) -> Uncut {
        let chunk_size = chunk_size.max(1);
        Uncut { chunk_size, left: chunk_size }
    }

    /// From `position` in the cut bytes on.
    pub fn at(chunk_size: usize, position: usize) -> Uncut {
        let new = Uncut::new(chunk_size);
        let inside = position % new.chunk_size.saturating_add(1);
        Uncut { left: new.chunk_size - inside, ..new }
    }

    /// Takes the next cut bytes, and calls `each` with those parts of them that are payload.
    pub fn feed<'b>(&mut self, bytes: &'b [u8], mut each: impl FnMut(&'b [u8])) {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.left == 0 {
                rest = &rest[1..];
                self.left = self.chunk_size;
            } else {
                let (piece, after) = rest.split_at(rest.len().min(self.left));
                self.left -= piece.len();
                rest = after;
                each(piece);
            }
        }
    }
}
