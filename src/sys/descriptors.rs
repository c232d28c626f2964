//! Descriptors: how many there may be, and what is given back when they run out.

use std::cell::RefCell;
use std::io;

/// Gives descriptors back that are kept for convenience. `true`: there were some.
pub type Reclaim = fn() -> bool;

thread_local! {
    static RECLAIM: RefCell<Vec<Reclaim>> = const { RefCell::new(Vec::new()) };
}

/// Has `reclaim` called on this thread when the system has no descriptor left.
pub fn on_shortage(reclaim: Reclaim) {
    RECLAIM.with_borrow_mut(|all| all.push(reclaim));
}

/// Makes a call that needs a descriptor; when there is none, once more after what is only kept has
/// been given back.
pub fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    match call() {
        Err(error) if is_shortage(&error) && reclaim() => call(),
        result => result,
    }
}

/// Whether a call failed because this process, or the system, has no descriptor left.
pub fn is_shortage(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}

fn reclaim() -> bool {
    let all = RECLAIM.with_borrow(Clone::clone);
    all.iter().any(|reclaim| reclaim())
}
