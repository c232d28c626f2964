//! Where bytes are read to.

/// Bytes read at once.
const READ: usize = 64 << 10;

thread_local! {
    static SPARE: std::cell::Cell<Option<ReadBuffer>> = const { std::cell::Cell::new(None) };
}

/// Memory for what clients send: one for all connections of a worker, unless one waits in the middle.
pub struct ReadBuffer {
    /// What has just been read.
    pub bytes: Box<[u8]>,
    /// What a message is put together in that has come in pieces.
    pub message: Vec<u8>,
}

impl ReadBuffer {
    /// Takes it.
    pub fn take() -> ReadBuffer {
        let new = || ReadBuffer { bytes: vec![0; READ].into_boxed_slice(), message: Vec::new() };
        SPARE.take().unwrap_or_else(new)
    }

    /// The next one needs it.
    pub fn give_back(self) {
        SPARE.set(Some(self));
    }
}
