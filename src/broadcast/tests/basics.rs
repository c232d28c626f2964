//! Append, read, limits, index.

use super::{append, read_all, zone};
use crate::{Attributes, ReadLimits, Reading, Start};

#[test]
fn what_is_appended_is_read_in_order() {
    let zone = zone(1 << 20, 512);
    let reader = zone.attach().expect("a row");
    let (a, _) = reader.subscribe(b"a").expect("a channel");
    let (b, _) = reader.subscribe(b"b").expect("a channel");
    let mut wanted = Vec::new();
    for n in 0..300u32 {
        let name = if n % 3 == 0 { "b" } else { "a" };
        let body = vec![n as u8; (n as usize * 7) % 900];
        let seq = append(zone, name, &body, &Attributes::default());
        assert_eq!(seq, u64::from(n) + 2);
        wanted.push((seq, body));
    }
    zone.lock().verify();
    assert_eq!(read_all(&reader, &[a, b], 0), wanted);
    assert_eq!(read_all(&reader, &[b, a], 101), wanted[100..]);
    let only: Vec<_> = wanted.iter().filter(|(seq, _)| (seq - 2) % 3 != 0).cloned().collect();
    assert_eq!(read_all(&reader, &[a], 0), only);
    assert_eq!(read_all(&reader, &[a], 300), wanted[299..300]);
}

#[test]
fn a_long_record_comes_in_parts() {
    let zone = zone(1 << 20, 512);
    let reader = zone.attach().expect("a row");
    let (id, _) = reader.subscribe(b"a").expect("a channel");
    let body: Vec<u8> = (0..200_000u32).map(|n| ((n * 31) >> 3) as u8).collect();
    append(zone, "a", b"before", &Attributes::default());
    let seq = append(zone, "a", &body, &Attributes::default());
    let mut bytes = Vec::new();
    match reader.read(&[id], seq - 1, None, ReadLimits::default()) {
        Reading::Batch(batch) => {
            let record = &batch.records()[0];
            assert!(!record.is_whole() && record.len == body.len() + 8);
            batch.copy(record, &mut bytes);
            assert_eq!(record.part, 0..bytes.len());
        }
        _ => panic!("nothing to read"),
    }
    while bytes.len() < body.len() + 8 {
        // Also from a place that is in the middle of a block.
        let odd = bytes.len().saturating_sub(3);
        bytes.truncate(odd);
        match reader.read_rest(&[id], seq, odd) {
            Reading::Batch(batch) => batch.copy(&batch.records()[0], &mut bytes),
            _ => panic!("torn"),
        }
    }
    assert_eq!(bytes[8..], body);
    assert!(matches!(reader.read_rest(&[id], seq + 1, 3), Reading::Torn));
}

#[test]
fn the_hint_is_only_a_hint() {
    let zone = zone(128 << 10, 256);
    let reader = zone.attach().expect("a row");
    let (id, _) = reader.subscribe(b"a").expect("a channel");
    let mut hint = crate::Hint::default();
    let (mut cursor, mut seen) = (0, 0);
    for n in 0..2000u32 {
        append(zone, "a", &n.to_le_bytes(), &Attributes::default());
        if n % 5 == 0 && n % 400 < 300 {
            match reader.read(&[id], cursor, Some(&mut hint), ReadLimits::default()) {
                Reading::Batch(batch) => {
                    seen += batch.records().len();
                    cursor = batch.records().last().map_or(cursor, |record| record.seq);
                }
                Reading::Lagged { upto } => cursor = upto,
                _ => panic!("there is something to read"),
            }
        }
    }
    assert!(seen > 500, "{seen}");
}

#[test]
fn newcomers_get_what_they_ask_for() {
    let zone = zone(1 << 20, 512);
    let reader = zone.attach().expect("a row");
    let attributes = Attributes { max_count: 10, ..Attributes::default() };
    let (id, _) = reader.subscribe(b"a").expect("a channel");
    assert_eq!(reader.start(&[id], Start::Oldest), (1, 0));
    for n in 0..5 {
        append(zone, "a", &[n], &attributes);
    }
    assert_eq!(reader.start(&[id], Start::Oldest), (1, 0));
    assert_eq!(reader.start(&[id], Start::Last(2)), (4, 0));
    for n in 5..50 {
        append(zone, "a", &[n], &attributes);
    }
    assert_eq!(reader.start(&[id], Start::Oldest), (41, 0));
    assert_eq!(reader.start(&[id], Start::Newest), (51, 0));
    assert_eq!(reader.start(&[id], Start::Last(3)), (48, 0));
    assert_eq!(reader.start(&[id], Start::Last(0)), (51, 0));
    // Who is just behind gets all the same what is more than the number.
    assert_eq!(read_all(&reader, &[id], 21).len(), 30);
    let info = zone.channel_info(b"a").expect("there");
    assert_eq!((info.records, info.newest, info.published), (10, 51, 50));
}

#[test]
fn one_busy_channel_does_not_take_the_others_history() {
    let zone = zone(256 << 10, 512);
    let reader = zone.attach().expect("a row");
    let (quiet, _) = reader.subscribe(b"quiet").expect("a channel");
    for n in 0..20 {
        append(zone, "quiet", &[n; 100], &Attributes::default());
    }
    for _ in 0..20_000 {
        append(zone, "busy", &[7; 100], &Attributes::default());
    }
    zone.lock().verify();
    assert_eq!(read_all(&reader, &[quiet], 0).len(), 20);
    let (busy, _) = reader.subscribe(b"busy").expect("a channel");
    assert!(matches!(
        reader.read(&[busy], 30, None, ReadLimits::default()),
        Reading::Lagged { upto } if upto > 10_000
    ));
}

#[test]
fn a_key_is_appended_once() {
    let zone = zone(1 << 20, 512);
    let attributes = Attributes { key: zone.key(b"k"), ..Attributes::default() };
    let first = append(zone, "a", b"x", &attributes);
    append(zone, "a", b"y", &Attributes::default());
    assert_eq!(append(zone, "a", b"x", &attributes), first);
    assert_ne!(append(zone, "b", b"x", &attributes), first);
    // Among many, also where they span blocks, and after the first of them are gone.
    let keyed =
        |n: u32| Attributes { key: zone.key(&n.to_le_bytes()), max_count: 900, ..attributes };
    let seqs: Vec<u64> =
        (0..800u32).map(|n| append(zone, "many", &vec![1; n as usize], &keyed(n))).collect();
    for n in (0..800).step_by(17) {
        assert_eq!(append(zone, "many", &vec![1; n as usize], &keyed(n)), seqs[n as usize], "{n}");
    }
    let locked = zone.lock();
    let index = locked.find(b"many").expect("there");
    assert!((0..100).all(|_| locked.drop_first(locked.memory.channel(index))));
    drop(locked);
    assert_eq!(append(zone, "many", &[1; 100], &keyed(100)), seqs[100]);
    assert_ne!(append(zone, "many", b"", &keyed(99)), seqs[99]);
    assert_eq!(zone.channel_info(b"a").map(|info| info.published), Some(2));
}

#[test]
fn patterns_are_counted_and_end_is_the_end() {
    let zone = zone(1 << 20, 512);
    let reader = zone.attach().expect("a row");
    let (pattern, _) = reader.join_pattern(b"a.");
    let (id, _) = reader.subscribe(b"a.b").expect("a channel");
    let head = |_: u64, _: &mut Vec<u8>| {};
    let appended = zone.append(b"a.b", &Attributes::default(), head, &[b"x"]).expect("appended");
    assert_eq!(appended.subscribers, 2);
    assert!(!reader.is_over(&[id], 1));
    let ended =
        zone.end(b"a.b", &Attributes::default(), head, &[]).expect("there").expect("appended");
    assert!(!reader.is_over(&[id], 1) && reader.is_over(&[id], ended.seq));
    assert!(zone.end(b"none", &Attributes::default(), head, &[]).is_none());
    reader.leave_pattern(pattern);
    reader.unsubscribe(id);
    append(zone, "a.b", b"again", &Attributes::default());
    assert!(!reader.is_over(&[id], 99));
}

#[test]
fn a_place_is_found_through_the_records_of_other_channels() {
    let zone = zone(8 << 20, 256);
    let reader = zone.attach().expect("a row");
    let (a, _) = reader.subscribe(b"a").expect("a channel");
    let (b, _) = reader.subscribe(b"b").expect("a channel");
    let mut of_b = Vec::new();
    for n in 0..3000u32 {
        append(zone, "a", &[1; 20], &Attributes::default());
        if n % 37 == 0 {
            of_b.push(append(zone, "b", b"x", &Attributes::default()));
        }
    }
    for cursor in [1, 2, 38, 39, 40, 500, 1000, 2999, 3000, zone.newest()] {
        let seqs = |found: Vec<(u64, Vec<u8>)>| found.into_iter().map(|(seq, _)| seq);
        let wanted: Vec<u64> = of_b.iter().copied().filter(|&seq| seq > cursor).collect();
        assert_eq!(seqs(read_all(&reader, &[b], cursor)).collect::<Vec<_>>(), wanted, "{cursor}");
        let all = read_all(&reader, &[b, a], cursor);
        assert!(seqs(all).eq(cursor + 1..=zone.newest()), "{cursor}");
    }
}

#[test]
fn what_is_gone_is_told_without_reading() {
    let zone = zone(1 << 20, 512);
    let reader = zone.attach().expect("a row");
    let (id, _) = reader.subscribe(b"a").expect("a channel");
    assert_eq!(zone.evicted_upto(id), 0);
    let first = append(zone, "a", &[1; 1000], &Attributes::default());
    assert!(zone.evicted_upto(id) < first);
    for _ in 0..2000 {
        append(zone, "a", &[1; 1000], &Attributes::default());
    }
    let upto = zone.evicted_upto(id);
    assert!(upto > first);
    let oldest = zone.channel_info(b"a").expect("a channel").oldest;
    assert_eq!(upto + 1, oldest);
    assert!(
        matches!(reader.read(&[id], 0, None, ReadLimits::default()), Reading::Lagged { upto: told } if told == upto)
    );
}
