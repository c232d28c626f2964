//! That each fault is found, and nothing else.

use crate::message::Message;
use crate::verdict::{Posted, Seen, Verdict, judge};

fn message(publisher: u32, number: u32, channel: u32) -> Message {
    Message { publisher, number, channel }
}

/// Two publishers by turns, one on each of two channels: messages in the order of the log.
fn log() -> Vec<Message> {
    (0..10).map(|place| message(place % 2, place / 2, place % 2)).collect()
}

fn posted() -> Vec<Posted> {
    let post =
        |(place, message)| Posted { message, acked: true, copies: 1, place: Some(place as u64) };
    log().into_iter().enumerate().map(post).collect()
}

fn reader(channels: &[u32]) -> Seen {
    let events = log().into_iter().enumerate().map(|(place, m)| (Some(place as u64), m));
    let events = events.filter(|(_, message)| channels.contains(&message.channel)).collect();
    Seen { channels: channels.to_vec(), events, ..Seen::default() }
}

fn three() -> Vec<Seen> {
    vec![reader(&[0, 1]), reader(&[0]), reader(&[0, 1])]
}

/// A verdict that must be this one, but for its examples.
#[track_caller]
fn check(posted: &[Posted], seen: &[Seen], total: bool, wanted: Verdict) {
    let mut found = judge(posted, seen, total);
    assert_eq!(found.is_clean(), wanted == Verdict::default(), "{found:?}");
    assert_eq!(found.examples.is_empty(), found.is_clean() || found.gaps + found.stalled > 0);
    found.examples.clear();
    found.expected = 0;
    assert_eq!(found, wanted);
}

#[test]
fn a_clean_run() {
    check(&posted(), &three(), true, Verdict::default());
    check(&posted(), &three(), false, Verdict::default());
    assert_eq!(judge(&posted(), &three(), true).expected, 25);
}

#[test]
fn loss() {
    let mut seen = three();
    seen[0].events.remove(4);
    check(&posted(), &seen, true, Verdict { lost: 1, ..Verdict::default() });
    // The last one, and for all: nobody but the publisher knows of it.
    let mut seen = three();
    seen.iter_mut().for_each(|one| one.events.retain(|(_, m)| *m != message(1, 4, 1)));
    check(&posted(), &seen, true, Verdict { lost: 2, never: 1, ..Verdict::default() });
    // Not acknowledged: it may be lost, and it may be seen.
    let mut posted = posted();
    posted[9].acked = false;
    check(&posted, &seen, true, Verdict::default());
    check(&posted, &three(), true, Verdict::default());
}

/// What a gap has told is not lost, what is beside it is.
#[test]
fn losses_that_are_told() {
    let mut seen = three();
    seen[0].events.drain(3..6);
    seen[0].told.push((2, 5));
    check(&posted(), &seen, true, Verdict::default());
    seen[0].told[0] = (3, 5);
    check(&posted(), &seen, true, Verdict { lost: 1, ..Verdict::default() });
    seen[0].told[0] = (2, 4);
    check(&posted(), &seen, true, Verdict { lost: 1, ..Verdict::default() });
    // What all are told of is none that nobody has seen without a word.
    for one in &mut seen {
        one.events.retain(|(place, _)| place.is_none_or(|place| !(3..6).contains(&place)));
        one.told = vec![(2, 5)];
    }
    check(&posted(), &seen, true, Verdict::default());
}

#[test]
fn duplicates() {
    let mut seen = three();
    let again = seen[1].events[2];
    seen[1].events.insert(3, again);
    let wanted = Verdict { duplicated: 1, backwards: 1, ..Verdict::default() };
    check(&posted(), &seen, true, wanted);
    // In the log twice, with a place of its own: only where that was possible it is forgiven.
    seen[1].events[3].0 = None;
    check(&posted(), &seen, true, Verdict { duplicated: 1, ..Verdict::default() });
    let mut posted = posted();
    posted.iter_mut().for_each(|post| post.copies = 2);
    check(&posted, &seen, true, Verdict::default());
}

#[test]
fn another_order() {
    // Between channels: told by the ids, and by the comparison if there is one order for all.
    let mut seen = three();
    seen[2].events.swap(4, 5);
    let wanted = Verdict { disordered: 1, backwards: 1, ..Verdict::default() };
    check(&posted(), &seen, true, wanted.clone());
    check(&posted(), &seen, false, Verdict { disordered: 0, ..wanted });
    // In a channel, without ids.
    let mut seen = three();
    seen[1].events.swap(2, 3);
    seen[1].events.iter_mut().for_each(|event| event.0 = None);
    // Against the publisher, and against the others.
    check(&posted(), &seen, false, Verdict { disordered: 2, ..Verdict::default() });
    // Wrong in the same way for all: the publisher knows better.
    let mut seen = vec![seen[1].clone(), seen[1].clone()];
    check(&posted(), &seen, false, Verdict { disordered: 2, ..Verdict::default() });
    seen.truncate(1);
    check(&posted(), &seen, true, Verdict { disordered: 1, ..Verdict::default() });
}

#[test]
fn strangers() {
    let mut seen = three();
    seen[1].events.push((Some(9), message(1, 4, 1)));
    seen[2].events.push((Some(101), message(7, 0, 0)));
    check(&posted(), &seen, true, Verdict { foreign: 2, ..Verdict::default() });
}

#[test]
fn ids_that_change() {
    let mut seen = three();
    seen[1].events.last_mut().expect("an event").0 = Some(100);
    check(&posted(), &seen, true, Verdict { renamed: 1, ..Verdict::default() });
}

#[test]
fn what_the_subscriber_tells() {
    let mut seen = three();
    seen[0].gaps = 2;
    seen[1].stalled = true;
    let wanted = Verdict { gaps: 2, stalled: 1, ..Verdict::default() };
    check(&posted(), &seen, true, wanted);
    seen[0].malformed.push("half an event".to_owned());
    let found = judge(&posted(), &seen, true);
    assert_eq!((found.malformed, found.examples.len()), (1, 1));
}
