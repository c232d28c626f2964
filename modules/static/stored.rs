//! Files that are compressed already: `FILE.gz`, `FILE.br`, `FILE.zst` in the place of `FILE`.

use http::Request;

/// One kind of such files.
pub struct Stored {
    pub coding: &'static str,
    pub suffix: &'static str,
    /// Also to clients that do not accept it.
    pub always: bool,
}

/// Those that this client may get, and those that caches are to be told of; the one that it likes best is the first. With
/// whether it may get it.
pub fn preferred<'s>(stored: &'s [Stored], request: &Request) -> Vec<(&'s Stored, bool)> {
    let vary = request.location().settings.compression.vary;
    let mut all: Vec<(&Stored, u32)> = stored
        .iter()
        .map(|stored| {
            let quality = request.coding_quality(stored.coding);
            (stored, if stored.always { quality.max(1) } else { quality })
        })
        .filter(|(_, quality)| *quality > 0 || vary)
        .collect();
    // Stable: of those that it likes as much, the first of the list.
    all.sort_by_key(|(_, quality)| std::cmp::Reverse(*quality));
    all.into_iter().map(|(stored, quality)| (stored, quality > 0)).collect()
}
