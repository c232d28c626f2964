//! What a thread has once for all of its connections: ciphertext on its way in and out.

use std::cell::RefCell;

/// The longest record: 16 KiB of plaintext, and what TLS 1.2 allows beside it.
const RECORD: usize = (16 << 10) + 256 + 5;
/// So much is read at once.
const READ: usize = 2 * RECORD;
/// So much plaintext is encrypted at once, and one record more at most.
pub(crate) const WRITE: usize = 64 << 10;
/// What rustls may put before the records of a write.
pub(crate) const SPARE: usize = 1024;

pub(crate) struct Memory {
    input: Vec<u8>,
    /// Plaintext of several buffers for one record.
    pub gathered: Vec<u8>,
    pub output: Vec<u8>,
    /// So much of it is used.
    pub filled: usize,
}

thread_local! {
    pub(crate) static MEMORY: RefCell<Memory> = const {
        RefCell::new(Memory { input: Vec::new(), gathered: Vec::new(), output: Vec::new(), filled: 0 })
    };
}

impl Memory {
    /// Room for a read behind `kept` bytes.
    pub fn input(&mut self, kept: usize) -> &mut [u8] {
        if self.input.len() < kept + READ {
            self.input.resize(kept + READ, 0);
        }
        &mut self.input[..kept + READ]
    }

    /// Room for the records of one write; the shortest have 512 bytes.
    pub fn clear_output(&mut self) {
        const RECORDS: usize = (WRITE >> 9) + 1;
        self.output.resize(WRITE + RECORD + RECORDS * (RECORD - (16 << 10)) + SPARE, 0);
        self.filled = 0;
    }
}
