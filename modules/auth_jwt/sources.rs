//! Where keys come from: files, which are read again when they have changed, and subrequests, whose keys count for a time.

use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::sync::Arc;

use http::parsed::Parsed;
use http::{Request, Subrequest};
use lru::LruCache;
use mem::Str;

use crate::keys::Keys;

/// Keys, or why there are none.
pub type Read = Result<Keys, &'static str>;

/// URIs whose keys are kept.
const MOST: NonZeroUsize = NonZeroUsize::new(64).unwrap();

/// A URI, and the server that it is of.
type Place = (usize, Str);
/// Keys, and when they were asked for, in the loop's milliseconds.
type Kept = (u64, Arc<Read>);

thread_local! {
    /// The files of all locations.
    static FILES: Parsed<Read> = Parsed::new(Keys::parse);
    /// Keys of subrequests.
    static ASKED: RefCell<LruCache<Place, Kept>> = RefCell::new(LruCache::new(MOST));
}

/// Of a file, if they are known. The error is for the log.
pub fn known_file(path: &[u8]) -> Result<Option<Arc<Read>>, String> {
    FILES.with(|files| files.known(path)).map_err(|error| error.to_string())
}

/// Of a file.
pub async fn file(path: &[u8], longest: u64) -> Result<Arc<Read>, String> {
    if let Some(known) = known_file(path)? {
        return Ok(known);
    }
    Parsed::read(&FILES, path, longest).await.map_err(|error| error.to_string())
}

/// Of a subrequest, if they were asked for a moment ago.
pub fn known_asked(request: &Request, uri: &Str, valid: u64) -> Option<Arc<Read>> {
    let known = ASKED.with_borrow_mut(|asked| asked.get(&place(request, uri)).cloned());
    let (since, keys) = known?;
    (rt::now().saturating_sub(since) < valid).then_some(keys)
}

/// Of a subrequest.
pub async fn ask(
    request: &Request,
    uri: &Str,
    valid: u64,
    longest: usize,
) -> Result<Arc<Read>, String> {
    if let Some(known) = known_asked(request, uri, valid) {
        return Ok(known);
    }
    let (path, args) = match uri.iter().position(|&byte| byte == b'?') {
        Some(at) => (uri.slice(..at), uri.slice(at + 1..)),
        None => (uri.clone(), Str::EMPTY),
    };
    let asked = Subrequest::new(request, path, args);
    let mut asked = asked.ok_or("subrequests go in circles")?;
    asked.done().await;
    let status = asked.response.status;
    if status != 200 {
        return Err(format!("its status is {status}"));
    }
    let body = asked.response.body.read_whole(longest).await;
    let keys = Arc::new(Keys::parse(&body.map_err(|error| error.to_string())?));
    if valid > 0 && keys.is_ok() {
        let kept = (rt::now(), keys.clone());
        // What stands in a request's memory goes with it.
        let place = (place(request, uri).0, Str::copy(uri));
        ASKED.with_borrow_mut(|asked| drop(asked.put(place, kept)));
    }
    Ok(keys)
}

fn place(request: &Request, uri: &Str) -> Place {
    (std::ptr::from_ref(request.server()).addr(), uri.clone())
}
