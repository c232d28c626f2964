//! Many laps of the ring: what is kept stays, what has no room is told, and a death at any step is
//! none to the others.

use super::world::World;
use crate::shape::{SMALLEST, Shape};
use crate::step::hooked;
use crate::{Durability, Error};

const SMALL: Shape = Shape { segment: 16 << 10, count: 6 };

fn world(shape: Shape) -> World {
    World::new(5, shape, 4096, Durability::Ack)
}

#[test]
fn what_is_kept_goes_round() {
    for len in [SMALLEST, 1 << 20, 3 << 20] {
        let shape = Shape::of(len).expect("a shape");
        assert!(shape.len() <= len && shape.segment >= 64 << 10);
        let mut world = world(shape);
        let mut written = 0;
        while written < 5 * len as usize {
            let size = world.random.below(1500);
            assert!(world.append(size, None));
            written += size;
            // A third of the ring is kept: nothing need be given up.
            world.evict_to(len as usize / 3);
        }
        if shape.count > 10 {
            assert!(!world.dropped, "given up without need in {len}");
        }
        let kept = world.kept();
        assert!(kept > 50);
        world.reopen(false);
        assert_eq!(world.certain, [1, 0]);
        assert!(world.kept() >= kept);
    }
}

#[test]
fn what_has_no_room_is_given_up_and_the_zone_told() {
    let mut world = world(SMALL);
    for _ in 0..2000 {
        assert!(world.append(300, None));
    }
    assert!(world.dropped);
    // About five segments of the six have something, a copy takes no more than the record.
    let all = 2000;
    assert!(world.kept() > 100 && world.kept() < all / 4, "{} are kept", world.kept());
    world.reopen(false);
    assert_eq!(world.certain, [1, 0]);
}

#[test]
fn the_largest_record_fits_wherever_the_head_is() {
    for shape in [SMALL, Shape::of(SMALLEST).expect("a shape"), Shape { segment: 8192, count: 3 }] {
        let mut world = world(shape);
        for n in 0..60 {
            let largest = world.largest();
            assert!(world.append(largest - n % 3, None), "{n} of {shape:?}");
            for _ in 0..n {
                assert!(world.append(n * 5, None));
            }
            if n % 7 == 0 {
                world.reopen(false);
            }
        }
        assert_eq!(world.certain[1], 0);
    }
    // A quarter of the smallest file is a quarter of a zone of its size, at least.
    assert!(world(Shape::of(SMALLEST).expect("a shape")).largest() > SMALLEST as usize / 4);
}

#[test]
fn a_larger_one_is_refused() {
    let mut world = world(SMALL);
    let largest = world.largest();
    let error = world.try_append(largest + 1).expect_err("too large");
    assert!(matches!(error, Error::TooLarge));
    assert!(world.append(largest, None));
}

/// Kills a process at every step of `work`; then another goes on, or a server starts.
fn die_everywhere(prepare: impl Fn() -> World, work: impl Fn(&mut World, Option<usize>)) -> usize {
    for after in 0..3 {
        for k in 0.. {
            let mut world = prepare();
            hooked::died();
            work(&mut world, Some(k));
            let died = hooked::died();
            match after {
                0 => world.reopen(false),
                1 => world.cut(),
                _ => {}
            }
            for size in [10, 5000, 10] {
                assert!(world.append(size, None));
            }
            world.reopen(false);
            if after != 1 {
                // The dead of one server leave no doubt, but for the ones that had to be taken back.
                assert!(world.certain[1] <= 1, "killed at {k}");
            }
            if !died {
                assert!(k > 2);
                if after == 2 {
                    return k;
                }
                break;
            }
        }
    }
    unreachable!()
}

#[test]
fn a_death_in_an_append_is_none_to_the_others() {
    for (seed, size) in [(0, 100), (20, 3000), (37, 9000), (60, 20000)] {
        let prepare = || {
            let mut world = world(SMALL);
            for n in 0..seed * 5 {
                assert!(world.append(n * 17 % 700, None));
            }
            world.evict_to(30000);
            world
        };
        let places = die_everywhere(prepare, |world, fuse| {
            world.append(size, fuse);
        });
        assert!(places > 5, "it was killed at {places} places only");
    }
}

#[test]
fn a_death_while_closing_or_beginning_is_none_to_the_others() {
    let prepare = || {
        let mut world = world(SMALL);
        for n in 0..50 {
            assert!(world.append(n * 17 % 700, None));
        }
        world
    };
    assert!(die_everywhere(prepare, |world, fuse| world.close(fuse)) > 4);
    let closed = || {
        let mut world = prepare();
        world.close(None);
        world
    };
    assert!(die_everywhere(closed, |world, fuse| world.begin(fuse)) > 3);
}

#[test]
fn a_seq_that_is_given_again_is_of_the_later_record() {
    // At a page's end a long name has no room and a short one has: the dead one's record stands behind
    // the one that got its seq.
    let mut skipped = 0;
    for fill in (2900..3900).step_by(20) {
        let mut world = world(SMALL);
        assert!(world.append_to(b"a", fill, None));
        let dead = world.append_to(&[b'z'; 255], 30, Some(hooked::LAST));
        assert!(!dead);
        assert!(world.append_to(b"a", 20, None));
        skipped += usize::from(world.is_in_first_page());
        world.reopen(false);
        assert_eq!(world.kept(), 2);
        assert_eq!(world.names(), [&b"a"[..]]);
    }
    assert!(skipped > 3);
}

#[test]
fn fragments_of_two_records_make_no_third() {
    // The dead one's second page stands where the next one's would, and that one dies before it.
    let mut halves = 0;
    for k in 0.. {
        // Each its own: the seed says whether who has written at last dies before the commit.
        let mut world = World::new(k as u64, SMALL, 4096, Durability::Ack);
        assert!(world.append_to(b"a", 100, None));
        assert!(!world.append_to(b"a", 6000, Some(hooked::LAST)));
        if world.append_to(b"a", 6000, Some(k)) {
            break;
        }
        world.reopen(false);
        halves += usize::from(world.kept() == 1);
    }
    // There was a place at which neither of the two was whole.
    assert!(halves > 0);
}

#[test]
fn what_was_copied_before_a_restart_is_not_copied_again() {
    let mut world = world(Shape { segment: 16 << 10, count: 12 });
    for n in 0..3000 {
        assert!(world.append(200, None));
        world.evict_to(60 << 10);
        if n % 5 == 0 {
            world.reopen(false);
            world.evict_to(60 << 10);
        }
    }
    assert!(!world.dropped, "copies of copies took the room");
}
