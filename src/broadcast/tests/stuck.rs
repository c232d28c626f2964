//! A process that stands still with the lock: nobody waits for it for ever.

use shm::{Holder, PATIENCE_MS};

use super::{append, spawn, wait, zone};
use crate::{Attributes, Zone};

/// A child that takes the lock and stops. Gives its number once it stands.
fn stop_with_the_lock(zone: &'static Zone) -> i32 {
    let child = spawn(|| {
        let _locked = zone.lock();
        // SAFETY: stops this process, the child.
        unsafe { libc::kill(libc::getpid(), libc::SIGSTOP) };
    });
    let mut status = 0;
    // SAFETY: `status` is valid for the call.
    unsafe { libc::waitpid(child, &mut status, libc::WUNTRACED) };
    assert!(libc::WIFSTOPPED(status));
    child
}

/// How many looks, `pause` milliseconds apart, it takes until the holder is named.
fn looks(zone: &Zone, pause: u64, most: u64) -> Option<(u64, i32)> {
    let mut holder = Holder::default();
    (0..most).find_map(|look| Some((look, zone.look(&mut holder, look * pause, PATIENCE_MS)?)))
}

#[test]
fn who_only_tries_is_never_kept_and_learns_who_it_is() {
    let zone = zone(1 << 20, 256);
    append(zone, "a", b"x", &Attributes::default());
    let child = stop_with_the_lock(zone);
    assert!(zone.sweep(child).is_none());
    let head = |_: u64, _: &mut Vec<u8>| {};
    assert!(zone.try_append(b"a", &Attributes::default(), head, &[]).is_none());
    assert_eq!(looks(zone, 100, 30), Some((20, child)), "after two seconds");
    // An observer that was frozen with the others has not seen two seconds pass.
    assert_eq!(looks(zone, 3_600_000, 30), Some((4, child)));
    sys::process::kill(child, sys::signal::SIGKILL).expect("killed");
    assert_eq!(wait(child), 9);
    assert_eq!(looks(zone, 1000, 10), None);
    assert!(zone.sweep(child).is_some(), "and what it left is mended");
    zone.lock().verify();
}

#[test]
fn who_waits_ends_it_should_no_master_do_so() {
    let zone = zone(1 << 20, 256);
    let child = stop_with_the_lock(zone);
    // Ten seconds: the master's two have passed without it.
    append(zone, "a", b"x", &Attributes::default());
    assert_eq!(wait(child), 9);
    zone.lock().verify();
}

#[test]
fn who_gets_on_is_left_alone() {
    let zone = zone(1 << 20, 256);
    let mut holder = Holder::default();
    for look in 0..100 {
        append(zone, "a", b"x", &Attributes::default());
        let locked = zone.lock();
        assert_eq!(zone.look(&mut holder, look * 500, PATIENCE_MS), None);
        drop(locked);
    }
}
