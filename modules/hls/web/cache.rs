//! Segments that were asked for: a worker copies each once.

use std::cell::RefCell;
use std::collections::HashMap;

use broadcast::ChannelId;
use mem::Str;

use crate::web::resource::Resource;

/// Bytes that are kept, unless one segment alone has more.
const MOST: usize = 64 << 20;

type Key = (ChannelId, Resource);

/// The newest by use.
#[derive(Default)]
struct Cache {
    entries: HashMap<Key, (Str, u64)>,
    bytes: usize,
    /// Counts uses.
    clock: u64,
}

thread_local! {
    static CACHE: RefCell<Cache> = RefCell::default();
}

/// What is kept of a stream's resource, or is made of it by `make`.
pub fn get(
    id: ChannelId,
    resource: Resource,
    make: impl FnOnce() -> Option<Vec<u8>>,
) -> Option<Str> {
    let known = CACHE.with_borrow_mut(|cache| {
        cache.clock += 1;
        let clock = cache.clock;
        cache.entries.get_mut(&(id, resource)).map(|(bytes, used)| {
            *used = clock;
            bytes.clone()
        })
    });
    known.or_else(|| {
        let bytes = Str::from(make()?);
        CACHE.with_borrow_mut(|cache| cache.add((id, resource), bytes.clone()));
        Some(bytes)
    })
}

impl Cache {
    fn add(&mut self, key: Key, bytes: Str) {
        self.bytes += bytes.len();
        while self.bytes > MOST && !self.entries.is_empty() {
            // There are a few hundred at most.
            let oldest = self.entries.iter().min_by_key(|(_, (_, used))| *used);
            let Some(oldest) = oldest.map(|(key, _)| *key) else { break };
            if let Some((gone, _)) = self.entries.remove(&oldest) {
                self.bytes -= gone.len();
            }
        }
        if let Some((before, _)) = self.entries.insert(key, (bytes, self.clock)) {
            self.bytes -= before.len();
        }
    }
}
