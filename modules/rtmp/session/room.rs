//! Where bytes are read to.

/// Bytes read at once.
const READ: usize = 64 << 10;

thread_local! {
    static ROOM: std::cell::Cell<Option<Box<[u8]>>> = const { std::cell::Cell::new(None) };
}

/// Room for bytes: one for all connections of a worker, unless one waits in the middle.
pub struct Room(pub Box<[u8]>);

impl Room {
    /// Takes it.
    pub fn take() -> Room {
        Room(ROOM.take().unwrap_or_else(|| vec![0; READ].into_boxed_slice()))
    }

    /// The next one needs it.
    pub fn give_back(self) {
        ROOM.set(Some(self.0));
    }
}
