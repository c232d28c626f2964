//! A file of fragments that becomes an ordinary movie by a few bytes.
//!
//! ```text
//! while it grows       ftyp  free(16 + ftyp'): 0 (64), ftyp'  moov  free: room                      fragments        [moov'']  mfra
//! a movie, in front    ftyp  free: …, ftyp', moov, 8 bytes          moov''  free  mdat:             fragments                  mfra
//! a movie, at the end  ftyp  mdat: ftyp', moov, free, room,                                         fragments         moov''   mfra
//! ```
//! What is written for the movie is inside the room, or behind all fragments, until the box behind the `ftyp` gets another head: with that,
//! of 16 bytes, it is a movie, and with the one before it is a file of fragments again. `ftyp'` and `moov` in a row are what stands
//! before fragments, whatever the file is.

use crate::mp4::boxes::{put, u32_at};

/// The head of the box that decides, which is long enough for a size of 64 bits.
pub const SWITCH: usize = 16;
/// The head of the room, which stays.
const ROOM_HEAD: usize = 8;

/// Where in such a file what is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roomy {
    /// The box that decides.
    pub switch: u64,
    /// `ftyp'` and `moov`: beginning and end.
    pub init: (u64, u64),
    /// The end of the room, with which the fragments begin.
    pub room: u64,
}

/// The head of such a file, from that of a file of fragments, with so many bytes of room, `ROOM_HEAD` at least. All but the last of
/// these.
pub fn roomy(init: &[u8], room: u32) -> Option<Vec<u8>> {
    let (ftyp, moov) = init.split_at_checked(u32_at(init, 0)? as usize)?;
    let mut out = ftyp.to_vec();
    put(&mut out, (SWITCH + ftyp.len()) as u32);
    out.extend_from_slice(b"free\0\0\0\0\0\0\0\0");
    out.extend_from_slice(ftyp);
    out.extend_from_slice(moov);
    put(&mut out, room.max(ROOM_HEAD as u32));
    out.extend_from_slice(b"free");
    Some(out)
}

/// Whether the box that begins like this, behind a `ftyp`, decides: how long it is in a file that grows.
pub(super) fn switch(piece: &[u8]) -> Option<u64> {
    let inner = u32_at(piece, SWITCH)?;
    let is = matches!(piece.get(4..8)?, b"free" | b"mdat")
        && piece.get(SWITCH + 4..SWITCH + 8)? == b"ftyp"
        && (8..=64).contains(&inner);
    is.then_some(SWITCH as u64 + u64::from(inner))
}

/// Whether a file that begins like this has room, movie or not; 128 bytes are enough.
pub fn has_room(begin: &[u8]) -> bool {
    let behind = u32_at(begin, 0).and_then(|size| begin.get(size as usize..));
    behind.and_then(switch).is_some()
}

impl Roomy {
    /// What the deciding box has as its head while the file grows.
    pub fn grows(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put(&mut out, (SWITCH as u64 + self.inner()) as u32);
        out.extend_from_slice(b"free\0\0\0\0\0\0\0\0");
        out
    }

    /// How long `ftyp'` is: as the `ftyp` before it, with which the file begins.
    fn inner(&self) -> u64 {
        self.switch
    }

    /// For a movie whose `moov` has so many bytes: where that goes, and with what behind it, if there is room for it. `end`: of the
    /// fragments.
    pub fn front(&self, moov: u64, end: u64) -> Option<(u64, Vec<u8>)> {
        let place = self.init.1 + ROOM_HEAD as u64;
        let rest = self.room.checked_sub(place + moov)?.checked_sub(SWITCH as u64)?;
        // What is left is a box, or nothing.
        if (1..8).contains(&rest) {
            return None;
        }
        let mut out = Vec::new();
        if rest > 0 {
            put(&mut out, u32::try_from(rest).ok()?);
            out.extend_from_slice(b"free");
            out.resize(rest as usize, 0);
        }
        out.extend_from_slice(&data(end.checked_sub(self.room)?));
        Some((place, out))
    }

    /// The head of the deciding box of a movie whose `moov` is in the room.
    pub fn is_front(&self) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        put(&mut out, u32::try_from(self.init.1 + ROOM_HEAD as u64 - self.switch).ok()?);
        out.extend_from_slice(b"free\0\0\0\0\0\0\0\0");
        Some(out)
    }

    /// The same of one whose `moov` stands behind the fragments, which end there.
    pub fn is_behind(&self, end: u64) -> Vec<u8> {
        data(end.saturating_sub(self.switch + SWITCH as u64)).to_vec()
    }
}

/// The head of an `mdat` with so many bytes.
fn data(len: u64) -> [u8; SWITCH] {
    let mut head = *b"\0\0\0\x01mdat\0\0\0\0\0\0\0\0";
    head[8..].copy_from_slice(&len.saturating_add(SWITCH as u64).to_be_bytes());
    head
}
