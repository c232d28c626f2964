//! Disks that hang: who writes to one waits, and nobody else does.

use support::{Hung, Server, process, wait_for};

use crate::film::Publisher;
use crate::recorded::{
    comes_to_hold, is_all_of, is_closed, is_sealed, media, path, payloads, sent,
};
use crate::{about_to, conf};

/// A server with a recorder on such a disk.
fn up(zone: &str, settings: &str) -> Option<(Server, Hung)> {
    let settings =
        format!("record all; publish_grace 20s; recorder h {{ record_path hung; {settings} }}");
    let start = about_to(conf(&settings).replace("rtmp_zone 64m", &format!("rtmp_zone {zone}")));
    let hung = Hung::at(start.dir().path("hung"))?;
    let server = start.start();
    wait_for("the workers", || server.workers().len() == 2);
    Some((server, hung))
}

/// More streams than there are threads for files: the other recorder has each of them, files are served, and when the disk is back
/// nothing is missing there either.
#[test]
fn a_disk_that_hangs_keeps_nobody_else_waiting() {
    const STREAMS: usize = 80;
    for settings in ["", "record_format mp4; record_suffix .flv;"] {
        let Some((server, mut hung)) = up("64m", settings) else { return };
        let name = |number: usize| format!("s{number}");
        let mut publishers: Vec<Publisher> =
            (0..STREAMS).map(|number| Publisher::new(&server, &name(number))).collect();
        let mut run = |ms: u32| {
            publishers.iter_mut().for_each(|publisher| {
                publisher.run(ms);
            });
        };
        run(500);
        hung.hang();
        run(1500);
        let wanted = sent(publishers[0].now());
        publishers.into_iter().for_each(Publisher::end);
        for number in 0..STREAMS {
            let file = path(&server, &format!("s{number}.flv"));
            wait_for("its end", || is_sealed(&file) && is_closed(&file));
            is_all_of(&media(&file), &wanted);
        }
        server.file("html/file", "text");
        assert_eq!(server.get("/file").text(), "text");
        assert!(server.get("/dvr/s0/").text().contains("s0.flv"));
        hung.go_on();
        for number in 0..STREAMS {
            let file = hung.path.join(format!("s{number}.flv"));
            wait_for("its end", || is_closed(&file));
            match settings {
                "" => is_all_of(&media(&file), &wanted),
                _ => assert_eq!(
                    crate::fragments::frames(&file),
                    crate::fragments::frames(&path(&server, &format!("s{number}.flv")))
                ),
            }
        }
    }
}

/// It hangs for longer than memory lasts: the stream and the other recorder go on, and what is missing is told.
#[test]
fn a_disk_that_hangs_for_long_stops_no_stream() {
    let Some((server, mut hung)) = up("4m", "") else { return };
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(2000);
    let file = hung.path.join("s.flv");
    wait_for("the file", || std::fs::metadata(&file).is_ok_and(|it| it.len() > 50_000));
    hung.hang();
    let other = path(&server, "s.flv");
    let len = || std::fs::metadata(&other).map_or(0, |it| it.len());
    // 1 MB each time: a recorder keeps 4 MB for its disk, the log as much.
    for _ in 0..12 {
        let known = len();
        publisher.run(60_000);
        wait_for("the other file to grow", || len() > known);
    }
    let total = publisher.now();
    publisher.end();
    comes_to_hold(&path(&server, "s.flv"), &sent(total));
    hung.go_on();
    wait_for("its end", || is_closed(&file));
    // What there is is in order, once, and can be decoded.
    let (found, wanted) = (media(&file), sent(total));
    let (found_all, wanted_all) = (payloads(&found), payloads(&wanted));
    let same = found_all.iter().zip(&wanted_all).take_while(|(one, other)| one == other).count();
    assert!(same > 100, "{same}");
    assert!(same < wanted.len() && server.error_log().contains("frames are missing"), "{same}");
    let rest = found[same..].iter().find(|it| it.kind == proto::rtmp::message::VIDEO);
    assert!(rest.is_none_or(|it| it.is_key()));
}

/// The configuration is loaded again meanwhile, and a worker dies as soon as it can.
#[test]
fn workers_come_and_go_while_a_disk_hangs() {
    for kills in [false, true] {
        let Some((server, mut hung)) = up("64m", "") else { return };
        let mut publisher = Publisher::new(&server, "s");
        publisher.run(2000);
        let file = hung.path.join("s.flv");
        wait_for("the file", || file.exists());
        hung.hang();
        publisher.run(2000);
        match kills {
            true => {
                let worker = server.connected_worker();
                process::signal(worker, "KILL");
                hung.go_on();
                process::wait_for_end(worker);
                wait_for("another worker", || server.workers().len() == 2);
            }
            false => {
                assert!(server.command(&["-s", "reload"]).status.success());
                publisher.run(1000);
            }
        }
        if !publisher.is_alive() {
            publisher.come_back(&server, "s");
        }
        publisher.run(2000);
        if !kills {
            hung.go_on();
        }
        publisher.end();
        let other = path(&server, "s.flv");
        wait_for("the ends", || is_closed(&other) && is_closed(&file));
        wait_for("the ends", || is_sealed(&other) && is_sealed(&file));
        is_all_of(&media(&file), &media(&other));
    }
}
