//! What was shared from a `Block` never changes, whatever its owner does next.

use mem::{Block, BufPool, Str};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<u8>),
    Share(prop::sample::Index, prop::sample::Index),
    Forget(prop::sample::Index),
    KeepFrom(prop::sample::Index),
    Clear,
    Grow(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300).prop_map(Step::Append),
        any::<(prop::sample::Index, prop::sample::Index)>().prop_map(|(a, b)| Step::Share(a, b)),
        any::<prop::sample::Index>().prop_map(Step::Forget),
        any::<prop::sample::Index>().prop_map(Step::KeepFrom),
        Just(Step::Clear),
        (0usize..3000).prop_map(Step::Grow),
    ]
}

proptest! {
    #[test]
    fn aliasing(steps in prop::collection::vec(step(), 0..60)) {
        let mut block = Block::take(100);
        let mut model: Vec<u8> = Vec::new();
        let mut shared: Vec<(Str, Vec<u8>)> = Vec::new();
        for step in steps {
            match step {
                Step::Append(bytes) => {
                    let fits = bytes.len() <= block.spare();
                    prop_assert_eq!(block.extend_from_slice(&bytes), fits);
                    if fits {
                        model.extend(&bytes);
                    }
                    block.spare_mut().fill(0xee);
                }
                Step::Share(a, b) => {
                    let (a, b) = (a.index(model.len() + 1), b.index(model.len() + 1));
                    let range = a.min(b)..a.max(b);
                    shared.push((block.share(range.clone()), model[range].to_vec()));
                }
                Step::Forget(which) if !shared.is_empty() => {
                    shared.swap_remove(which.index(shared.len()));
                }
                Step::Forget(_) => {}
                Step::KeepFrom(from) => {
                    let from = from.index(model.len() + 1);
                    block.keep_from(from);
                    model.drain(..from);
                }
                Step::Clear => {
                    block.clear();
                    model.clear();
                }
                Step::Grow(capacity) => {
                    block.grow(capacity);
                    prop_assert!(block.capacity() >= capacity);
                }
            }
            prop_assert_eq!(block.filled(), &model[..]);
            for (string, bytes) in &shared {
                prop_assert_eq!(&string[..], &bytes[..]);
            }
        }
        prop_assert_eq!(block.freeze(), Str::from(model));
    }
}

#[test]
fn blocks_come_back() {
    BufPool::trim();
    let mut block = Block::take(3000);
    assert_eq!(block.capacity(), 4096);
    block.advance(10);
    let part = block.share(2..5);
    drop(block);
    assert_eq!(BufPool::stats().cached, 0, "a string still shares it");
    drop(part);
    assert_eq!(BufPool::stats().cached, 4096);
    let again = Block::take(4096);
    assert_eq!((again.len(), BufPool::stats().cached), (0, 0));
    drop(again);
    BufPool::trim();
    assert_eq!(BufPool::stats().cached, 0);
}

#[test]
fn the_pool_is_bounded_and_leaves_large_blocks_out() {
    BufPool::trim();
    drop(Block::take(100_000));
    assert_eq!(BufPool::stats().cached, 0);
    drop((0..100).map(|_| Block::take(65_536)).collect::<Vec<_>>());
    assert_eq!(BufPool::stats().cached, 1 << 20);
    BufPool::trim();
}

#[test]
#[should_panic = "past the end"]
fn a_block_ends_at_its_capacity() {
    let mut block = Block::take(1);
    block.advance(block.capacity() + 1);
}
