//! The table: what it keeps, and that it is whole whatever happens to its processes.

use std::collections::VecDeque;
use std::sync::Arc;

use fastrand::Rng;

use crate::step::kill_after;
use crate::table::Cell;
use crate::{Board, Entry, Holder, Locked, PATIENCE_MS, Region, Table};

fn table(cells: usize) -> Table {
    let region = Region::create("test", 8192 + cells * 68).expect("memory");
    Table::of(region.into()).expect("a table")
}

/// Runs `work` in a forked process that dies before its change `left` of a word; gives how it ended (0: well, 9: killed).
pub(crate) fn in_child(left: usize, work: &dyn Fn()) -> i32 {
    // SAFETY: glibc makes its allocator usable in the child, which uses nothing else that other threads may hold, and
    // never returns.
    let child = match unsafe { libc::fork() } {
        0 => {
            kill_after(Some(left));
            work();
            // SAFETY: ends the child without running what belongs to the parent.
            unsafe { libc::_exit(0) }
        }
        child => child,
    };
    let mut status = 0;
    // SAFETY: `status` is valid for the call.
    unsafe { libc::waitpid(child, &mut status, 0) };
    match libc::WIFSIGNALED(status) {
        true => libc::WTERMSIG(status),
        false => libc::WEXITSTATUS(status),
    }
}

/// Kills a child at every change that `work` makes, until it comes through. Gives how many there are.
fn die_everywhere(table: &Table, work: impl Fn()) -> usize {
    let killed = (0..).take_while(|&left| {
        let ended = in_child(left, &work);
        table.lock().verify();
        assert!(ended == 0 || ended == 9, "the child ended with {ended}");
        ended == 9
    });
    killed.count()
}

#[test]
fn it_keeps_what_a_list_in_the_order_of_use_keeps() {
    for seed in 1..40 {
        let (table, mut random) = (table(40), Rng::with_seed(seed));
        let mut model: VecDeque<(Vec<u8>, u16, u64)> = VecDeque::new();
        for n in 0..400u64 {
            let key = vec![random.u8(..9); [0, 1, 16, 17, 56, 57, 300][random.usize(..7)]];
            let tag = random.u16(..3);
            let locked = table.lock();
            let found = locked.find(table.key(&key), tag);
            let known = model.iter().position(|(k, t, _)| *k == key && *t == tag);
            assert_eq!(
                found.map(|entry| locked.value(entry)[0].get()),
                known.map(|at| model[at].2)
            );
            match (found, known, random.usize(..4)) {
                (Some(entry), Some(at), 0) => {
                    locked.remove(entry);
                    model.remove(at);
                }
                (Some(entry), Some(at), _) => {
                    locked.touch(entry);
                    let used = model.remove(at).expect("there");
                    model.push_back(used);
                }
                _ => {
                    while locked.insert(table.key(&key), tag, [n, !n]).is_none() {
                        locked.remove(locked.oldest().expect("something is in the way"));
                        model.pop_front();
                    }
                    model.push_back((key.clone(), tag, n));
                }
            }
            locked.verify();
            let of_key = model.iter().filter(|(known, ..)| *known == key).count();
            assert_eq!(locked.all(table.key(&key)).count(), of_key);
            assert_eq!(locked.len(), model.len());
            // Rebuilt from its entries it is the same, the order of use included.
            if n % 7 == 0 {
                locked.repair();
                locked.verify();
                let oldest = locked.oldest().map(|entry| locked.value(entry)[0].get());
                assert_eq!(oldest, model.front().map(|(.., value)| *value));
            }
        }
    }
}

#[test]
fn whoever_dies_in_the_middle_leaves_it_whole() {
    let table = table(60);
    let long = [7; 500];
    let insert =
        |key: &[u8], value| table.lock().insert(table.key(key), 0, [value, value]).map(|_| ());
    insert(b"here", 1).expect("room");
    insert(&long, 2).expect("room");
    insert(b"oldest but two", 3).expect("room");
    let value = |key: &[u8]| {
        let locked = table.lock();
        locked.find(table.key(key), 0).map(|entry| locked.value(entry).map(|word| word.get()))
    };
    let places = die_everywhere(&table, || {
        let locked = table.lock();
        locked.touch(locked.find(table.key(b"here"), 0).expect("there"));
        let gone = locked.insert(table.key(&[8; 700]), 0, [4, 4]);
        if let Some(entry) = gone {
            locked.remove(entry);
        }
    });
    assert!(places > 60, "it was killed at {places} places only");
    assert_eq!((value(b"here"), value(&long)), (Some([1, 1]), Some([2, 2])));
    assert_eq!(value(b"oldest but two"), Some([3, 3]));
    // One that died behind its publication has left a whole entry, else none.
    let left = value(&[8; 700]);
    assert!(left.is_none() || left == Some([4, 4]));
    die_everywhere(&table, || {
        let locked = table.lock();
        let entry = locked.find(table.key(&long), 0);
        entry.into_iter().for_each(|entry| locked.remove(entry));
    });
    assert_eq!((value(&long), value(b"here")), (None, Some([1, 1])));
    // Whoever mends may die, too.
    die_everywhere(&table, || table.lock().repair());
    assert_eq!(value(b"here"), Some([1, 1]));
}

#[test]
fn of_a_dead_process_nothing_is_left() {
    let table = table(200);
    let own = table.attach().expect("a row");
    let key = table.key(b"client");
    table.lock().insert(key, own, [1, 0]).expect("room");
    let places = die_everywhere(&table, || {
        let tag = table.attach().expect("a row");
        let locked = table.lock();
        let entry = locked.insert(key, tag, [5, 0]).expect("room");
        locked.value(entry)[0].add(1);
        locked.insert(table.key(&[9; 100]), tag, [1, 0]).expect("room");
        drop(locked);
        // A master sweeps, and may die, too.
        let dead = |pid: &i32| !sys::process::exists(*pid);
        table.processes().into_iter().filter(dead).for_each(|pid| assert!(table.sweep(pid)));
    });
    assert!(places > 30, "it was killed at {places} places only");
    let dead = table.processes().into_iter().filter(|&pid| pid != sys::process::pid());
    dead.for_each(|pid| assert!(table.sweep(pid)));
    let locked = table.lock();
    locked.verify();
    assert_eq!(locked.all(key).map(|entry| locked.value(entry)[0].get()).sum::<u64>(), 1);
    assert_eq!((locked.len(), table.processes().len()), (1, 1));
}

#[test]
fn a_panic_leaves_it_whole() {
    let table = table(40);
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let locked = table.lock();
        locked.insert(table.key(b"a"), 0, [1, 1]);
        panic!("a fault of the program");
    }));
    assert!(caught.is_err());
    table.lock().verify();
    assert_eq!(table.lock().len(), 1);
    // Who gives something back on the way out of a panic that was elsewhere has nothing to mend.
    struct Leaving<'t>(&'t Table);
    impl Drop for Leaving<'_> {
        fn drop(&mut self) {
            let locked = self.0.lock();
            // It would be 1 again.
            locked.header().entries.set(7);
        }
    }
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _leaving = Leaving(&table);
        panic!("a fault of the program");
    }));
    assert!(caught.is_err());
    assert_eq!(table.lock().len(), 7);
    table.lock().repair();
    table.lock().verify();
}

/// Whoever reads has one of the two texts, wherever the one that writes is killed; and the next one writes on a full board.
#[test]
fn a_text_that_is_written_again_is_never_gone() {
    let board = Board::new(64);
    assert!(board.open(Arc::new(Region::create("board", board.size(2)).expect("memory"))));
    board.write("other", b"stays");
    board.write("name", b"old");
    let texts = [b"old".to_vec(), b"new and longer".to_vec()];
    let mut was_new = false;
    let places = (0..).take_while(|&left| {
        let ended = in_child(left, &|| {
            assert!(board.lead() && board.write("name", &texts[1]));
        });
        assert!(ended == 0 || ended == 9, "the child ended with {ended}");
        let text = board.read("name").expect("one of both");
        assert!(texts.contains(&text) && board.read("other").as_deref() == Some(b"stays"));
        was_new |= ended == 9 && text == texts[1];
        // The one that writes ends, too: the next one is a child again.
        let next = in_child(usize::MAX, &|| {
            assert!(board.lead() && board.write("name", b"old") && !board.write("more", b""));
        });
        assert_eq!((next, board.read("name").as_deref()), (0, Some(&b"old"[..])));
        ended == 9
    });
    assert!(places.count() > 20 && was_new);
}

#[test]
fn who_only_tries_is_not_kept_and_a_stopped_owner_is_named() {
    let table = table(40);
    // SAFETY: as in `in_child`; the child stops, and is killed.
    let child = match unsafe { libc::fork() } {
        0 => {
            let _locked = table.lock();
            // SAFETY: stops this process, the child.
            unsafe { libc::kill(libc::getpid(), libc::SIGSTOP) };
            // SAFETY: as in `in_child`.
            unsafe { libc::_exit(0) }
        }
        child => child,
    };
    let mut status = 0;
    // SAFETY: `status` is valid for the call.
    unsafe { libc::waitpid(child, &mut status, libc::WUNTRACED) };
    assert!(libc::WIFSTOPPED(status) && table.try_lock().is_none() && !table.sweep(1));
    let mut holder = Holder::default();
    let mut looks = (0..30).map(|look| table.look(&mut holder, look * 100, PATIENCE_MS));
    assert_eq!(looks.position(|named| named == Some(child)), Some(20), "after two seconds");
    sys::process::kill(child, sys::signal::SIGKILL).expect("killed");
    // SAFETY: `status` is valid for the call.
    unsafe { libc::waitpid(child, &mut status, 0) };
    assert!(table.sweep(1));
    table.lock().verify();
}

#[test]
fn another_size_or_another_thing_is_no_table() {
    assert!(Table::of(Region::create("test", 4096).expect("memory").into()).is_err());
    let region = std::sync::Arc::new(Region::create("test", 32768).expect("memory"));
    region.claim();
    assert!(Table::of(region).is_err(), "shared, and never made");
}

impl Locked<'_> {
    /// Panics unless all that is derived says what the entries say.
    fn verify(&self) {
        let header = self.header();
        let of_key = |first: u32, link: fn(&Cell) -> u32| {
            std::iter::successors((first != 0).then_some(first), move |&index| {
                Some(link(self.cell(index))).filter(|&next| next != 0)
            })
        };
        let entries: Vec<u32> = self.entries().map(|Entry(index)| index).collect();
        assert_eq!(header.entries.get() as usize, entries.len());
        for &index in &entries {
            let bucket = self.table.bucket(self.cell(index).hash.get()).get();
            assert_eq!(of_key(bucket, |cell| cell.next.get()).filter(|&i| i == index).count(), 1);
        }
        let older: Vec<u32> = of_key(header.newest.get(), |cell| cell.older.get()).collect();
        let mut newer: Vec<u32> = of_key(header.oldest.get(), |cell| cell.newer.get()).collect();
        assert!(newer.is_sorted_by_key(|&index| self.cell(index).used().get()));
        newer.reverse();
        assert_eq!(older, newer);
        assert_eq!(older.len(), entries.len());
        let used: usize = entries.iter().map(|&i| of_key(i, |cell| cell.more.get()).count()).sum();
        let free = of_key(header.free.get(), |cell| cell.next.get()).count();
        assert_eq!(header.given_back.get() as usize, free);
        assert_eq!(used + free, header.fresh.get() as usize, "a cell is lost");
    }
}

/// In a process without master a configuration's memory may be where another's was: it is not that one's.
#[test]
fn a_process_has_one_tag_in_a_region_and_its_own_in_each() {
    let own = sys::process::pid();
    // The next one is, as a rule, where the one before was.
    for _ in 0..4 {
        let region = Arc::new(Region::create("test-tags", 64 << 10).expect("memory"));
        let (one, other) = (Table::of(region.clone()), Table::of(region));
        let (one, other) = (one.expect("a table"), other.expect("the same"));
        let tag = one.own_tag().expect("a row");
        assert_eq!(other.own_tag(), Some(tag));
        assert_eq!(one.processes(), [own]);
        // What it has counted stays when it asks again.
        let key = one.key(b"key");
        assert!(one.lock().insert(key, tag, [1, 0]).is_some());
        assert_eq!((other.own_tag(), other.lock().all(key).count()), (Some(tag), 1));
    }
}
