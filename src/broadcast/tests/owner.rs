//! Channels with one writer, marked records, records that are not needed any more.

use super::{append, read_all, zone};
use crate::{AppendError, Attributes, MARK, Owner, Start};

fn here(number: u32) -> Owner {
    Owner { pid: sys::process::pid(), number }
}

#[test]
fn a_channel_has_one_writer() {
    let zone = zone(1 << 20, 512);
    let reader = zone.attach().expect("a row");
    let id = zone.claim(b"a", here(1), false, 64).expect("it is free");
    assert_eq!(zone.claim(b"a", here(1), false, 64), Ok(id), "it is the same writer");
    assert_eq!(zone.claim(b"a", here(2), false, 64), Err(AppendError::NotOwner));
    let by = |owner| {
        let attributes = Attributes { owner, ..Attributes::default() };
        zone.append(b"a", &attributes, |_, _| {}, &[b"x"]).map(|_| ())
    };
    assert_eq!(by(Some(here(1))), Ok(()));
    assert_eq!(by(Some(here(2))), Err(AppendError::NotOwner));
    assert_eq!(by(None), Err(AppendError::NotOwner));
    assert_eq!(zone.claim(b"a", here(2), true, 64), Ok(id), "taken over");
    assert_eq!(by(Some(here(1))), Err(AppendError::NotOwner));
    assert!(!zone.release(id, here(1)));
    assert_eq!(zone.owner(id), Some(here(2)));
    assert_eq!(zone.sweep(sys::process::pid()), Some(vec![b"a".to_vec()]));
    assert_eq!(zone.owner(id), None);
    assert_eq!(by(None), Ok(()));
    drop(reader);
}

#[test]
fn a_dead_writer_is_none() {
    let zone = zone(1 << 20, 512);
    let dead = Owner { pid: i32::MAX, number: 1 };
    let id = zone.claim(b"a", dead, false, 64).expect("it is free");
    assert_eq!(zone.claim(b"a", here(1), false, 64), Ok(id));
    // A channel without records and readers stays as long as it has a writer.
    zone.lock().repair();
    assert_eq!(zone.owner(id), Some(here(1)));
}

#[test]
fn a_reader_begins_with_the_newest_mark() {
    let zone = zone(1 << 20, 512);
    let reader = zone.attach().expect("a row");
    let (id, _) = reader.subscribe(b"a").expect("a channel");
    let marked = Attributes { flags: MARK, ..Attributes::default() };
    append(zone, "a", b"0", &Attributes::default());
    let newest = zone.newest();
    assert_eq!(reader.start(&[id], Start::Marked).0, newest, "there is no mark");
    append(zone, "a", b"1", &marked);
    append(zone, "a", b"2", &Attributes::default());
    let second = append(zone, "a", b"3", &marked);
    append(zone, "a", b"4", &Attributes::default());
    for repaired in [false, true] {
        if repaired {
            zone.lock().repair();
        }
        let (cursor, _) = reader.start(&[id], Start::Marked);
        assert_eq!(read_all(&reader, &[id], cursor).first().map(|(seq, _)| *seq), Some(second));
    }
    let attributes = Attributes { unneeded: second, ..Attributes::default() };
    let last = append(zone, "a", b"5", &attributes);
    assert_eq!(read_all(&reader, &[id], second).len(), 2);
    assert_eq!(reader.start(&[id], Start::Oldest).0, second);
    assert_eq!(reader.start(&[id], Start::Marked).0, last, "the mark went");
    zone.lock().verify();
}
