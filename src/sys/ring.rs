//! The end of a log in memory, for debuggers: a line that does not fit takes the place of the oldest.

use std::sync::Mutex;

/// So many bytes, and where the next one goes. `MARK` is what a debugger looks for.
#[derive(Debug)]
pub struct Ring {
    inner: Mutex<(Box<[u8]>, usize)>,
}

const MARK: &[u8] = b"MEMLOG ";

impl Ring {
    /// One of this size.
    pub fn new(size: usize) -> Ring {
        let mut bytes = vec![0; size.max(MARK.len() + 1)].into_boxed_slice();
        bytes[..MARK.len()].copy_from_slice(MARK);
        Ring { inner: Mutex::new((bytes, MARK.len())) }
    }

    /// Appends a line.
    pub fn write(&self, line: &[u8]) {
        let Ok(mut inner) = self.inner.lock() else { return };
        let (bytes, at) = &mut *inner;
        let room = bytes.len() - MARK.len();
        for &byte in &line[line.len().saturating_sub(room)..] {
            bytes[*at] = byte;
            *at = if *at + 1 == bytes.len() { MARK.len() } else { *at + 1 };
        }
    }

    /// What it has, the oldest first.
    pub fn content(&self) -> Vec<u8> {
        let Ok(inner) = self.inner.lock() else { return Vec::new() };
        let (bytes, at) = &*inner;
        let (newer, older) = (&bytes[MARK.len()..*at], &bytes[*at..]);
        older.iter().chain(newer).copied().filter(|byte| *byte != 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept() {
        let ring = Ring::new(MARK.len() + 8);
        ring.write(b"abc\n");
        assert_eq!(ring.content(), b"abc\n");
        ring.write(b"defghi\n");
        assert_eq!(ring.content(), b"\ndefghi\n");
        ring.write(b"0123456789\n");
        assert_eq!(ring.content(), b"3456789\n");
    }
}
