//! One batch for all who are up to date, and each by itself who is not.

use std::io::IoSlice;

use rt::Pulse;

use super::{COLLECTS, GIVEN, LAGGED, VIEWS, bench, in_loop};

#[test]
fn a_batch_is_looked_at_once_for_all() {
    let bench = bench(256 << 10);
    bench.publish("a", b"0");
    let clients = [b'x', b'y', b'z'].map(|name| bench.connect(name, &["a"], &[]));
    bench.settle();
    VIEWS.set(0);
    bench.publish("a", b"1");
    bench.publish("a", b"2");
    bench.settle();
    assert_eq!(VIEWS.get(), 1);
    for client in &clients {
        assert_eq!(bench.got(client), b"12");
    }
}

#[test]
fn more_readers_than_a_turn_has_writes_get_everything_once() {
    let bench = bench(256 << 10);
    bench.publish("a", b"0");
    let client = bench.connect(b'x', &["a"], &[]);
    let others: Vec<u32> =
        (1..3000).map(|_| bench.read(client.outlet, b'x', &["a"], &[])).collect();
    while !bench.hub.may_sleep() {
        bench.turn();
    }
    GIVEN.set(0);
    bench.publish("a", b"");
    bench.turn();
    let first = GIVEN.get();
    assert!((1000..3000).contains(&first), "the others have their turn after {first} writes");
    // The last one takes the place of one that had its turn, and still gets what it has not got.
    bench.hub.remove_reader(others[0]);
    bench.settle();
    assert_eq!(GIVEN.get(), 3000);
}

#[test]
fn what_a_connection_does_not_take_is_neither_lost_nor_doubled() {
    let bench = bench(8 << 20);
    bench.publish("a", b"0");
    let slow = bench.connect(b'x', &["a"], &[]);
    let quick = bench.connect(b'y', &["a"], &[]);
    bench.settle();
    let mut wanted = Vec::new();
    for number in 0..400 {
        let line = format!("{number} {}", "x".repeat(3000));
        bench.publish("a", line.as_bytes());
        wanted.extend_from_slice(line.as_bytes());
    }
    in_loop(async move {
        let mut both = [Vec::new(), Vec::new()];
        while both[1].len() < wanted.len() {
            both[1].extend(bench.got(&quick));
            rt::sleep(1).await;
            assert!(bench.hub.attend(quick.outlet));
        }
        // The other one, which has not read at all, goes on where it was.
        while both[0].len() < wanted.len() {
            both[0].extend(bench.got(&slow));
            rt::sleep(1).await;
            assert!(bench.hub.attend(slow.outlet));
        }
        assert!(both[0] == wanted && both[1] == wanted);
    });
}

/// Nothing of the last batch is taken, and the channels have nothing more: it is still to come.
#[test]
fn what_was_offered_to_a_full_connection_comes_when_there_is_room() {
    for names in [&["a"][..], &["a", "b"], &["a", "late"]] {
        let bench = bench(256 << 10);
        bench.publish("a", b"0");
        bench.publish("b", b"0");
        let client = bench.connect(b'x', names, &[]);
        bench.settle();
        let fill = |outlet: &mut super::Outlet<super::Line>| {
            while outlet.io().write(&[IoSlice::new(&[b'.'; 4096])], false).is_ok() {}
        };
        bench.hub.with_outlet(client.outlet, fill);
        bench.publish(names.last().expect("a name"), b"1");
        bench.settle();
        in_loop(async move {
            let (mut got, mut tries) = (bench.got(&client), 0);
            while !got.ends_with(b"1") && tries < 2000 {
                tries += 1;
                rt::sleep(1).await;
                assert!(bench.hub.attend(client.outlet));
                got.extend(bench.got(&client));
            }
            assert!(got.ends_with(b".1"), "{names:?}");
        });
    }
}

#[test]
fn one_that_was_too_slow_is_told_once() {
    let bench = bench(256 << 10);
    bench.publish("a", b"0");
    let client = bench.connect(b'x', &["a"], &[]);
    bench.settle();
    (0..5000).for_each(|_| bench.publish("a", &[b'x'; 500]));
    bench.settle();
    assert_eq!(LAGGED.get(), 1);
    assert!(!bench.got(&client).is_empty());
}

#[test]
fn collected_records_go_out_together_when_it_is_time() {
    let bench = bench(256 << 10);
    bench.publish("a", b"0");
    let client = bench.connect(b'x', &["a"], &[]);
    bench.settle();
    COLLECTS.set(5);
    VIEWS.set(0);
    for line in [b"1", b"2", b"3"] {
        bench.publish("a", line);
        bench.settle();
    }
    assert_eq!(bench.got(&client), b"");
    in_loop(async move {
        while VIEWS.get() == 0 {
            rt::sleep(1).await;
        }
        assert_eq!((bench.got(&client), VIEWS.get()), (b"123".to_vec(), 1));
    });
}

#[test]
fn a_connection_that_goes_takes_its_readers_along() {
    let bench = bench(256 << 10);
    bench.publish("a", b"0");
    let client = bench.connect(b'x', &["a"], &[]);
    let (one, other) = (
        bench.read(client.outlet, b'y', &["a", "b"], &["c."]),
        bench.read(client.outlet, b'z', &["d"], &[]),
    );
    bench.settle();
    bench.hub.remove_reader(one);
    assert!(bench.hub.with_reader(other, |_| ()).is_some());
    bench.hub.remove_outlet(client.outlet);
    assert!(bench.hub.with_reader(other, |_| ()).is_none());
    assert!(bench.hub.with_reader(client.reader, |_| ()).is_none());
    let info = bench.zone.info();
    assert_eq!((info.subscribers, info.processes), (0, 1));
}
