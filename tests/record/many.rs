//! Many recorders, and when the disk has what they write.

use proto::fmp4::{Walk, samples};
use support::{process, wait_for};

use crate::film::Publisher;
use crate::recorded::{is_all_of, is_closed, is_sealed, media, path, sent};
use crate::{about_to, conf, up};

const STREAMS: usize = 200;
const MS: u32 = 4000;

/// How many frames a file of fragments has.
fn frames(bytes: &[u8]) -> usize {
    let mut walk = Walk::new(bytes.len() as u64);
    let mut count = 0;
    while let Some((at, len)) = walk.wanted() {
        let rest = bytes.get(at as usize..).unwrap_or_default();
        let Some(it) = walk.take(&rest[..rest.len().min(len)]) else { continue };
        let moof = &bytes[it.start as usize..];
        let size = u32::from_be_bytes(*moof.first_chunk().expect("a size")) as usize;
        count += samples(&moof[..size]).expect("samples").1.len();
    }
    count
}

#[test]
fn two_hundred_at_once_lose_no_frame() {
    let server =
        up("record all; recorder f { record_format mp4; record_index 0; record_suffix .mp4; }");
    let name = |number: usize| format!("s{number}");
    let mut publishers: Vec<Publisher> =
        (0..STREAMS).map(|number| Publisher::new(&server, &name(number))).collect();
    for _ in 0..MS / 500 {
        publishers.iter_mut().for_each(|publisher| {
            publisher.run(500);
        });
    }
    let wanted = sent(publishers[0].now());
    publishers.into_iter().for_each(Publisher::end);
    for number in 0..STREAMS {
        let file = path(&server, &format!("s{number}.flv"));
        wait_for("its end", || is_sealed(&file));
        is_all_of(&media(&file), &wanted);
        let file = path(&server, &format!("s{number}.mp4"));
        wait_for("its end", || is_closed(&file));
        assert_eq!(frames(&std::fs::read(&file).expect("the file")), wanted.len(), "{number}");
    }
    assert!(!server.error_log().contains("frames are missing"));
}

/// A configuration that is loaded again, each worker killed, one after the other, with half of the publishers: they come back, and what
/// they have sent is in the files, each frame once.
#[test]
fn two_hundred_lose_no_frame_whatever_becomes_of_workers() {
    const STREAMS: usize = 100;
    let settings = "record all; publish_grace 30s;
         recorder f { record_format fmp4; record_suffix .mp4; }";
    let server = up(settings);
    let name = |number: usize| format!("s{number}");
    let mut publishers: Vec<Publisher> =
        (0..STREAMS).map(|number| Publisher::new(&server, &name(number))).collect();
    // Where each was broken off, and where it has come back.
    let mut gaps: Vec<Vec<(u32, u32)>> = vec![Vec::new(); STREAMS];
    let run = |publishers: &mut Vec<Publisher>| {
        publishers.iter_mut().for_each(|publisher| {
            publisher.run(1000);
        });
    };
    run(&mut publishers);
    for round in 0..2 {
        server.set_conf(conf(&format!("{settings} merge_write {round}ms;")));
        assert!(server.command(&["-s", "reload"]).status.success());
        run(&mut publishers);
        for worker in server.workers() {
            process::kill(&[worker]);
            wait_for("another worker", || {
                server.workers().iter().filter(|it| **it != worker).count() >= 2
            });
            for (number, publisher) in publishers.iter_mut().enumerate() {
                if !publisher.is_alive() {
                    let from = publisher.now();
                    publisher.come_back(&server, &name(number));
                    gaps[number].push((from, publisher.now()));
                }
            }
            run(&mut publishers);
        }
    }
    assert!(gaps.iter().any(|gaps| gaps.len() > 1));
    let ends: Vec<u32> = publishers.iter().map(Publisher::now).collect();
    publishers.into_iter().for_each(Publisher::end);
    for (number, (gaps, end)) in gaps.iter().zip(ends).enumerate() {
        let mut wanted = sent(end);
        for (from, to) in gaps.iter().rev() {
            let first = wanted.partition_point(|message| message.time < *from);
            let next = wanted[first..].iter().position(|it| it.is_key() && it.time >= *to);
            let next = next.map_or(wanted.len(), |next| first + next);
            wanted.drain(first..next);
        }
        let (flv, mp4) =
            (path(&server, &format!("s{number}.flv")), path(&server, &format!("s{number}.mp4")));
        wait_for("the ends", || is_closed(&flv) && is_closed(&mp4) && is_sealed(&flv));
        is_all_of(&media(&flv), &wanted);
        assert_eq!(frames(&std::fs::read(&mp4).expect("the file")), wanted.len(), "{number}");
        // Each is what ffmpeg finds in the source, too.
        if number % 10 == 0 {
            assert_eq!(crate::fragments::frames(&mp4), crate::fragments::frames(&flv), "{number}");
        }
    }
    assert!(!server.error_log().contains("frames are missing"));
}

/// How often the disk was waited for while six seconds were recorded, and what else was to be on it before the end.
fn syncs(sync: &str, least: usize) -> usize {
    let start = about_to(conf(&format!("record all; {sync}")));
    let trace = start.dir().path("trace");
    let calls = ["strace", "-f", "-qq", "-e", "trace=fdatasync,fsync", "-o"];
    let words = calls.iter().map(|word| (*word).to_owned()).chain([trace.display().to_string()]);
    let words: Vec<String> = words.collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let server = start.under(&words).start();
    let count = || {
        let text = std::fs::read_to_string(&trace).unwrap_or_default();
        text.lines().filter(|line| line.ends_with("= 0")).count()
    };
    let before = count();
    let mut publisher = Publisher::new(&server, "s");
    for _ in 0..6 {
        let known = count();
        publisher.run(1000);
        if sync == "record_sync on;" {
            wait_for("the disk", || count() > known);
        }
    }
    let publisher_ms = publisher.now();
    publisher.end();
    wait_for("its end", || is_closed(&path(&server, "s.flv")));
    is_all_of(&media(&path(&server, "s.flv")), &sent(publisher_ms));
    if !support::comes(|| count() - before >= least) {
        let trace = std::fs::read_to_string(&trace).unwrap_or_default();
        panic!("{sync} {} of {least}:\n{trace}", count() - before);
    }
    count() - before
}

#[test]
fn what_is_synced_is_on_the_disk() {
    assert_eq!(syncs("record_sync off;", 0), 0);
    // Each time something is written, but what comes late is written with what comes next; and the
    // journal and the directory, so that the file is known.
    syncs("record_sync on;", 8);
    // In the beginning and at the end.
    let every = syncs("record_sync 1h;", 5);
    assert!(every < 8, "{every}");
}
