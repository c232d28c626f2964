//! Where bytes are read to.

/// Bytes read at once.
const READ: usize = 64 << 10;

thread_local! {
    static ROOM: std::cell::Cell<Option<Box<[u8]>>> = const { std::cell::Cell::new(None) };
}

/// ReadBuffer for bytes: one for all connections of a worker, unless one waits in the middle.
pub struct ReadBuffer(pub Box<[u8]>);

impl ReadBuffer {
    /// Takes it.
    pub fn take() -> ReadBuffer {
        ReadBuffer(ROOM.take().unwrap_or_else(|| vec![0; READ].into_boxed_slice()))
    }

    /// The next one needs it.
    pub fn give_back(self) {
        ROOM.set(Some(self.0));
    }
}
