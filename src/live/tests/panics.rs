//! A delivery that panics ends the connection that it was about. The loop goes on (`rt` guards pulses), and nobody else
//! misses anything.

use super::bench;

#[test]
fn those_before_and_behind_in_the_list_go_on() {
    let bench = bench(256 << 10);
    bench.publish("a", b"0");
    let clients = [b'x', b'y', b'z'].map(|name| bench.connect(name, &["a"], &[]));
    bench.settle();
    bench.publish("a", b"1");
    bench.publish("a", b"!y");
    assert!(!bench.turn(), "it panics");
    bench.settle();
    bench.publish("a", b"2");
    bench.settle();
    assert_eq!(bench.got(&clients[0]), b"1!y2");
    assert_eq!(bench.got(&clients[2]), b"1!y2");
    assert!(!bench.hub.attend(clients[1].outlet), "it is over");
    assert!(bench.hub.attend(clients[0].outlet));
}

#[test]
fn patterns_and_names_that_are_waited_for_stay() {
    let bench = bench(256 << 10);
    let both = bench.connect(b'x', &["a.1", "b"], &[]);
    let (bad, good) = (bench.connect(b'y', &[], &["a."]), bench.connect(b'z', &[], &["a."]));
    let waiting = bench.connect(b'w', &["a.2"], &[]);
    bench.settle();
    bench.publish("a.1", b"!y");
    assert!(!bench.turn(), "it panics");
    bench.settle();
    bench.publish("a.2", b"2");
    bench.publish("b", b"3");
    bench.settle();
    assert_eq!(bench.got(&both), b"!y3");
    assert_eq!(bench.got(&good), b"!y2");
    assert_eq!(bench.got(&waiting), b"2");
    assert!(!bench.hub.attend(bad.outlet), "it is over");
}

#[test]
fn a_number_that_is_another_readers_meanwhile_is_not_given_up() {
    let bench = bench(256 << 10);
    bench.publish("a", b"0");
    let bad = bench.connect(b'y', &["a"], &[]);
    bench.settle();
    bench.publish("a", b"!y");
    assert!(!bench.turn(), "it panics");
    bench.hub.remove_outlet(bad.outlet);
    let next = bench.connect(b'x', &["a"], &[]);
    assert_eq!(next.reader, bad.reader);
    bench.settle();
    bench.publish("a", b"1");
    bench.settle();
    assert_eq!(bench.got(&next), b"1");
}
