//! Records of a key: none twice, none that is another, and how far they have come.

use super::zone as zone_of;
use crate::{AppendError, Appended, Attributes, END, Hint, Progress, Zone};

fn zone() -> &'static Zone {
    zone_of(1 << 20, 1024)
}

fn attributes(key: u64, place: u32, looked: Hint) -> Attributes {
    Attributes { key, place, looked, ..Attributes::default() }
}

fn append(zone: &Zone, key: u64, place: u32, body: &[u8]) -> Result<(u64, bool), AppendError> {
    let head = |seq: u64, out: &mut Vec<u8>| out.extend_from_slice(format!("<{seq}>").as_bytes());
    let appended = zone.append(b"c", &attributes(key, place, Hint::default()), head, &[b"", body]);
    appended.map(|Appended { seq, duplicate, .. }| (seq, duplicate))
}

#[test]
fn a_key_and_place_are_there_once() {
    // The first seq of a zone is 2.
    let zone = zone();
    let long = vec![b'x'; 5000];
    let bodies: [&[u8]; 4] = [b"one", b"", &long, b"four"];
    for (at, body) in bodies.iter().enumerate() {
        let place = at as u32 + 1;
        assert_eq!(append(zone, 7, place, body), Ok((u64::from(place) + 1, false)));
    }
    for (at, body) in bodies.iter().enumerate() {
        let place = at as u32 + 1;
        assert_eq!(append(zone, 7, place, body), Ok((u64::from(place) + 1, true)));
        let other = [body, &b"!"[..]].concat();
        assert_eq!(append(zone, 7, place, &other), Err(AppendError::OtherBody));
    }
    // As long, but another; the only one of its key, though there are several; and the other way round.
    assert_eq!(append(zone, 7, 1, b"eno"), Err(AppendError::OtherBody));
    assert_eq!(append(zone, 7, 0, b"one"), Err(AppendError::OtherBody));
    assert_eq!(append(zone, 8, 0, b"one"), Ok((6, false)));
    assert_eq!(append(zone, 8, 1, b"one"), Err(AppendError::OtherBody));
    assert_eq!(append(zone, 9, 1, b"one"), Ok((7, false)));
    assert_eq!(zone.head(b"c", 3), Some(b"<3>".to_vec()));
    assert_eq!(zone.head(b"c", 8), None);
    assert_eq!(zone.head(b"d", 3), None);
}

#[test]
fn a_place_that_is_gone_is_not_made_again() {
    let zone = zone();
    for place in 1..=40 {
        let unneeded =
            Attributes { unneeded: u64::from(place), ..attributes(3, place, Hint::default()) };
        zone.append(b"c", &unneeded, |_, _| {}, &[b"x"]).expect("room");
    }
    let kept = zone.channel_info(b"c").expect("a channel").records;
    assert!(kept < 30, "{kept} are kept");
    assert_eq!(append(zone, 3, 1, b"another").map(|(_, duplicate)| duplicate), Ok(true));
    assert_eq!(append(zone, 3, 41, b"y"), Ok((42, false)));
}

#[test]
fn one_goes_on_where_one_has_looked() {
    let zone = zone();
    let (mut looked, mut seqs) = (Hint::default(), Vec::new());
    for round in 0..2 {
        looked = if round == 0 { looked } else { Hint::default() };
        for place in 1..=50 {
            // Others publish meanwhile.
            append(zone, 0, 0, b"other").expect("room");
            let appended =
                zone.append(b"c", &attributes(5, place, looked), |_, _| {}, &[&[place as u8]]);
            let Appended { seq, duplicate, looked: upto, .. } = appended.expect("room");
            looked = upto;
            assert_eq!(duplicate, round == 1, "{place}");
            match round {
                0 => seqs.push(seq),
                _ => assert_eq!(seqs[place as usize - 1], seq),
            }
        }
    }
    // A second publisher of the same key, who has looked only as far as the first had come.
    let next = |body: &[u8]| zone.append(b"c", &attributes(5, 51, looked), |_, _| {}, &[body]);
    assert!(next(b"a").is_ok_and(|appended| !appended.duplicate));
    assert!(next(b"a").is_ok_and(|appended| appended.duplicate));
    assert_eq!(next(b"b"), Err(AppendError::OtherBody));
}

#[test]
fn it_can_be_asked_how_far_a_key_has_come() {
    let zone = zone();
    assert_eq!(zone.progress(b"c", 4), None);
    append(zone, 4, 1, b"a").expect("room");
    append(zone, 5, 1, b"other").expect("room");
    append(zone, 4, 2, b"b").expect("room");
    assert_eq!(zone.progress(b"c", 4), Some(Progress { place: 2, seq: 4, flags: 0 }));
    let end = Attributes { flags: END, ..attributes(4, 3, Hint::default()) };
    zone.append(b"c", &end, |_, _| {}, &[]).expect("room");
    assert_eq!(zone.progress(b"c", 4), Some(Progress { place: 3, seq: 5, flags: END }));
    assert_eq!(zone.progress(b"c", 6), None);
}
