//! Readers cost nobody anything, and hear of what is gone: of nothing else.

use super::{append, read_all, zone};
use crate::{Attributes, Joined, ReadLimits, Reading, Zone};

fn name(n: u32) -> Vec<u8> {
    format!("channel {n}").into_bytes()
}

fn publish(zone: &Zone, name: &[u8]) -> u32 {
    let head = |_: u64, _: &mut Vec<u8>| {};
    zone.append(name, &Attributes::default(), head, &[b"x"]).expect("appended").subscribers
}

/// Takes everything away that a channel has, and forgets it.
fn forget(zone: &Zone, name: &[u8]) {
    let locked = zone.lock();
    let index = locked.find(name).expect("there");
    while locked.drop_first(locked.memory.channel(index)) {}
    locked.remove(index);
}

#[test]
fn invented_names_take_nothing_from_anybody() {
    let zone = zone(1 << 20, 512);
    let reader = zone.attach().expect("a row");
    for n in 0..60 {
        publish(zone, &name(n));
    }
    for n in 1000..3000 {
        assert!(matches!(reader.join(&name(n)), Joined::Waiting { .. }));
        reader.wait_no_more(&name(n));
    }
    for n in 5000..7000 {
        assert!(matches!(reader.join(&name(n)), Joined::Waiting { .. }));
    }
    // Reserved slots have a part of the table of their own; patterns and addresses have none.
    for n in 0..500 {
        let _ = reader.subscribe(&name(9000 + n));
        reader.join_pattern(&name(9000 + n));
        reader.count_address(&name(9000 + n));
    }
    assert!((0..60).all(|n| zone.channel_info(&name(n)).is_some_and(|info| info.records == 1)));
    zone.lock().verify();
    publish(zone, b"new");
    assert!((0..60).all(|n| zone.find(&name(n)).is_some()));
}

#[test]
fn the_limit_of_channels_counts_those_that_were_published_to() {
    let zone = zone(1 << 20, 512);
    let reader = zone.attach().expect("a row");
    let head = |_: u64, _: &mut Vec<u8>| {};
    let limited = Attributes { max_channels: 2, ..Attributes::default() };
    for n in 0..10 {
        let _ = reader.subscribe(&name(n));
    }
    assert!(zone.append(&name(0), &limited, head, &[b"x"]).is_ok());
    assert!(zone.append(b"b", &limited, head, &[b"x"]).is_ok());
    assert!(zone.append(&name(0), &limited, head, &[b"x"]).is_ok());
    assert!(zone.append(&name(1), &limited, head, &[b"x"]).is_err());
    assert!(zone.append(b"c", &limited, head, &[b"x"]).is_err());
    zone.lock().verify();
}

#[test]
fn a_full_table_forgets_the_quietest_and_says_so() {
    let zone = zone(1 << 20, 512);
    let reader = zone.attach().expect("a row");
    let mut ids = Vec::new();
    for n in 0..64 {
        publish(zone, &name(n));
        if n != 3 {
            ids.push(reader.subscribe(&name(n)).expect("a channel").0);
        }
    }
    let told = |id, cursor| match reader.read(&[id], cursor, None, ReadLimits::default()) {
        Reading::Lagged { upto } => upto,
        _ => 0,
    };
    assert_eq!(zone.info().displaced, 0);
    assert_eq!(publish(zone, b"one more"), 0, "of all channels one has no subscriber: it goes");
    assert!(zone.find(&name(3)).is_none() && zone.info().channels == 64);
    assert_eq!(zone.info().displaced, 1);
    let head = |_: u64, _: &mut Vec<u8>| {};
    let busy = zone.append(b"and another", &Attributes::default(), head, &[b"x"]);
    assert!(busy.is_ok(), "the one that came last has no subscriber");
    reader.unsubscribe(ids[0]);
    // The channel that went had a record that this cursor has not seen: seq 5.
    publish(zone, &name(3));
    let id = zone.find(&name(3)).expect("there again");
    assert_eq!((told(id, 4), told(id, 5)), (5, 0));
    zone.lock().verify();
}

#[test]
fn what_is_refused_takes_nobodys_place() {
    let zone = zone(256 << 10, 256);
    for n in 0..zone.most_channels() {
        publish(zone, &name(n));
    }
    let displaced = zone.info().displaced;
    let head = |_: u64, _: &mut Vec<u8>| {};
    let large = vec![0; 256 << 10];
    let refused = zone.append(b"another", &Attributes::default(), head, &[&large]);
    assert_eq!(refused, Err(crate::AppendError::TooLarge));
    assert_eq!((zone.info().displaced, zone.find(b"another")), (displaced, None));
}

#[test]
fn who_waits_is_counted_woken_and_bound() {
    let zone = zone(1 << 20, 512);
    let reader = zone.attach().expect("a row");
    let wait = |name: &[u8]| match reader.join(name) {
        Joined::Waiting { subscribers, .. } => subscribers,
        Joined::Channel(..) => panic!("there is no such channel"),
    };
    assert_eq!((wait(b"a"), wait(b"a"), wait(b"b")), (1, 2, 1));
    reader.wait_no_more(b"b");
    assert_eq!(publish(zone, b"b"), 0);
    assert!(reader.may_sleep(zone.newest()));
    assert_eq!(publish(zone, b"a"), 2);
    assert!(reader.silence(), "it was rung");
    assert_eq!(reader.bind(b"none", 1), None);
    let id = reader.bind(b"a", 2).expect("there");
    assert_eq!((publish(zone, b"a"), zone.info().subscribers), (2, 2));
    assert!(matches!(reader.join(b"a"), Joined::Channel(known, 3) if known == id));
    for _ in 0..3 {
        reader.unsubscribe(id);
    }
    assert_eq!((publish(zone, b"a"), zone.info().subscribers), (0, 0));
}

#[test]
fn who_has_waited_counts_before_his_worker_has_looked() {
    let zone = zone(1 << 20, 512);
    let readers = [zone.attach().expect("a row"), zone.attach().expect("a row")];
    for _ in 0..10 {
        readers[0].join(b"x");
    }
    publish(zone, b"x");
    let Joined::Channel(id, count) = readers[1].join(b"x") else { panic!("there is one") };
    assert_eq!(count, 11);
    assert_eq!(zone.channel_info(b"x").map(|info| info.subscribers), Some(11));
    assert_eq!(readers[0].bind(b"x", 10), Some(id));
    assert!(matches!(readers[1].join(b"x"), Joined::Channel(_, 12)));
    assert_eq!(zone.channel_info(b"x").map(|info| info.subscribers), Some(12));
}

#[test]
fn who_has_clients_keeps_his_place() {
    let zone = zone(1 << 20, 512);
    let reader = zone.attach().expect("a row");
    reader.count_client();
    reader.leave();
    assert!(!reader.has_left());
    // One whose answer is still on its way to it joins, and reads, as before.
    reader.join(b"x");
    publish(zone, b"x");
    assert!(reader.bind(b"x", 1).is_some());
    reader.discount_client();
    reader.leave();
    assert!(reader.has_left() && zone.info().processes == 0);
}

#[test]
fn who_waits_for_something_else_is_not_counted() {
    let zone = zone(16 << 20, 512);
    let reader = zone.attach().expect("a row");
    for n in 0..400 {
        reader.join(&name(n));
    }
    assert!((1000..1400).all(|n| publish(zone, &name(n)) == 0));
    assert!((0..40).all(|n| publish(zone, &name(n)) == 1));
}

#[test]
fn what_is_more_than_can_be_counted_is_never_missed() {
    // Eight times as many as there are entries, of each kind, and in two processes' rows.
    let zone = zone(4 << 20, 512);
    let readers = [zone.attach().expect("a row"), zone.attach().expect("a row")];
    let many = || 0..8 * 1024;
    let mut left = Vec::new();
    for (n, reader) in many().flat_map(|n| readers.iter().map(move |reader| (n, reader))) {
        reader.join(&name(n));
        let pattern = reader.join_pattern(&name(100_000 + n)).0;
        let (address, streams) = reader.count_address(&name(n));
        assert!(streams >= 1);
        left.push((n, reader, pattern, address));
    }
    let woken = |name: &[u8]| {
        assert!(readers.iter().all(|reader| reader.may_sleep(zone.newest())));
        let counted = publish(zone, name);
        let rung = readers.iter().filter(|reader| reader.silence()).count();
        readers.iter().for_each(|reader| reader.awake());
        counted as usize >= rung && rung == 2
    };
    assert!(many().step_by(101).all(|n| woken(&name(n))));
    assert!(many().step_by(101).all(|n| woken(&name(100_000 + n))));
    // Half of them go, and then the rest: nothing is left of anything.
    let half = left.len() / 2;
    for (at, (n, reader, pattern, address)) in left.into_iter().enumerate() {
        if at == half {
            assert!(many().skip(4096).step_by(101).all(|n| woken(&name(n))));
        }
        reader.wait_no_more(&name(n));
        reader.leave_pattern(pattern);
        reader.discount_address(address);
    }
    assert!(many().step_by(17).all(|n| publish(zone, &name(200_000 + n)) == 0));
    for n in many().step_by(17) {
        let (address, streams) = readers[0].count_address(&name(n));
        assert_eq!(streams, 1, "{n}");
        readers[0].discount_address(address);
    }
    assert_eq!(zone.info().subscribers, 0);
    assert!(
        (0..2).all(|row| { zone.memory.row(row).counted.iter().all(|counted| counted.get() == 0) })
    );
}

#[test]
fn strangers_addresses_are_counted_each_for_itself() {
    let zone = zone(1 << 20, 512);
    let readers = [zone.attach().expect("a row"), zone.attach().expect("a row")];
    // As many names as one client may bring, and more: they have another table.
    for n in 0..5000 {
        readers[0].join(&name(n));
    }
    let address = |n: u32| format!("192.0.2.{n}").into_bytes();
    for n in 0..200 {
        let counted = readers.each_ref().map(|reader| reader.count_address(&address(n)).1);
        assert_eq!(counted, [1, 2], "{n}");
    }
    let (last, count) = readers[0].count_address(&address(7));
    assert_eq!(count, 3);
    readers[0].discount_address(last);
    assert_eq!(readers[1].count_address(&address(7)).1, 3);
}

#[test]
fn the_dead_wait_for_nothing() {
    let zone = zone(1 << 20, 512);
    let reader = zone.attach().expect("a row");
    let pid = zone.memory.row(0).pid.get() as i32;
    reader.join(b"a");
    reader.join_pattern(b"b.");
    assert_eq!((reader.count_client(), reader.count_address(b"192.0.2.1").1), (1, 1));
    for n in 0..5000 {
        reader.join(&name(n));
    }
    assert!(zone.sweep(pid).is_some());
    assert_eq!((publish(zone, b"a"), publish(zone, b"b.c"), publish(zone, &name(4999))), (0, 0, 0));
    let other = zone.attach().expect("a row");
    assert_eq!((other.count_client(), other.count_address(b"192.0.2.1").1), (1, 1));
}

#[test]
fn what_is_forgotten_is_known_by_name_and_by_beginning() {
    let zone = zone(1 << 20, 512);
    let reader = zone.attach().expect("a row");
    let gone = |name: &[u8]| match reader.join(name) {
        Joined::Waiting { gone, .. } => gone,
        Joined::Channel(..) => panic!("there is no such channel"),
    };
    publish(zone, b"a.x");
    publish(zone, b"tmp");
    let (last, long) = (zone.newest(), [b"a.".as_slice(), &[b'y'; 200]].concat());
    forget(zone, b"tmp");
    assert_eq!((gone(b"tmp"), gone(b"never"), gone(b"a.z")), (last, 0, 0));
    let among = |prefixes: &[&[u8]], cursor| {
        let prefixes: Vec<Vec<u8>> = prefixes.iter().map(|prefix| prefix.to_vec()).collect();
        reader.forgotten_of(&prefixes, cursor)
    };
    assert_eq!(among(&[b"a."], 1), 0, "none of these has gone");
    assert_eq!((among(&[b"t"], 1), among(&[b"t"], last)), (last, 0));
    assert_eq!(among(&[b""], 1), last);
    // In any order, one below the other, beside others.
    assert_eq!(among(&[b"u", b"tmp.x", b"tm", b"a", b"t", b"tl"], 1), last);
    assert_eq!(among(&[b"u", b"tmp.x", b"a", b"tl", b"tn"], 1), 0);
    publish(zone, &long);
    let of_long = zone.newest();
    forget(zone, &long);
    assert_eq!(among(&[&long[..100]], last), of_long);
    assert_eq!(among(&[b"a.x"], last), 0);
    // Three times as many channels as there is room for come and go: whoever had nothing to lose hears of nothing.
    for n in 0..200 {
        publish(zone, &name(n));
        forget(zone, &name(n));
    }
    let told = (0..40).filter(|n| gone(format!("quiet {n}").as_bytes()) > of_long).count();
    // But those whose place by chance more than seven others have.
    assert!(told <= 2, "{told} of 40");
    let known = (0..200).filter(|&n| gone(&name(n)) > 0).count();
    assert_eq!(known, 200, "and whoever had something to lose does");
    zone.lock().verify();
}

#[test]
fn forgetting_more_than_can_be_remembered_rather_tells_too_often() {
    let zone = zone(256 << 10, 256);
    let reader = zone.attach().expect("a row");
    for n in 0..20_000 {
        publish(zone, &name(n));
        forget(zone, &name(n));
    }
    let told = |n: u32| match reader.join(&name(n)) {
        // Its record had the seq n + 2.
        Joined::Waiting { gone, .. } => gone >= u64::from(n) + 2,
        Joined::Channel(..) => panic!("there is no such channel"),
    };
    assert!((0..20_000).all(told));
    assert!((0..20_000).step_by(97).all(|n| reader.forgotten_of(&[name(n)], u64::from(n) + 1) > 0));
    let id = zone.find(b"a");
    assert!(id.is_none() && read_all(&reader, &[], 0).is_empty());
    append(zone, "a", b"x", &Attributes::default());
}
