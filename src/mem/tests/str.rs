//! `Str` behaves as the byte vector it stands for, whatever it shares.

use mem::{BufPool, Str};
use proptest::prelude::*;
use std::collections::HashMap;

proptest! {
    #[test]
    fn slices_are_those_of_a_vector(
        bytes in prop::collection::vec(any::<u8>(), 0..2000),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..8),
    ) {
        let mut string = Str::copy(&bytes);
        let mut model = &bytes[..];
        for (a, b) in cuts {
            let (a, b) = (a.index(model.len() + 1), b.index(model.len() + 1));
            let range = a.min(b)..a.max(b);
            string = string.slice(range.clone());
            model = &model[range];
            prop_assert_eq!(&string, &model);
            prop_assert_eq!(string.clone(), Str::from(model.to_vec()));
        }
    }

    #[test]
    fn order_is_that_of_bytes(a: Vec<u8>, b: Vec<u8>) {
        prop_assert_eq!(Str::copy(&a).cmp(&Str::copy(&b)), a.cmp(&b));
    }
}

#[test]
fn static_strings_cost_no_block() {
    let before = BufPool::stats();
    let hello = Str::from("hello world");
    assert_eq!(hello.slice(6..), b"world");
    assert_eq!(hello.clone(), hello);
    assert_eq!(BufPool::stats(), before);
}

#[test]
fn the_last_owner_frees() {
    let before = BufPool::stats().allocated;
    let whole = Str::copy(&[7; 1000]);
    let part = whole.slice(990..);
    drop(whole);
    assert_eq!(BufPool::stats().allocated, before + 1000);
    assert_eq!(part, &[7; 10]);
    drop(part);
    assert_eq!(BufPool::stats().allocated, before);
}

#[test]
fn a_found_part_becomes_a_string() {
    let line = Str::copy(b"Host: example.org");
    let found = line.split(|&byte| byte == b' ').nth(1).unwrap();
    assert_eq!(line.slice_of(found), Some(Str::from("example.org")));
    assert_eq!(line.slice_of(b"elsewhere"), None);
}

#[test]
fn maps_are_searched_by_bytes() {
    let map = HashMap::from([(Str::from("a"), 1), (Str::copy(b"b"), 2)]);
    assert_eq!(map.get(&b"b"[..]), Some(&2));
}

#[test]
fn text_forms() {
    let odd = Str::copy(b"a\"\n\xff");
    assert_eq!(format!("{odd:?}"), r#""a\"\n\xff""#);
    assert_eq!(format!("{odd}"), "a\"\n\u{FFFD}");
    assert_eq!(odd.as_str(), None);
    assert_eq!(Str::EMPTY.as_str(), Some(""));
}

#[test]
#[should_panic = "out of"]
fn a_slice_stays_inside() {
    let _ = Str::from("abc").slice(2..4);
}

#[test]
fn strings_may_outlive_the_pool_of_their_thread() {
    thread_local!(static KEPT: std::cell::RefCell<Vec<Str>> = const { std::cell::RefCell::new(Vec::new()) });
    std::thread::spawn(|| {
        KEPT.with_borrow_mut(|kept| kept.push(Str::copy(&[1; 512])));
        let mut block = mem::Block::take(512);
        block.advance(512);
        KEPT.with_borrow_mut(|kept| kept.push(block.freeze()));
    })
    .join()
    .unwrap();
}
