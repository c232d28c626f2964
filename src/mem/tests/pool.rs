//! A `Pool` hands out strings that outlive its resets, and runs its clean-ups backwards.

use mem::{BufPool, Pool, Str};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Copy(Vec<u8>),
    Write(Vec<Vec<u8>>),
    Forget(prop::sample::Index),
    Reset,
}

fn step() -> impl Strategy<Value = Step> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..3000);
    prop_oneof![
        4 => bytes().prop_map(Step::Copy),
        2 => prop::collection::vec(bytes(), 0..5).prop_map(Step::Write),
        3 => any::<prop::sample::Index>().prop_map(Step::Forget),
        1 => Just(Step::Reset),
    ]
}

proptest! {
    #[test]
    fn strings_never_change(steps in prop::collection::vec(step(), 0..40)) {
        let mut pool = Pool::new();
        let mut held: Vec<(Str, Vec<u8>)> = Vec::new();
        for step in steps {
            match step {
                Step::Copy(bytes) => held.push((pool.copy(&bytes), bytes)),
                Step::Write(parts) => {
                    let string = pool.write(|writer| parts.iter().for_each(|part| writer.push(part)));
                    held.push((string, parts.concat()));
                }
                Step::Forget(which) if !held.is_empty() => {
                    held.swap_remove(which.index(held.len()));
                }
                Step::Forget(_) => {}
                Step::Reset => pool.reset(),
            }
            for (string, bytes) in &held {
                prop_assert_eq!(&string[..], &bytes[..]);
            }
        }
    }
}

#[test]
fn a_new_pool_has_no_memory_and_a_reset_reuses_it() {
    BufPool::trim();
    let mut pool = Pool::new();
    assert_eq!(BufPool::stats().allocated, 0);
    let first = pool.copy(b"first").as_ptr();
    pool.reset();
    let second = pool.copy(b"second");
    assert_eq!(second.as_ptr(), first, "nobody held the block");
    pool.reset();
    assert_ne!(pool.copy(b"third").as_ptr(), first, "`second` holds it");
    assert_eq!(second, b"second");
    pool.release();
    drop(second);
    let stats = BufPool::stats();
    assert_eq!(stats.allocated, stats.cached);
}

#[test]
fn text_is_rendered_in_place() {
    let mut pool = Pool::new();
    assert_eq!(pool.format(format_args!("{}-{:x}", 1, 255)), b"1-ff");
    assert_eq!(pool.format(format_args!("")), b"");
    let long = "x".repeat(9000);
    assert_eq!(pool.format(format_args!("{long}{long}")).len(), 18_000);
}
