//! The computer's clock is set back and forth: numbers go on, names keep their bytes, and dates are those of the clock again
//! after one discontinuity. And time passes: what has ended goes.

use std::time::SystemTime;

use support::{Clocks, Server, Start, process, wait_for};

use crate::checker::{Checker, Playlist, millis};
use crate::conf;
use crate::film::Publisher;
use crate::mpd::Follower;

const SETTINGS: &str = "dash on; hls_fragment 1s; hls_playlist_length 12s; dash_playlist_length 12s; publish_grace 20s;";

const HOUR: i64 = 3600;

#[track_caller]
pub fn clocked(settings: &str, clocks: Clocks) -> Server {
    let start = Start::new(env!("CARGO_BIN_EXE_rserve"));
    let server = start.with_clocks(&conf(settings), clocks).start();
    wait_for("the workers", || server.workers().len() == 2);
    server
}

/// The server's time, in milliseconds as playlists have dates.
pub fn time_there(beside: i64) -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a time");
    let there = since.as_millis() as u64;
    millis(&proto::date::iso_8601(there.saturating_add_signed(beside * 1000)))
}

/// The publisher goes on until so many more segments are there.
#[track_caller]
fn goes_on(
    server: &Server,
    publisher: &mut Publisher,
    checker: &mut Checker,
    more: u64,
) -> Playlist {
    let from = checker.look(server).expect("a playlist").end();
    for _ in 0..more {
        publisher.run(1000);
        checker.look(server);
    }
    wait_for("more segments", || {
        checker.look(server).is_some_and(|now| now.end() >= from + more - 1)
    });
    checker.look(server).expect("a playlist")
}

/// The dates of what comes last are those of the server's clock, but for the few seconds that the publisher is ahead.
#[track_caller]
fn dates_are_those_of(now: &Playlist, beside: i64) {
    let last = now.segments.last().expect("a segment");
    let off = last.date.abs_diff(time_there(beside));
    assert!(off < 90_000, "{off} ms beside the clock, which is set by {beside} s: {}", now.text);
}

/// Discontinuities, from the stream's beginning on.
fn breaks(now: &Playlist) -> u64 {
    let marked = now.segments.iter().filter(|segment| segment.discontinuity).count();
    now.discontinuities + marked as u64
}

/// Set while a stream goes on: back at once, which is seen at once; forth, which is seen when everything has been late for a
/// while; and back to what it was.
#[test]
fn a_clock_that_is_set_breaks_no_number() {
    for by in [-HOUR, HOUR] {
        let server = clocked(SETTINGS, Clocks::TimeOfDay);
        let mut publisher = Publisher::new(&server, "s");
        let mut checker = Checker::new("/hls/s/video.m3u8");
        publisher.run(4500);
        wait_for("segments", || checker.look(&server).is_some_and(|now| now.segments.len() >= 3));
        let mut beside = 0;
        for set in [by, 0, by] {
            let before = breaks(&checker.look(&server).expect("a playlist"));
            let is_forth = set > beside;
            beside = set;
            server.set_clocks(beside);
            goes_on(&server, &mut publisher, &mut checker, 2);
            if is_forth {
                beside += 15;
                server.set_clocks(beside);
            }
            let now = goes_on(&server, &mut publisher, &mut checker, 5);
            assert_eq!(breaks(&now), before + 1, "{}", now.text);
            dates_are_those_of(&now, beside);
        }
        // Another worker goes on, which knows nothing of what the clock was.
        let first = server.connected_worker();
        process::kill(&[first]);
        wait_for("another worker", || server.workers().len() == 2);
        publisher.come_back(&server, "s");
        goes_on(&server, &mut publisher, &mut checker, 6);
        publisher.end();
        wait_for("the end", || checker.look(&server).is_some_and(|now| now.ended));
        checker.has_no_gap();
    }
}

/// The same of a description: the presentation's clock is not set back, nor is what players are told that it shows.
#[test]
fn a_clock_that_is_set_turns_no_description_back() {
    for by in [-HOUR, HOUR] {
        let server = clocked(SETTINGS, Clocks::TimeOfDay);
        let mut publisher = Publisher::new(&server, "s");
        let mut follower = Follower::new("/dash/s/index.mpd");
        publisher.run(4500);
        wait_for("a description", || follower.look(&server).is_some());
        let (mut beside, mut periods) = (0, 1);
        for set in [by, 0, by] {
            let is_forth = set > beside;
            beside = set;
            server.set_clocks(beside);
            for round in 0..7 {
                publisher.run(1000);
                follower.look(&server);
                if is_forth && round == 2 {
                    beside += 15;
                    server.set_clocks(beside);
                }
            }
            periods += 1;
            wait_for("another period", || {
                follower.look(&server);
                follower.periods() == periods
            });
        }
        publisher.end();
        wait_for("the end", || follower.look(&server).is_some_and(|now| now.ended));
        follower.has_no_gap();
    }
}

/// What has ended can be watched for two minutes, by who asks all the time and by who comes late; then it is gone, as files are,
/// and nobody is told of segments that are not there.
#[test]
fn what_has_ended_goes_when_its_time_has_passed() {
    let settings =
        "dash on; hls_path files/hls; hls_fragment 1s; hls_playlist_length 6s; publish_grace 0;";
    for more in ["hls_part 300ms;", ""] {
        let server = clocked(&format!("{settings} {more}"), Clocks::All);
        let mut publisher = Publisher::new(&server, "s");
        publisher.run(5500);
        publisher.end();
        let mut checker = Checker::new("/hls/s/video.m3u8");
        wait_for("the end", || checker.look(&server).is_some_and(|now| now.ended));
        let text = checker.look(&server).expect("a playlist").text;
        assert!(text.trim_end().ends_with("#EXT-X-ENDLIST"), "{text}");
        let lists =
            ["/hls/s/index.m3u8", "/hls/s/video.m3u8", "/dash/s/index.mpd", "/files/hls/s.m3u8"];
        let segment = || format!("/hls/s/{}", checker.all().next().expect("a segment").1.uri);
        wait_for("the files", || lists.iter().all(|list| server.get(list).status == 200));
        for passed in [30, 60, 90] {
            server.set_clocks(passed);
            assert_eq!(server.get("/hls/s/video.m3u8").text(), text, "{passed} s later");
            assert!(lists.iter().all(|list| server.get(list).status == 200), "{passed} s later");
            assert_eq!(server.get(&segment()).status, 200);
        }
        // Two minutes, and a while in which it is seen that they have passed: a segment goes no sooner than its playlist.
        for passed in (115..300).step_by(5) {
            server.set_clocks(passed);
            let there = server.get(&segment()).status;
            let list = server.get("/hls/s/video.m3u8").status;
            assert!(there == 200 || list == 404, "{passed} s later: {there}, {list}");
        }
        let gone = |path: &&str| server.get(path).status == 404;
        wait_for("all to go", || lists.iter().filter(|list| gone(list)).count() == lists.len());
        assert_eq!(server.get(&segment()).status, 404);
        // The name is as good as any other.
        let mut publisher = Publisher::new(&server, "s");
        publisher.run(5500);
        let before = checker.known.keys().next_back().copied().expect("a number");
        let mut checker = Checker::new("/hls/s/video.m3u8");
        wait_for("segments", || checker.look(&server).is_some());
        let now = checker.look(&server).expect("a playlist");
        assert!(now.sequence > before && !now.ended, "{}", now.text);
    }
}
