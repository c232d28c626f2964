//! What of an answer's body waits to be sent: memory as it is, files piece by piece.

use mem::{Block, Buf, Chain, Str};

use crate::error::Error;

/// What waits.
#[derive(Default)]
pub struct Output {
    /// In order.
    pub chain: Chain,
    /// The beginning of the file's rest, read with what went out before.
    ahead: Str,
    /// A part of the file has gone out.
    started: bool,
}

/// Why an answer cannot be completed.
#[derive(Debug)]
pub enum Fault {
    /// The client has given the stream up, or is gone.
    Gone,
    /// It takes nothing.
    TimedOut,
    /// What the body comes from cannot go on.
    Source(Error),
    /// Reading the file failed.
    File(std::io::Error),
    /// The file is shorter than what was promised of it.
    Shrunk,
}

impl Output {
    /// Takes the next piece, of at most `most` bytes; nothing when there is none. Of a file, as much is read as there is `room`
    /// for: more pieces are about to be taken.
    pub fn take(&mut self, most: usize, room: usize) -> Result<Str, Fault> {
        if !self.ahead.is_empty() {
            let piece = self.ahead.slice(..self.ahead.len().min(most));
            self.ahead = self.ahead.slice(piece.len()..);
            self.chain.advance(piece.len() as u64);
            return Ok(piece);
        }
        let (piece, used) = match self.chain.iter().next() {
            None => return Ok(Str::EMPTY),
            Some(Buf::Memory(bytes)) => {
                (bytes.slice(..bytes.len().min(most)), bytes.len().min(most))
            }
            Some(Buf::File(window)) => {
                // Whatever else happens to a file (a log grows, a date is set) breaks no promise.
                if self.started {
                    let size = sys::file::stat(&window.file).map_err(Fault::File)?.size;
                    if size < window.offset.saturating_add(window.len) {
                        return Err(Fault::Shrunk);
                    }
                }
                let wanted = usize::try_from(window.len).unwrap_or(usize::MAX).min(room);
                let mut block = Block::take(wanted);
                let room = &mut block.spare_mut()[..wanted];
                let read = sys::file::read_at(&window.file, room, window.offset);
                let read = read.map_err(Fault::File)?;
                if read == 0 {
                    return Err(Fault::Shrunk);
                }
                self.started = true;
                block.advance(read);
                let bytes = block.freeze();
                let piece = bytes.slice(..read.min(most));
                self.ahead = bytes.slice(piece.len()..);
                (piece.clone(), piece.len())
            }
        };
        self.chain.advance(used as u64);
        Ok(piece)
    }
}
