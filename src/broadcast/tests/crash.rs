//! kill -9 at every step of every operation: what was there stays, what was not done is not there.

use super::{append, in_child, read_all, zone};
use crate::step::hooked;
use crate::{Attributes, Reading, Zone};

/// Runs `operation` in a child that is killed at its `k`th step, for every k until it comes through;
/// after each death the zone must be whole. Gives how many places it was killed at.
fn die_everywhere(zone: &'static Zone, operation: impl Fn(usize)) -> usize {
    for k in 0.. {
        let ended = in_child(|| {
            let mut left: usize = k;
            let die = move |_: &'static str| {
                if left == 0 {
                    // SAFETY: kills this process, the child.
                    unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
                }
                left = left.saturating_sub(1);
            };
            hooked::set(Some(Box::new(die)));
            operation(k);
        });
        zone.lock().verify();
        match ended {
            0 => return k,
            9 => {}
            other => panic!("the child ended with {other}"),
        }
    }
    unreachable!()
}

#[test]
fn an_append_is_done_or_not() {
    let zone = zone(1 << 20, 256);
    let reader = zone.attach().expect("a row");
    let (id, _) = reader.subscribe(b"a").expect("a channel");
    let mut wanted = Vec::new();
    for round in 0..4u8 {
        let body = vec![round; 40 + usize::from(round) * 400];
        let places = die_everywhere(zone, |_| {
            append(zone, "a", &body, &Attributes::default());
        });
        assert!(places > 5, "it was killed at {places} places only");
        // Each child's record is there or not; those that are there are whole, and in order.
        let found = read_all(&reader, &[id], 0);
        let seqs: Vec<u64> = found.iter().map(|(seq, _)| *seq).collect();
        assert!(seqs.is_sorted_by(|a, b| a < b));
        assert!(found.iter().filter(|(_, b)| *b == body).count() >= 1);
        let is_whole = |body: &[u8]| body == b"after" || body.iter().all(|&byte| byte == body[0]);
        assert!(found.iter().all(|(_, body)| is_whole(body)));
        assert_eq!(found[..wanted.len()], wanted[..], "what was there has changed");
        wanted = found;
        let seq = append(zone, "a", b"after", &Attributes::default());
        wanted.push((seq, b"after".to_vec()));
        assert_eq!(read_all(&reader, &[id], 0), wanted);
    }
}

#[test]
fn an_eviction_loses_only_the_oldest() {
    let zone = zone(128 << 10, 256);
    let reader = zone.attach().expect("a row");
    let (id, _) = reader.subscribe(b"a").expect("a channel");
    let mut number = 0u32;
    for size in [10usize, 300, 1500] {
        for _ in 0..1500 {
            number += 1;
            append(zone, "a", &number.to_le_bytes().repeat(size), &Attributes::default());
        }
        die_everywhere(zone, |k| {
            append(
                zone,
                "a",
                &(k as u32 | 1 << 31).to_le_bytes().repeat(size),
                &Attributes::default(),
            );
        });
        let newest = zone.newest();
        let info = zone.channel_info(b"a").expect("there");
        let found = read_all(&reader, &[id], info.oldest - 1);
        assert_eq!(found.last().map(|(seq, _)| *seq), Some(newest));
        // From the oldest on there is no hole: every seq is a record of this one channel.
        assert_eq!(found.len() as u64, newest + 1 - info.oldest);
        assert!(found.iter().all(|(_, body)| body.chunks(4).all(|word| word == &body[..4])));
        assert!(matches!(
            reader.read(&[id], info.oldest - 2, None, Default::default()),
            Reading::Lagged { upto } if upto == info.oldest - 1
        ));
    }
}

/// Sweeps all but the process that this test runs in.
fn sweep_the_dead(zone: &'static Zone, alive: i32) {
    let pid = |row: usize| zone.memory.row(row).pid.get() as i32;
    for pid in (0..8).map(pid).filter(|&pid| pid != 0 && pid != alive) {
        zone.sweep(pid);
    }
}

#[test]
fn of_whoever_dies_while_he_counts_nothing_is_left() {
    let zone = zone(1 << 20, 256);
    let reader = zone.attach().expect("a row");
    reader.join(b"here");
    let alive = sys::process::pid();
    let ours = [reader.count_address(b"192.0.2.1").1, reader.count_client()];
    assert_eq!(ours, [1, 1]);
    // A whole life: whatever is counted, and what is taken back, killed at each step of it.
    let places = die_everywhere(zone, |_| {
        let attachment = zone.attach().expect("a row");
        attachment.join(b"here");
        let (pattern, _) = attachment.join_pattern(b"h");
        let (address, _) = attachment.count_address(b"192.0.2.1");
        attachment.count_client();
        for n in 0..200u8 {
            attachment.join(&[n, n]);
        }
        append(zone, "there", b"x", &Attributes { max_age: 1, ..Default::default() });
        attachment.join(b"there");
        attachment.leave_pattern(pattern);
        attachment.discount_address(address);
        attachment.wait_no_more(b"here");
        attachment.discount_client();
        attachment.leave();
        std::mem::forget(attachment);
        // Those before it are swept by a master that may die, too.
        sweep_the_dead(zone, alive);
    });
    assert!(places > 400, "it was killed at {places} places only");
    sweep_the_dead(zone, alive);
    zone.lock().verify();
    assert_eq!(zone.info().processes, 1);
    assert_eq!((zone.info().subscribers, zone.lock().waiting_for(b"here")), (1, 1));
    assert_eq!((reader.count_address(b"192.0.2.1").1, reader.count_client()), (2, 2));
    let head = |_: u64, _: &mut Vec<u8>| {};
    let told = zone.append(b"here", &Attributes::default(), head, &[b"x"]).expect("appended");
    assert_eq!(told.subscribers, 1);
    let rows = (1..8).map(|row| zone.memory.row(row));
    assert!(rows.into_iter().all(|row| row.counted.iter().all(|counted| counted.get() == 0)));
}

#[test]
fn channels_and_interest_survive() {
    let zone = zone(1 << 20, 256);
    let reader = zone.attach().expect("a row");
    die_everywhere(zone, |k| {
        append(
            zone,
            &format!("channel {k}"),
            b"x",
            &Attributes { max_age: 1, ..Default::default() },
        );
    });
    let alive = sys::process::pid();
    // A child that dies as a subscriber is counted until it is swept, and then no more.
    die_everywhere(zone, |_| {
        let attachment = zone.attach().expect("a row");
        let _ = attachment.subscribe(b"here").expect("a channel");
        std::mem::forget(attachment);
    });
    sweep_the_dead(zone, alive);
    zone.lock().verify();
    assert_eq!(zone.channel_info(b"here").map(|info| info.subscribers), Some(0));
    assert_eq!(zone.info().processes, 1);
    die_everywhere(zone, |_| {
        let locked = zone.lock();
        let later = zone.now() + 1000;
        for index in locked.memory.channels() {
            let channel = locked.memory.channel(index);
            locked.trim(index, later, 0, usize::MAX);
            if channel.state.get() == 1 && channel.first.get() == 0 {
                locked.remove(index);
            }
        }
    });
    assert_eq!(zone.info().channels, 0);
    drop(reader);
}

#[test]
fn what_a_dead_reader_was_reading_is_freed() {
    let zone = zone(128 << 10, 256);
    append(zone, "a", &[1; 5000], &Attributes::default());
    let id = zone.find(b"a").expect("there");
    let child = in_child(|| {
        let attachment = zone.attach().expect("a row");
        match attachment.read(&[id], 0, None, Default::default()) {
            // SAFETY: kills this process, the child, while the batch is pinned.
            Reading::Batch(_batch) => unsafe {
                libc::kill(libc::getpid(), libc::SIGKILL);
            },
            _ => panic!("nothing to read"),
        }
    });
    assert_eq!(child, 9);
    for _ in 0..500 {
        append(zone, "a", &[2; 300], &Attributes::default());
    }
    let pinned = zone.info();
    let dead = (0..8).map(|row| zone.memory.row(row).pid.get() as i32).find(|&pid| pid != 0);
    zone.sweep(dead.expect("the dead one's row"));
    zone.lock().reclaim_limbo();
    zone.lock().verify();
    assert!(zone.info().free_blocks > pinned.free_blocks, "limbo was emptied");
}

#[test]
fn a_panic_leaves_the_zone_whole() {
    let zone = zone(1 << 20, 256);
    for k in 0..40 {
        let mut left: usize = k;
        hooked::set(Some(Box::new(move |_| {
            assert!(left > 0, "a fault of the program");
            left -= 1;
        })));
        let body = vec![7; 20 * k];
        let _ = std::panic::catch_unwind(|| append(zone, "a", &body, &Attributes::default()));
        hooked::set(None);
        zone.lock().verify();
    }
    let id = zone.find(b"a").expect("there");
    let reader = zone.attach().expect("a row");
    assert!(read_all(&reader, &[id], 0).iter().all(|(_, body)| body.iter().all(|&b| b == 7)));
}

#[test]
fn damaged_memory_is_made_whole() {
    for seed in 1..200 {
        let zone = zone(160 << 10, 256);
        let mut random = fastrand::Rng::with_seed(seed);
        for n in 0..120u8 {
            let name = format!("channel {}", random.usize(..5));
            append(zone, &name, &vec![n; random.usize(..700)], &Attributes::default());
        }
        // Not the header, whose shape is compared when a file is opened, and which has the lock.
        let from = size_of::<crate::layout::Header>();
        for _ in 0..random.usize(..400) {
            let at = from + random.usize(..(160 << 10) - from);
            // SAFETY: inside the mapping, which nobody else uses.
            unsafe { zone.memory.base.add(at).write(random.u8(..)) };
        }
        zone.lock().repair();
        zone.lock().verify();
        append(zone, "after", b"x", &Attributes::default());
        let reader = zone.attach().expect("a row");
        let id = zone.find(b"after").expect("there");
        assert_eq!(read_all(&reader, &[id], zone.newest() - 1).len(), 1);
    }
}
