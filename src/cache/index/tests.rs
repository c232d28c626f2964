//! One index, by one process and several that it stands for.

use super::*;
use crate::claims::{Turn, Waits};
use shm::Region;
use std::sync::Arc;

const ALONE: u64 = 1000;

fn table(size: usize) -> Table {
    let region = Region::create("index-test", size).expect("a region");
    Table::of(Arc::new(region)).expect("a table")
}

fn digest(number: u16) -> Digest16 {
    let mut digest = [0; 16];
    digest[..2].copy_from_slice(&number.to_le_bytes());
    digest
}

fn index(table: &Table) -> Index<'_> {
    Index::new(table, table.own_tag().expect("a tag"))
}

#[test]
fn answers_are_counted_and_their_blocks() {
    let table = table(64 << 10);
    let (index, mut gone) = (index(&table), Vec::new());
    index.name(9);
    for now in 1..=200 {
        index.look(&digest(1), now, &mut gone).expect("room");
    }
    let state = index.peek(&digest(1)).expect("it");
    assert_eq!((state.uses, state.used, state.is_there), (127, 200, false));
    for (number, blocks) in [(1, 10), (2, 5), (1, 3)] {
        index.change(&digest(number), &mut gone, |state| {
            (state.is_there, state.blocks) = (true, blocks);
        });
    }
    assert_eq!(index.blocks(), 8);
    assert!(index.remove(&digest(2)) && !index.remove(&digest(2)));
    assert_eq!((index.blocks(), index.name(1)), (3, (9, false)));
    index.set_whole();
    assert_eq!(index.name(1), (9, true));
    let oldest = index.take_oldest(|_, all| all > 2).expect("one").0;
    assert_eq!((oldest, index.blocks()), (digest(1), 0));
    assert!(gone.is_empty());
}

#[test]
fn there_is_always_room_for_another() {
    let table = table(8 << 10);
    let (index, mut gone) = (index(&table), Vec::new());
    index.name(9);
    for number in 0..1000 {
        index.look(&digest(number), 1, &mut gone).expect("room");
        index
            .change(&digest(number), &mut gone, |state| (state.is_there, state.blocks) = (true, 1));
        assert_eq!(index.begin(&digest(number), 5, ALONE, 1, &mut gone), Turn::Own(1));
        index.end(&digest(number), 1);
    }
    assert_eq!(index.blocks() as usize, 1000 - gone.len(), "each is there, or goes");
    assert_eq!(index.name(1).0, 9, "what is no answer stays");
}

#[test]
fn one_fetches_and_the_others_wait() {
    let table = table(64 << 10);
    let (index, mut gone) = (index(&table), Vec::new());
    let one = digest(1);
    assert_eq!(index.wait(&one, 0, ALONE, &mut gone), Waits::ForNobody);
    assert_eq!(index.begin(&one, 0, ALONE, 7, &mut gone), Turn::Own(7));
    assert_eq!(index.begin(&one, 999, ALONE, 8, &mut gone), Turn::Others);
    assert_eq!(index.wait(&one, 999, ALONE, &mut gone), Waits::Counted);
    assert_eq!(index.wait(&one, 0, ALONE, &mut gone), Waits::Counted);
    assert_eq!(index.end(&one, 7), [sys::process::pid()]);
    index.unwait(&one);
    index.unwait(&one);
    assert_eq!(index.begin(&one, 999, ALONE, 8, &mut gone), Turn::Own(8));
    assert_eq!(index.begin(&one, 1999, ALONE, 9, &mut gone), Turn::Own(8), "it takes too long");
    assert_eq!(index.begin(&one, 2000, ALONE, 9, &mut gone), Turn::Others, "two are enough");
    assert_eq!(index.end(&one, 9), [], "that is not its end");
    assert!(index.is_claimed(&one, 8));
    assert_eq!(index.begin(&one, 1999, 0, 10, &mut gone), Turn::Own(8), "together");
}

#[test]
fn what_is_purged_is_not_stored() {
    let table = table(64 << 10);
    let (index, mut gone) = (index(&table), Vec::new());
    index.begin(&digest(1), 0, ALONE, 7, &mut gone);
    assert!(!index.purge(&digest(1)), "it had no file");
    assert!(!index.is_claimed(&digest(1), 7));
    let store = |number, begun, gone: &mut Vec<Digest16>| {
        let there = |state: &mut State| (state.is_there, state.blocks) = (true, 1);
        index.store((&digest(1), number, begun), &digest(1), gone, there)
    };
    assert_eq!(store(7, 5, &mut gone), None);
    // Whoever begins now is not purged with it.
    assert_eq!(index.begin(&digest(1), 0, 0, 8, &mut gone), Turn::Own(8));
    index.purge_many(55);
    assert_eq!((index.purged(), store(8, 55, &mut gone)), (55, None));
    assert_eq!(store(8, 56, &mut gone), Some(1));
}

#[test]
fn what_was_not_stored_is_remembered_for_a_while() {
    let table = table(8 << 10);
    let (index, mut gone) = (index(&table), Vec::new());
    let mut look = |number, now| index.look(&digest(number), now, &mut gone).expect("room");
    assert!(!look(1, 5).is_unkept);
    index.set_unkept(&digest(1), 10);
    assert!(look(1, 9).is_unkept && !look(1, 10).is_unkept && !look(1, 9).is_unkept);
    // It keeps no room from others.
    for number in 0..500 {
        index.set_unkept(&digest(number), u32::MAX);
        look(number, 1);
    }
}
