//! A zone of another size takes the place of one that is in use.

use std::sync::atomic::{AtomicBool, Ordering};

use fastrand::Rng;

use super::{append, in_child, read_all, zone};
use crate::{AppendError, Attributes, Joined, ReadLimits, Reading, Zone};

const HEAD: fn(u64, &mut Vec<u8>) = |_, _| {};

fn fill(zone: &Zone, seed: u64, records: usize) {
    let mut random = Rng::with_seed(seed);
    for n in 0..records {
        let name = format!("channel {}", random.usize(..9));
        let kept =
            Attributes { max_count: 50, key: zone.key(&n.to_le_bytes()), ..Attributes::default() };
        append(zone, &name, &vec![n as u8; random.usize(..900)], &kept);
    }
}

#[test]
fn everything_goes_over() {
    for (seed, size) in [(1, 1 << 20), (2, 4 << 20), (3, 300 << 10)] {
        let old = zone(1 << 20, 256);
        fill(old, seed, 700);
        // One that is gone with its event.
        append(old, "gone", b"x", &Attributes::default());
        let gone_at = old.newest();
        let locked = old.lock();
        let index = locked.find(b"gone").expect("there");
        assert!(locked.drop_first(locked.memory.channel(index)));
        locked.remove(index);
        drop(locked);
        let new = zone(size, 512);
        assert!(new.copy(old));
        new.take_over(old).expect("it takes over");
        new.lock().verify();
        assert_eq!((new.epoch(), new.newest()), (old.epoch(), old.newest()));
        let reader = (old.attach().expect("a row"), new.attach().expect("a row"));
        for n in 0..9 {
            let name = format!("channel {n}").into_bytes();
            let Some(info) = new.channel_info(&name) else { continue };
            let (was, is) = (old.find(&name).expect("there"), new.find(&name).expect("there"));
            let from = info.oldest - 1;
            assert_eq!(read_all(&reader.0, &[was], from), read_all(&reader.1, &[is], from));
            // What a smaller zone has no room for is told as gone.
            let known = old.channel_info(&name).expect("there");
            assert_eq!(known.published, info.published);
            let first = reader.1.read(&[is], known.oldest - 1, None, ReadLimits::default());
            let told = matches!(first, Reading::Lagged { upto } if upto <= from);
            assert_eq!(told, known.oldest != info.oldest);
        }
        assert!(matches!(reader.1.join(b"gone"), Joined::Waiting { gone, .. } if gone == gone_at));
        assert!(matches!(reader.1.join(b"never"), Joined::Waiting { gone: 0, .. }));
        // It goes on where the other was, with its keys.
        let seq = append(new, "after", b"x", &Attributes::default());
        assert_eq!(seq, old.newest() + 1);
    }
}

#[test]
fn it_goes_on_while_it_is_copied() {
    let (old, new) = (zone(4 << 20, 256), zone(8 << 20, 256));
    fill(old, 1, 9000);
    let (before, is_copied) = (old.newest(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // The oldest go meanwhile, and channels with all they had.
            for n in 0u64.. {
                append(
                    old,
                    &format!("channel {}", n % 12),
                    &[n as u8; 700],
                    &Attributes::default(),
                );
                if is_copied.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        assert!(new.copy(old));
        is_copied.store(true, Ordering::Relaxed);
    });
    assert!(old.newest() > before, "it went on");
    new.take_over(old).expect("it takes over");
    new.lock().verify();
    assert_eq!(new.newest(), old.newest());
    let reader = (old.attach().expect("a row"), new.attach().expect("a row"));
    for n in 0..12 {
        let name = format!("channel {n}").into_bytes();
        let Some(known) = old.channel_info(&name) else { continue };
        let (was, is) = (old.find(&name).expect("there"), new.find(&name).expect("there"));
        let from = known.oldest - 1;
        assert_eq!(read_all(&reader.0, &[was], from), read_all(&reader.1, &[is], from), "{n}");
        assert_eq!(new.channel_info(&name).map(|info| info.published), Some(known.published));
    }
}

#[test]
fn nothing_is_appended_to_one_that_is_left() {
    let (old, new) = (zone(1 << 20, 256), zone(2 << 20, 256));
    append(old, "a", b"1", &Attributes::default());
    assert!(new.copy(old));
    new.take_over(old).expect("it takes over");
    let refused = old.append(b"a", &Attributes::default(), HEAD, &[b"2"]);
    assert_eq!(refused, Err(AppendError::Moved));
    let reader = old.attach().expect("a row");
    let id = old.find(b"a").expect("there");
    // It did not come to serve: what it got meanwhile comes back, and all is as before.
    append(new, "a", b"2", &Attributes::default());
    append(new, "b", b"3", &Attributes::default());
    old.reopen(new).expect("it goes on");
    old.lock().verify();
    append(old, "a", b"4", &Attributes::default());
    let data: Vec<Vec<u8>> =
        read_all(&reader, &[id], 1).into_iter().map(|(_, data)| data).collect();
    assert_eq!(data, [b"1", b"2", b"4"]);
    assert_eq!(old.channel_info(b"b").map(|info| info.records), Some(1));
    assert!(!old.is_retired());
    // And once it has come to serve, nobody goes back.
    new.take_over(old).expect("it takes over");
    old.retire();
    assert!(old.is_retired());
    assert_eq!(old.append(b"a", &Attributes::default(), HEAD, &[]), Err(AppendError::Moved));
}

#[test]
fn the_seal_of_a_dead_master_holds_nobody() {
    let old = zone(1 << 20, 256);
    append(old, "a", b"1", &Attributes::default());
    let child = in_child(|| {
        let new = zone(1 << 20, 256);
        new.take_over(old).expect("it takes over");
        assert!(old.append(b"a", &Attributes::default(), HEAD, &[]).is_err());
    });
    assert_eq!(child, 0);
    append(old, "a", b"2", &Attributes::default());
}
