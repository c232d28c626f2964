//! The cache manager: what nobody asks for any more goes, and what is too much.

use std::rc::Rc;

use sys::clock;

use crate::zone::Zone;

/// How often it looks, in milliseconds.
const PAUSE_MS: u64 = 1000;

/// Trims a cache, as long as the process lives.
pub async fn run(zone: Rc<Zone>) {
    loop {
        let more = trim(&zone);
        let pause = if more { zone.settings.manager.sleep } else { PAUSE_MS };
        rt::sleep(pause.max(1)).await;
    }
}

/// One go. `true`: there is more to do.
fn trim(zone: &Zone) -> bool {
    let Some(index) = zone.index() else { return false };
    let begun = clock::monotonic_ms();
    let now = clock::wall().as_secs();
    let lacks = lacks_room(zone);
    for _ in 0..zone.settings.manager.files {
        if clock::monotonic_ms() - begun > zone.settings.manager.threshold {
            return true;
        }
        let goes = |used: u32, blocks: u64| {
            let is_old = u64::from(used) + zone.settings.inactive <= now;
            is_old || lacks || zone.is_above(blocks)
        };
        let Some((digest, state)) = index.take_oldest(|state, all| goes(state.used, all)) else {
            return false;
        };
        if state.is_there {
            zone.delete(&[digest]);
        }
        if lacks && !lacks_room(zone) {
            return true;
        }
    }
    true
}

/// Whether the file system has less room than is to stay free.
fn lacks_room(zone: &Zone) -> bool {
    let least = zone.settings.min_free;
    least > 0 && sys::disk::free(&zone.settings.path).is_ok_and(|free| free < least)
}

/// After an answer was stored: what is too much goes at once, a little at a time. `kept` does not.
pub fn make_room(zone: &Zone, blocks: u64) {
    /// So many at most for one that comes.
    const MOST: usize = 4;
    if !zone.is_above(blocks) {
        return;
    }
    let Some(index) = zone.index() else { return };
    for _ in 0..MOST {
        let Some((digest, state)) = index.take_oldest(|_, all| zone.is_above(all)) else { return };
        if state.is_there {
            zone.delete(&[digest]);
        }
    }
}
