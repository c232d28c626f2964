//! Ten hours of a stream in a minute: the server's clocks go as fast as the publisher's.

use std::time::Instant;

use support::{Clocks, wait_for};

use crate::checker::{Checker, Playlist};
use crate::clocks::{clocked, time_there};
use crate::film::Publisher;

const SETTINGS: &str = "hls_fragment 10s; hls_playlist_length 30s;";
/// Of ten seconds each.
const SEGMENTS: i64 = 3600;
/// After so many of them somebody looks.
const LOOK: i64 = 60;

/// A picture each five seconds. The clock of the messages begins again after five hours, and so does that of transport streams.
#[test]
fn ten_hours() {
    let server = clocked(SETTINGS, Clocks::All);
    let mut checker = Checker::new("/hls/s/video.m3u8");
    let begin = 0_u32.wrapping_sub(5 * 3_600_000);
    let mut publisher = Publisher::at(&server, "s", begin);
    let mut first = None;
    let (began, start) = (Instant::now(), time_there(0));
    for second in (0..=SEGMENTS * 10).step_by(10) {
        // This test takes time itself.
        server.set_clocks(second - began.elapsed().as_secs() as i64);
        let time = begin.wrapping_add(second as u32 * 1000);
        if second > 0 {
            publisher.still(time.wrapping_sub(5000));
        }
        publisher.still(time);
        publisher.sync();
        if second != 20 && second % (LOOK * 10) != 0 || second == 0 {
            continue;
        }
        let mut now = Playlist::default();
        wait_for("what was published", || {
            now = checker.look(&server).unwrap_or_default();
            let first = *first.get_or_insert(now.sequence);
            first > 0 && now.end() == first + second as u64 / 10
        });
        assert!(
            now.segments.iter().all(|it| !it.discontinuity && it.duration == 10.0),
            "{}",
            now.text
        );
        let newest = now.segments.last().expect("a segment");
        let off = (newest.date + 10_000).abs_diff(start + second as u64 * 1000);
        assert!(off < 2000, "{off} ms after {second} s: {}", now.text);
    }
    let end = checker.look(&server).expect("a playlist");
    assert_eq!((end.target, end.end()), (10, first.unwrap_or(0) + SEGMENTS as u64));
    let numbers = checker.known.values().map(|(_, discontinuities)| discontinuities);
    assert!(numbers.clone().min() == numbers.max(), "no discontinuity was counted");
    assert!(checker.known.len() as i64 > SEGMENTS / LOOK * 3, "{}", checker.known.len());
}
