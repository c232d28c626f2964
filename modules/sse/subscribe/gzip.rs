//! Compressed streams: each event is compressed once, and goes to all clients that accept gzip.
//!
//! ```text
//! gzip header (10) │ deflate block, ended with a sync flush │ … │ last block │ CRC-32, length
//! ```
//! The blocks do not refer to what is before them, so the same block continues any client's stream
//! (RFC 1951 §3.2, RFC 1952). The check sum of a client's stream is combined from those of its blocks.

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use crc32fast::Hasher;
use flate2::{Compress, Compression, FlushCompress};

/// A gzip member begins so: deflate, no name, no time, Unix.
pub const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
/// Compressed events that are kept for those who come a little later.
const KEPT: usize = 1 << 20;

/// A part of a stream, compressed.
pub struct Piece {
    /// The deflate blocks.
    pub bytes: Vec<u8>,
    sum: Hasher,
    len: u64,
}

/// What a client's stream adds up to.
#[derive(Clone, Default)]
pub struct Sum {
    crc: u32,
    /// Modulo 2³², as it is written.
    len: u32,
}

impl Sum {
    /// The piece was sent.
    pub fn add(&mut self, piece: &Piece) {
        let mut sum = Hasher::new_with_initial(self.crc);
        sum.combine(&piece.sum);
        self.crc = sum.finalize();
        self.len = self.len.wrapping_add(piece.len as u32);
    }

    /// The end of the stream: an empty last block, and the sums.
    pub fn trailer(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[3, 0]);
        out.extend_from_slice(&self.crc.to_le_bytes());
        out.extend_from_slice(&self.len.to_le_bytes());
    }
}

/// Compresses, and remembers for a while.
pub struct Gzip {
    level: u32,
    compress: Compress,
    pieces: HashMap<u64, Rc<Piece>>,
    order: VecDeque<u64>,
    kept: usize,
}

impl Gzip {
    /// Nothing compressed yet.
    pub fn new(level: u32) -> Gzip {
        let compress = Compress::new(Compression::new(level), false);
        Gzip { level, compress, pieces: HashMap::new(), order: VecDeque::new(), kept: 0 }
    }

    /// Compresses with another level from now on.
    pub fn set_level(&mut self, level: u32) {
        if self.level != level {
            *self = Gzip::new(level);
        }
    }

    /// A block of bytes, compressed.
    pub fn piece(&mut self, block: &[u8]) -> Piece {
        let mut bytes = Vec::with_capacity(block.len() + 32);
        self.compress.reset();
        let mut done = 0;
        loop {
            let before = self.compress.total_in();
            let result =
                self.compress.compress_vec(&block[done..], &mut bytes, FlushCompress::Sync);
            done += (self.compress.total_in() - before) as usize;
            // A flush is over when there is room left behind it.
            if result.is_err() || (done == block.len() && bytes.len() < bytes.capacity()) {
                break;
            }
            bytes.reserve(block.len().max(64));
        }
        let mut sum = Hasher::new();
        sum.update(block);
        Piece { bytes, sum, len: block.len() as u64 }
    }

    /// An event, compressed; `block` is asked for if it is not remembered.
    pub fn event(&mut self, seq: u64, block: &[u8]) -> Rc<Piece> {
        if let Some(piece) = self.pieces.get(&seq) {
            return piece.clone();
        }
        let piece = Rc::new(self.piece(block));
        self.kept += piece.bytes.len();
        self.pieces.insert(seq, piece.clone());
        self.order.push_back(seq);
        while self.kept > KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            let gone = self.pieces.remove(&oldest);
            self.kept -= gone.map_or(0, |piece| piece.bytes.len());
        }
        piece
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn pieces_continue_any_stream() {
        let mut gzip = Gzip::new(6);
        let long: Vec<u8> = (0..100_000u32).map(|n| ((n * 7) >> 2) as u8).collect();
        let blocks: [&[u8]; 4] = [b"data: a\n\n", b"data: b\n\n", &long, b""];
        for chosen in [&[0, 1, 2, 3][..], &[1, 2, 3], &[2], &[]] {
            let mut stream = HEADER.to_vec();
            let mut sum = Sum::default();
            for &seq in chosen {
                let piece = gzip.event(seq as u64, blocks[seq]);
                stream.extend_from_slice(&piece.bytes);
                sum.add(&piece);
            }
            sum.trailer(&mut stream);
            let mut plain = Vec::new();
            let read = flate2::read::GzDecoder::new(&stream[..]).read_to_end(&mut plain);
            read.expect("a gzip stream with the right sums");
            let wanted: Vec<&[u8]> = chosen.iter().map(|&seq: &usize| blocks[seq]).collect();
            assert_eq!(plain, wanted.concat());
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut gzip = Gzip::new(1);
        let noise: Vec<u8> = (0..50_000u64).map(|n| (n.wrapping_mul(n) >> 5) as u8).collect();
        for seq in 0..200 {
            gzip.event(seq, &noise);
        }
        assert!(gzip.kept <= KEPT && gzip.pieces.len() == gzip.order.len());
        assert!(Rc::ptr_eq(&gzip.event(199, b""), &gzip.event(199, b"")));
    }
}
