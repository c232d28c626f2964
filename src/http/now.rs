//! Times as headers and logs show them, rendered once per second.

use std::cell::RefCell;

/// The current second, rendered.
#[derive(Clone, Debug, Default)]
pub struct Now {
    second: Option<u64>,
    /// `Sat, 21 Nov 2026 23:18:00 GMT`
    pub http: Vec<u8>,
    /// `21/Nov/2026:23:18:00 +0000`
    pub log: String,
    /// `2026-11-21T23:18:00+00:00`
    pub iso: String,
}

thread_local! {
    static NOW: RefCell<Now> = RefCell::default();
}

/// Shows `reader` the current second.
pub fn with<T>(reader: impl FnOnce(&Now) -> T) -> T {
    let second = rt::wall().as_secs();
    NOW.with_borrow_mut(|now| {
        if now.second != Some(second) {
            let local = sys::clock::local(second);
            now.second = Some(second);
            now.http = proto::date::format(second).to_vec();
            now.log = local.access_log();
            now.iso = local.iso8601();
        }
        reader(now)
    })
}
