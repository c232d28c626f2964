//! Clocks: the computer's, which is set back and forth, and the publisher's, which jumps.

use support::{Clocks, Server, wait_for};

use crate::client::Client;
use crate::film::Publisher;
use crate::frames::{aac, aac_header, avc_header, inter, key};
use crate::recorded::{
    comes_to_hold, is_all_of, is_closed, is_sealed, media, names, path, sent, told,
};
use crate::{about_to, conf, up};

/// A server whose clock is set.
#[track_caller]
fn clocked(settings: &str) -> Server {
    let start = about_to(String::new()).with_clocks(&conf(settings), Clocks::TimeOfDay);
    let server = start.start();
    wait_for("the workers", || server.workers().len() == 2);
    server
}

/// The files' frames, one file after the other as they were begun.
fn in_order(server: &Server) -> Vec<String> {
    let begun = |name: &String| {
        let about = std::fs::metadata(path(server, name)).expect("the file");
        about.created().expect("a date")
    };
    let mut all = names(server);
    all.sort_by_key(begun);
    all
}

/// Set back over and over, so that each name would come again: no recording takes the place of one that is there.
#[test]
fn a_clock_that_is_set_back_destroys_no_recording() {
    for settings in [
        "record all; record_interval 2s; record_unique on;",
        "record all; record_interval 2s; record_suffix -%Y-%m-%d_%H-%M-%S.flv;",
        "record all; record_align 1h; record_suffix -%H.flv;",
    ] {
        let server = clocked(settings);
        let mut publisher = Publisher::new(&server, "s");
        for round in 1..5 {
            publisher.run(2000);
            if !support::comes(|| names(&server).len() == round) {
                panic!("{settings} {round}: {:?}", names(&server));
            }
            // By hours, and to what it was.
            server.set_clocks(if round % 2 == 1 { -7200 } else { 0 });
        }
        publisher.end();
        // Files that are complete may be followed by one that has not begun.
        let (mut found, wanted) = (Vec::new(), sent(8000));
        support::comes(|| {
            let in_order = in_order(&server);
            found = match in_order.iter().all(|name| is_closed(&path(&server, name))) {
                true => in_order.iter().flat_map(|name| media(&path(&server, name))).collect(),
                false => Vec::new(),
            };
            found.len() >= wanted.len()
        });
        is_all_of(&found, &wanted);
    }
}

/// Old files are deleted by their age: a clock that is wrong for a moment makes none old that is not, when it is set back.
#[test]
fn a_clock_that_is_set_back_makes_nothing_old() {
    let server = clocked("record all; record_unique on; record_delete_after 1h;");
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(1000);
    publisher.end();
    wait_for("a file", || names(&server).len() == 1);
    server.set_clocks(-86_400);
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(1000);
    publisher.end();
    wait_for("another", || names(&server).len() == 2);
    assert!(server.command(&["-s", "reload"]).status.success());
    wait_for("what grows no more", || !server.get("/dvr/s/").text().contains("\"grows\":true"));
    assert_eq!(names(&server).len(), 2);
    assert_eq!(server.get("/dvr/s/").text().matches("\"file\"").count(), 2);
}

/// Two publications of one second, whose names have it in them.
#[test]
fn names_with_the_second_in_them_are_given_once() {
    let server = up("record all; record_unique on;");
    for _ in 0..4 {
        let mut publisher = Publisher::new(&server, "s");
        publisher.run(500);
        publisher.end();
    }
    wait_for("four files", || {
        let names = names(&server);
        names.len() == 4 && names.iter().all(|name| is_closed(&path(&server, name)))
    });
    for name in names(&server) {
        comes_to_hold(&path(&server, &name), &sent(500));
    }
}

/// The publisher's clock jumps by hours, forth and back, wraps, and its sound alone does: no file lasts longer for it.
#[test]
fn a_publishers_clock_that_jumps_makes_no_file_of_hours() {
    const HOUR: u32 = 3_600_000;
    for jumps in [[0, HOUR, 2 * HOUR], [HOUR, 0, HOUR], [u32::MAX - 1000, 1000, 3000]] {
        let server = up(
            "record all; publish_grace 1s; recorder f { record_format fmp4; record_suffix .mp4; }",
        );
        let mut publisher = Client::publisher(&server, "s");
        publisher.video(0, &avc_header(1));
        publisher.audio(0, &aac_header(1));
        for from in jumps {
            for at in 0..50u32 {
                let time = from.wrapping_add(at * 40);
                publisher.video(time, &if at % 25 == 0 { key(20) } else { inter(20) });
                publisher.audio(time, &aac(at));
            }
        }
        publisher.sync();
        publisher.reset();
        let file = path(&server, "s.flv");
        wait_for("its end", || is_sealed(&file) && is_closed(&file));
        assert_eq!(media(&file).len(), 300, "{jumps:?}");
        assert!(told(&file, "duration") < 20.0, "{jumps:?}: {}", told(&file, "duration"));
        let file = path(&server, "s.mp4");
        wait_for("its end", || crate::recorded::is_closed(&file));
        let bytes = std::fs::read(&file).expect("it");
        let duration = proto::fmp4::duration(&bytes[..4096.min(bytes.len())]);
        assert!(duration.is_some_and(|ms| (5000..20_000).contains(&ms)), "{jumps:?}: {duration:?}");
    }
}
