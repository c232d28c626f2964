//! What is told is known to all for its time, one finds it out, and a death keeps nobody from it.

use std::collections::HashMap;

use fastrand::Rng;

use super::*;
use crate::tests::in_child;

const KEY: usize = 20;
const VALUE: usize = 5;
const LEASE: u64 = 100;

fn cache(count: usize) -> Cache {
    let region = Region::create("cache-test", Cache::size(count, KEY, VALUE)).expect("memory");
    Cache::of(region.into(), KEY, VALUE).expect("a cache")
}

/// The right to find this out.
fn lease<'c>(cache: &'c Cache, key: &[u8], now: u64) -> Lease<'c> {
    match cache.ask(key, now, LEASE) {
        Asked::Unknown(lease) => lease,
        other => panic!("{other:?}"),
    }
}

fn known(cache: &Cache, key: &[u8], now: u64) -> Option<Vec<u64>> {
    match cache.ask(key, now, LEASE) {
        Asked::Known { value, .. } => Some(value),
        _ => None,
    }
}

#[test]
fn one_finds_out_and_all_know_it_for_its_time() {
    let cache = cache(8);
    let first = lease(&cache, b"name", 10);
    assert!(matches!(cache.ask(b"name", 10, LEASE), Asked::BeingFound));
    assert!(matches!(cache.ask(b"another", 10, LEASE), Asked::Unknown(_)));
    first.tell(&[1, 2, 3], 50);
    match cache.ask(b"name", 49, LEASE) {
        Asked::Known { value, until } => assert_eq!((value, until), (vec![1, 2, 3], 50)),
        other => panic!("{other:?}"),
    }
    // Its time is over: one finds it out again.
    lease(&cache, b"name", 50).tell(&[], 90);
    assert_eq!(known(&cache, b"name", 60), Some(vec![]));
    // Who gives the right back leaves it to the next.
    drop(lease(&cache, b"name", 90));
    let last = lease(&cache, b"name", 90);
    assert!(matches!(cache.ask(b"name", 90, LEASE), Asked::BeingFound));
    // More than there is room for is nothing that others know.
    last.tell(&[9; VALUE + 1], 200);
    lease(&cache, b"name", 91).tell(&[9; VALUE], 200);
    assert_eq!(known(&cache, b"name", 91), Some(vec![9; VALUE]));
    assert!(matches!(cache.ask(&[b'x'; 25], 1, LEASE), Asked::NoPlace));
    assert!(matches!(cache.ask(&[b'x'; 24], 1, LEASE), Asked::Unknown(_)));
}

#[test]
fn a_lease_ends_with_its_time_and_what_comes_later_is_not_kept() {
    let cache = cache(8);
    let slow = lease(&cache, b"name", 0);
    assert!(matches!(cache.ask(b"name", LEASE - 1, LEASE), Asked::BeingFound));
    let second = lease(&cache, b"name", LEASE);
    slow.tell(&[1], 1000);
    assert!(matches!(cache.ask(b"name", LEASE, LEASE), Asked::BeingFound));
    second.tell(&[2], 1000);
    assert_eq!(known(&cache, b"name", LEASE), Some(vec![2]));
}

#[test]
fn what_was_not_used_for_longest_makes_room_but_not_what_is_being_found() {
    let cache = cache(SET);
    let key = |n: u64| n.to_le_bytes();
    (1..=8).for_each(|n| lease(&cache, &key(n), n).tell(&[n], 1000));
    assert_eq!(known(&cache, &key(1), 9), Some(vec![1]));
    lease(&cache, &key(9), 10).tell(&[9], 1000);
    for n in [1, 3, 4, 5, 6, 7, 8, 9] {
        assert_eq!(known(&cache, &key(n), 11), Some(vec![n]));
    }
    assert_eq!(known(&cache, &key(2), 11), None);
    let leases: Vec<_> = (20..28).map(|n| lease(&cache, &key(n), 12)).collect();
    assert!(matches!(cache.ask(&key(30), 12, LEASE), Asked::NoPlace));
    drop(leases);
    assert!(matches!(cache.ask(&key(30), 12, LEASE), Asked::Unknown(_)));
}

/// Whatever is known of a key is what was told of it last, while that is valid.
#[test]
fn nobody_is_told_what_is_another_keys() {
    for seed in 1..40 {
        let (cache, mut random) = (cache(2 * SET), Rng::with_seed(seed));
        let mut told: HashMap<Vec<u8>, (Vec<u64>, u64)> = HashMap::new();
        let mut hits = 0;
        for now in 1..1000 {
            let key = vec![random.u8(..6); random.usize(..KEY)];
            match cache.ask(&key, now, LEASE) {
                Asked::Known { value, until } => {
                    assert!(now < until);
                    assert_eq!(told.get(&key), Some(&(value, until)));
                    hits += 1;
                }
                Asked::Unknown(lease) if random.u8(..4) > 0 => {
                    let value = vec![now; random.usize(..=VALUE)];
                    let until = now + random.u64(1..60);
                    lease.tell(&value, until);
                    told.insert(key, (value, until));
                }
                Asked::Unknown(_) => {}
                Asked::BeingFound | Asked::NoPlace => panic!("nobody has a lease"),
            }
        }
        assert!(hits > 50, "{hits}");
    }
}

/// Wherever it is killed, the value is the old one, the new one or none, and who asks next need not wait.
#[test]
fn who_is_killed_leaves_a_whole_value_and_no_lease() {
    let cache = cache(SET);
    lease(&cache, b"other", 1).tell(&[7; VALUE], 1000);
    let mut found = [0; 2];
    let places = (0..).take_while(|&left| {
        lease(&cache, b"name", 20).tell(&[1, 1], 30);
        let ended = in_child(left, &|| {
            lease(&cache, b"name", 30).tell(&[2, 2, 2], 1000);
            // Another key takes the place of the one that was not used for longest: in all, those of this set.
            (0..SET as u64).for_each(|n| lease(&cache, &n.to_le_bytes(), 40).tell(&[n], 35));
        });
        assert!(ended == 0 || ended == 9, "the child ended with {ended}");
        match cache.ask(b"name", 29, LEASE) {
            Asked::Known { value, until: 30 } if value == [1, 1] => found[0] += 1,
            Asked::Known { value, until: 1000 } if value == [2, 2, 2] => found[1] += 1,
            Asked::Unknown(_) => {}
            other => panic!("{other:?}"),
        }
        // All places can be had, and what is in them is their key's.
        for n in 0..SET as u64 {
            match cache.ask(&n.to_le_bytes(), 34, LEASE) {
                Asked::Known { value, .. } => assert_eq!(value, [n]),
                Asked::Unknown(lease) => drop(lease),
                other => panic!("{other:?}"),
            }
        }
        match cache.ask(b"other", 41, LEASE) {
            Asked::Known { value, .. } => assert_eq!(value, [7; VALUE]),
            Asked::Unknown(lease) => lease.tell(&[7; VALUE], 1000),
            other => panic!("{other:?}"),
        }
        ended == 9
    });
    assert!(places.count() > 80 && found.iter().all(|&times| times > 3), "{found:?}");
}

#[test]
fn another_shape_or_another_thing_is_no_cache() {
    let region = |len| Arc::new(Region::create("cache-test", len).expect("memory"));
    assert!(Cache::of(region(Cache::size(1, KEY, VALUE) - 1), KEY, VALUE).is_err());
    let one = region(Cache::size(8, KEY, VALUE));
    let first = Cache::of(one.clone(), KEY, VALUE).expect("a cache");
    lease(&first, b"name", 1).tell(&[3], 9);
    assert_eq!(known(&Cache::of(one.clone(), KEY, VALUE).expect("it"), b"name", 2), Some(vec![3]));
    assert!(Cache::of(one.clone(), KEY - 8, VALUE).is_err());
    assert!(Cache::of(one, KEY, VALUE - 1).is_err());
    let other = region(1 << 16);
    other.claim();
    assert!(Cache::of(other, KEY, VALUE).is_err(), "shared, and never made");
}
