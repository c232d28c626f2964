//! Segments that were asked for: a worker copies each once, and sends the large ones without a copy where that is possible.

use std::cell::RefCell;
use std::rc::Rc;

use broadcast::ChannelId;
use http::Request;
use lru::LruCache;
use mem::{Buf, Str};

use crate::web::resource::Resource;

/// Bytes that are kept, unless one segment alone has more.
const MOST: u64 = 64 << 20;
/// From this size on it is worth a descriptor.
const LARGE: usize = 256 << 10;
/// One of so many of the worker's descriptors: other threads, which write files, cannot ask for them back.
const FILES_SHARE: u64 = 4;

/// `true`: as a file, where it is large.
type Key = (ChannelId, Resource, bool);

/// The newest by use.
struct Cache {
    entries: LruCache<Key, Buf>,
    bytes: u64,
    /// Those that have descriptors.
    files: u64,
    /// Who has no descriptor left asks here.
    asked: bool,
}

thread_local! {
    static CACHE: RefCell<Cache> =
        RefCell::new(Cache { entries: LruCache::unbounded(), bytes: 0, files: 0, asked: false });
}

/// What is kept of a stream's resource, or is made of it by `make`, for an answer to this request.
pub fn get(
    request: &Request,
    id: ChannelId,
    resource: Resource,
    make: impl FnOnce() -> Option<Vec<u8>>,
) -> Option<Buf> {
    // Elsewhere a file would be read for each client.
    let settings = &request.location().settings;
    let as_file = settings.sendfile && !settings.aio_threads && !request.connection.is_encrypted();
    let key = (id, resource, as_file);
    let known = CACHE.with_borrow_mut(|cache| cache.entries.get(&key).cloned());
    known.or_else(|| {
        let bytes = buf(make()?, as_file);
        CACHE.with_borrow_mut(|cache| cache.add(key, bytes.clone()));
        Some(bytes)
    })
}

/// Without a descriptor for it, it is in our own memory.
fn buf(bytes: Vec<u8>, as_file: bool) -> Buf {
    let make = || sys::memory_file::with(c"rserve segment", &bytes);
    let file = || sys::descriptors::retry(make).ok();
    match (as_file && bytes.len() >= LARGE).then(file).flatten() {
        Some(file) => Buf::file(Rc::new(file), 0, bytes.len() as u64),
        None => Buf::memory(Str::from(bytes)),
    }
}

/// Gives back the descriptors. `false`: there are none.
fn close_files() -> bool {
    CACHE.with(|cache| cache.try_borrow_mut().is_ok_and(|mut cache| cache.close_files()))
}

impl Cache {
    fn add(&mut self, key: Key, bytes: Buf) {
        if matches!(bytes, Buf::File(_)) && !std::mem::replace(&mut self.asked, true) {
            sys::descriptors::on_shortage(close_files);
        }
        self.count(&bytes, 1);
        let most_files = sys::process::file_limit() / FILES_SHARE;
        while self.bytes > MOST
            && let Some((_, gone)) = self.entries.pop_lru()
        {
            self.count(&gone, -1);
        }
        if self.files > most_files {
            let oldest = self.entries.iter().rev().find(|(_, buf)| matches!(buf, Buf::File(_)));
            let oldest = oldest.map(|(key, _)| *key);
            let gone = oldest.and_then(|key| self.entries.pop(&key));
            gone.iter().for_each(|gone| self.count(gone, -1));
        }
        if let Some(before) = self.entries.put(key, bytes) {
            self.count(&before, -1);
        }
    }

    /// One more, or one less.
    fn count(&mut self, buf: &Buf, by: i64) {
        self.bytes = self.bytes.saturating_add_signed(by * buf.len() as i64);
        self.files = self.files.saturating_add_signed(by * i64::from(matches!(buf, Buf::File(_))));
    }

    fn close_files(&mut self) -> bool {
        let files = self.entries.iter().filter(|(_, buf)| matches!(buf, Buf::File(_)));
        let files: Vec<Key> = files.map(|(key, _)| *key).collect();
        for gone in files.iter().filter_map(|key| self.entries.pop(key)).collect::<Vec<Buf>>() {
            self.count(&gone, -1);
        }
        !files.is_empty()
    }
}
