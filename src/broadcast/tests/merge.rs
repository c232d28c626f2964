//! Many channels read as one.

use std::collections::BTreeSet;

use fastrand::Rng;

use super::{append, zone};
use crate::{Attachment, Attributes, From, Merge, ReadLimits, Reading, Zone};

const ENOUGH: u32 = 1_000_000;

/// Everything that there is, taken in portions of `take` records of each batch. Seqs.
fn read(reader: &Attachment, merge: &mut Merge, cursor: &mut u64, take: usize) -> Vec<u64> {
    let mut seqs = Vec::new();
    for _ in 0..1_000_000 {
        let limits = ReadLimits { told: *cursor, ..ReadLimits::default() };
        match reader.read_merged(merge, *cursor, limits, ENOUGH) {
            None => {}
            Some(Reading::Batch(batch)) => {
                for record in batch.records().iter().take(take) {
                    assert!(record.seq > *cursor, "order");
                    assert!(merge.channel_of(record.seq).is_some());
                    *cursor = record.seq;
                    seqs.push(record.seq);
                }
            }
            Some(Reading::Nothing) => return seqs,
            Some(Reading::Lagged { upto }) => panic!("a gap up to {upto}"),
            Some(Reading::Torn) => panic!("torn"),
        }
    }
    panic!("it does not come to an end");
}

fn fill(zone: &Zone, seed: u64, prefix: &str, wanted: &mut BTreeSet<u64>) {
    let mut random = Rng::with_seed(seed);
    for _ in 0..400 {
        let name = format!("{}.{}", ["a", "b"][random.usize(..2)], random.usize(..25));
        let seq = append(zone, &name, &vec![7; random.usize(..300)], &Attributes::default());
        if name.starts_with(prefix) {
            wanted.insert(seq);
        }
    }
}

#[test]
fn channels_found_by_their_beginnings_come_in_one_order() {
    for seed in 1..20 {
        let zone = zone(1 << 20, 256);
        let reader = zone.attach().expect("a row");
        reader.join_pattern(b"a.");
        let (mut merge, mut cursor, mut wanted) = (Merge::default(), 1, BTreeSet::new());
        fill(zone, seed, "a.", &mut wanted);
        merge.search(&[b"a.".to_vec()], From::Cursor);
        let first = read(&reader, &mut merge, &mut cursor, 1 + seed as usize % 5);
        assert_eq!(first, wanted.iter().copied().collect::<Vec<_>>());
        assert!(merge.is_done(cursor), "what is read to its end is not looked at again");
        // Changes are told to it, channel by channel; twice does no harm.
        wanted.clear();
        fill(zone, seed + 100, "a.", &mut wanted);
        for n in 0..40 {
            if let Some(id) = zone.find(format!("a.{n}").as_bytes()) {
                merge.add(id, From::Cursor);
                merge.add(id, From::Cursor);
            }
        }
        let second = read(&reader, &mut merge, &mut cursor, 64);
        assert_eq!(second, wanted.iter().copied().collect::<Vec<_>>());
    }
}

#[test]
fn what_goes_while_it_is_read_is_told() {
    let zone = zone(128 << 10, 256);
    let reader = zone.attach().expect("a row");
    let (a, _) = reader.subscribe(b"a").expect("a channel");
    let (b, _) = reader.subscribe(b"b").expect("a channel");
    let first = append(zone, "a", &[1; 100], &Attributes::default());
    append(zone, "b", &[1; 100], &Attributes::default());
    let mut merge = Merge::default();
    merge.add(a, From::Cursor);
    merge.add(b, From::Cursor);
    // The places are known now; nothing is taken.
    assert!(matches!(
        reader.read_merged(&mut merge, 1, ReadLimits::default(), ENOUGH),
        Some(Reading::Batch(batch)) if batch.records().len() == 2
    ));
    for _ in 0..400 {
        append(zone, "a", &[2; 300], &Attributes::default());
    }
    let told = reader.read_merged(&mut merge, 1, ReadLimits::default(), ENOUGH);
    let Some(Reading::Lagged { upto }) = told else { panic!("nothing is told") };
    assert!(upto >= first);
    drop(told);
    let (mut cursor, mut count) = (1, 0);
    while let Some(Reading::Batch(batch)) = reader.read_merged(
        &mut merge,
        cursor,
        ReadLimits { told: upto, ..ReadLimits::default() },
        ENOUGH,
    ) {
        for record in batch.records() {
            assert!(record.seq > cursor, "order");
            cursor = record.seq;
            count += 1;
        }
    }
    assert!(count > 10 && cursor == zone.newest());
}

#[test]
fn a_newcomer_gets_the_history_of_each_within_a_sum() {
    let zone = zone(1 << 20, 256);
    let reader = zone.attach().expect("a row");
    let kept = Attributes { max_count: 3, ..Attributes::default() };
    for n in 0..30 {
        append(zone, &format!("a.{}", n % 3), b"x", &kept);
    }
    append(zone, "b", b"x", &kept);
    let newest = zone.newest();
    let get = |most: u32| {
        let (mut merge, mut seqs, mut cursor) = (Merge::default(), Vec::new(), 0);
        merge.search(&[b"a.".to_vec()], From::History(u32::MAX));
        let limits = ReadLimits { told: newest, ..ReadLimits::default() };
        while let Some(Reading::Batch(batch)) = reader.read_merged(&mut merge, cursor, limits, most)
        {
            seqs.extend(batch.records().iter().map(|record| record.seq));
            cursor = *seqs.last().expect("not empty");
        }
        seqs
    };
    // Ten of each are still there, for those who are just behind; a newcomer gets three of each.
    assert_eq!(get(1000), (23..=31).collect::<Vec<_>>());
    assert_eq!(get(6), (26..=31).collect::<Vec<_>>());
    assert_eq!(get(2), [30, 31], "of the channels the newest");
}
