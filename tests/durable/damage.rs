//! Files that are not as they were left: pages that did not reach the disk, that are of another time or of somebody
//! else, copies that are put back. Nothing of that is served, and what is missing is told.

use std::fs;
use std::time::{Duration, Instant};

use crate::client::{Reader, publish};
use crate::{come_back, filler, publish_some, up};

const PAGE: usize = 4096;

/// Whether a reader's events are some of those that were published, whole, in order and each once.
#[track_caller]
fn check(reader: &Reader, what: &str) {
    let mut before = 0;
    for (id, data) in &reader.events {
        let seq: u64 = id.split('-').nth(1).and_then(|seq| seq.parse().ok()).expect("a seq");
        assert!(seq > before, "{what}: order: {id}");
        before = seq;
        let (word, rest) = data.split_once(' ').expect("words");
        if word == "event" {
            let (number, rest) = rest.split_once(' ').expect("a number");
            assert_eq!(rest, filler(number.parse().expect("a number")), "{what}: torn");
        } else {
            assert!(data == "the last" || word == "other", "{what}: {data:?}");
        }
    }
}

/// Starts a server with events, stops it, lets `harm` change the file, starts it again and looks.
#[track_caller]
fn damaged(what: &str, harm: impl FnOnce(&mut Vec<u8>)) {
    let mut server = up("sse_zone z 1m path=ev;");
    let ids = publish_some(&server, "event", 60);
    assert_eq!(server.stop(), Some(0));
    let path = server.path("ev");
    let mut bytes = fs::read(&path).expect("the file");
    harm(&mut bytes);
    fs::write(&path, &bytes).expect("written");
    server.start_again().expect(what);
    let reader = come_back(&server, &ids[3]);
    check(&reader, what);
    let all = reader.events.len() == 57;
    assert!(all || !reader.gaps.is_empty(), "{what}: {} events, no gap", reader.events.len());
    assert!(reader.events.last().is_some_and(|(_, data)| data == "the last"), "{what}");
    // Who has not been here before gets what there is.
    let mut everything = Reader::open(&server, "/all", "0");
    everything.read_to("the last");
    check(&everything, what);
}

/// The pages that have something of events.
fn used(bytes: &[u8]) -> Vec<usize> {
    let pages = bytes.chunks(PAGE).enumerate();
    pages
        .filter(|(_, page)| page.windows(40).any(|part| part == [b'x'; 40]))
        .map(|(at, _)| at)
        .collect()
}

#[test]
fn a_page_did_not_reach_the_disk() {
    for at in 0..12 {
        damaged(&format!("page {at} of zeros"), |bytes| {
            let pages = used(bytes);
            let page = pages[at % pages.len()] * PAGE;
            bytes[page..page + PAGE].fill(0);
        });
    }
}

#[test]
fn a_page_is_another_pages() {
    for at in 0..6 {
        damaged(&format!("page {at} twice"), |bytes| {
            let pages = used(bytes);
            let (from, to) = (pages[at % pages.len()] * PAGE, pages[(at + 3) % pages.len()] * PAGE);
            bytes.copy_within(from..from + PAGE, to);
        });
    }
}

#[test]
fn bytes_are_changed() {
    for seed in 0..8 {
        damaged(&format!("bytes {seed}"), |bytes| {
            let pages = used(bytes);
            for n in 0..=seed {
                let page = pages[(n * 5 + seed) % pages.len()] * PAGE;
                let field = b"\n\nid: evil\nevent: evil\ndata: evil\n\n";
                let place = page + 500 + n * 97;
                bytes[place..place + field.len()].copy_from_slice(field);
            }
        });
    }
}

#[test]
fn the_first_pages_are_gone() {
    damaged("the first page", |bytes| bytes[..PAGE].fill(0));
    damaged("the second page", |bytes| bytes[PAGE..2 * PAGE].fill(0xff));
    damaged("half the file", |bytes| bytes.truncate(bytes.len() / 2));
}

#[test]
fn without_both_headers_it_is_put_aside() {
    let mut server = up("sse_zone z 1m path=ev;");
    publish_some(&server, "event", 3);
    assert_eq!(server.stop(), Some(0));
    let mut bytes = fs::read(server.path("ev")).expect("the file");
    bytes[8..2 * PAGE].fill(7);
    fs::write(server.path("ev"), &bytes).expect("written");
    server.start_again().expect("started");
    assert_eq!(come_back(&server, "0").words(), ["the last"]);
    assert_eq!(fs::read(server.path("ev.aside")).expect("kept"), bytes);
}

/// A state of the file from before comes back: after a power cut, or from a backup.
#[track_caller]
fn falls_back(what: &str, clean: bool, put_back: impl Fn(&std::path::Path, &[u8])) {
    let mut server = up("sse_zone z 1m path=ev;");
    let old = publish_some(&server, "event", 5);
    if clean {
        assert_eq!(server.stop(), Some(0));
    }
    let copy = fs::read(server.path("ev")).expect("the file");
    let copied = Instant::now();
    if clean {
        server.start_again().expect("started");
    }
    let lost = publish_some(&server, "event", 10);
    let workers = server.workers();
    server.kill_master();
    workers.into_iter().for_each(support::process::wait_for_end);
    // The dates of files tick: a copy that is put back in the same moment cannot be told.
    support::wait_for("another date", || copied.elapsed() > Duration::from_millis(100));
    put_back(&server.path("ev"), &copy);
    server.start_again().expect(what);
    let new: Vec<String> =
        (0..20).map(|n| publish(&server, "/events/a", &format!("other {n}"))).collect();
    assert!(!new.iter().any(|id| lost.contains(id) || old.contains(id)), "{what}: an id twice");
    // Who has seen what is lost is told, and gets all that is new, once.
    let ahead = come_back(&server, &lost[9]);
    check(&ahead, what);
    assert_eq!(ahead.gaps.len(), 1, "{what}");
    assert_eq!(ahead.words()[..20], (0..20).map(|n| format!("other {n}")).collect::<Vec<_>>());
    // And who has not is told, too: between what it has seen and what is new there was more.
    let behind = come_back(&server, &old[2]);
    check(&behind, what);
    assert_eq!(
        (behind.gaps.len(), &behind.words()[..2]),
        (1, &["event 4".into(), "event 5".into()][..])
    );
    // The second time it comes back, all is told.
    let (last, _) = ahead.events.last().expect("one");
    assert_eq!(come_back(&server, last).gaps.len(), 0, "{what}");
}

#[test]
fn a_copy_is_put_back() {
    falls_back("over the same file", false, |path, copy| fs::write(path, copy).expect("written"));
    falls_back("as another file", false, |path, copy| {
        fs::remove_file(path).expect("removed");
        fs::write(path, copy).expect("written");
    });
    falls_back("one that was closed in order", true, |path, copy| {
        fs::write(path, copy).expect("written");
    });
}
