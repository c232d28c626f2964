//! Power cuts, deaths, copies: whatever happens, what was promised holds.

use super::world::World;
use super::{Random, setting};
use crate::Durability;
use crate::shape::Shape;

/// One history of a file, as its seed says.
fn history(seed: u64) -> World {
    let mut random = Random::new(seed ^ 0xabcd);
    let shapes = [(8 << 10, 4), (16 << 10, 3), (16 << 10, 6), (32 << 10, 5)];
    let (segment, count) = shapes[random.below(shapes.len())];
    let durabilities = [Durability::Ack, Durability::Ack, Durability::Interval, Durability::Off];
    let durability = durabilities[random.below(4)];
    let unit = if random.one_in(2) { 4096 } else { 512 };
    let mut world = World::new(seed, Shape { segment, count }, unit, durability);
    let fill = world.random.below((segment * count) as usize);
    let mut copies: Vec<Vec<u8>> = Vec::new();
    for _ in 0..40 + world.random.below(160) {
        let fuse = world.random.one_in(20).then(|| world.random.below(30));
        match world.random.below(60) {
            0 => {
                world.cut();
                continue;
            }
            1 => world.reopen(false),
            2 => {
                world.close(fuse);
                if fuse.is_none() && world.random.one_in(2) {
                    world.disk.restart();
                    world.reopen(false);
                }
            }
            3 => world.begin(fuse),
            4 => copies.push(world.disk.bytes()),
            5 if !copies.is_empty() => {
                let copy = world.random.below(copies.len());
                world.disk.restore(&copies[copy]);
                world.tampered = true;
                let doubts = world.certain[1];
                world.reopen(true);
                assert_eq!(world.certain[1], doubts + 1, "a copy was taken for the file");
            }
            6 => world.hand_over(),
            7..12 => world.sync(fuse),
            12 => run_full(&mut world, fuse),
            13..16 => world.disk.pass(50_000_000),
            _ => publish(&mut world, fuse, fill),
        }
        // Whoever died in the middle: another goes on, or all are gone, or so is the power.
        if fuse.is_some() {
            match world.random.below(3) {
                0 => {}
                1 => world.reopen(false),
                _ => world.cut(),
            }
        }
    }
    world.reopen(false);
    world
}

/// The disk is full for a while.
fn run_full(world: &mut World, fuse: Option<usize>) {
    let room = world.random.below(20);
    world.disk.set_room(Some(room));
    for _ in 0..world.random.below(10) {
        let len = world.random.below(3000);
        world.append(len, fuse);
    }
    world.disk.set_room(None);
}

/// A record of some length, in a zone of which no more than `fill` bytes are kept.
fn publish(world: &mut World, fuse: Option<usize>, fill: usize) {
    let len = match world.random.below(40) {
        0 => world.random.below(world.largest()),
        1..4 => world.random.below(9000.min(world.largest())),
        _ => world.random.below(900),
    };
    world.append(len, fuse);
    world.evict_to(fill);
    if world.wants_sync() && world.random.one_in(2) {
        world.sync(None);
    }
}

#[test]
fn what_is_promised_holds_at_any_cut() {
    let first = setting("RSERVE_WAL_SEED", 0);
    // One history again, or many.
    let seeds = setting("RSERVE_WAL_SEEDS", if first == 0 { 3000 } else { 1 });
    let (mut certain, mut replayed, mut dropped) = ([0; 2], 0, 0);
    for seed in first..first + seeds {
        let world = match std::panic::catch_unwind(|| history(seed)) {
            Ok(world) => world,
            Err(panic) => {
                eprintln!("RSERVE_WAL_SEED={seed} brings it back");
                std::panic::resume_unwind(panic);
            }
        };
        certain[0] += world.certain[0];
        certain[1] += world.certain[1];
        replayed += world.replayed;
        dropped += usize::from(world.dropped);
    }
    eprintln!("certain {certain:?}, replayed {replayed}, {dropped} gave something up");
    if seeds > 100 {
        // All of it was tried.
        assert!(certain[0] > 1000 && certain[1] > 1000 && replayed > 100_000 && dropped > 10);
    }
}

#[test]
fn a_header_is_left_whoever_died_while_writing_one() {
    // Two die one after the other with what they wrote in memory alone; then the power fails, and of
    // each page some sectors are new.
    for seed in 0..200 {
        let mut world = World::new(seed, Shape { segment: 8192, count: 4 }, 512, Durability::Ack);
        assert!(world.append(10, None));
        world.close(None);
        world.begin(Some(seed as usize % 7));
        world.begin(Some(seed as usize / 7 % 7));
        world.cut();
        assert!(world.append(10, None));
        world.reopen(false);
        assert_eq!(world.kept(), 2);
    }
}
