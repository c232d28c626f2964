//! Encoders that are ill, and publishers that mean harm, against the whole server. Where each case of that kind is tested:
//!
//! | case | test |
//! |---|---|
//! | the target of parts changes (24, 25, 29.97, 60 pictures a second, another rate) | `hls/segmenter/tests/encoders.rs` |
//! | a delta leaves out the wrong segments | `low_latency.rs`: `check_deltas`; `proto/hls/tests.rs` |
//! | the target duration follows the longest group of pictures | `encoders.rs`; `hls/segmenter/cutter.rs` |
//! | numbers go back: reload, killed worker, upgrade, cold start, a publisher that comes back | `continuity.rs`, `unbroken.rs`, `paced.rs`, `watching.rs` |
//! | numbers run ahead of the time of day | here |
//! | a discontinuity leaves the playlist | `checker.rs`: `segments`, in all tests that follow a playlist |
//! | a request that waits, while the publisher is gone | `low_latency.rs` |
//! | a part beyond the last of its segment | `low_latency.rs`; `proto/hls/tests.rs` |
//! | sound without parts, parts that are too long | `low_latency.rs`; `hls/segmenter/tests/mod.rs` |
//! | segments without key frames, because sound was first; sound and pictures that begin apart | `encoders.rs`; `hls/segmenter/tests/encoders.rs` |
//! | a clock that jumps, that goes back, that wraps, that stands still | `hls/segmenter/tests/hostile.rs`; here |
//! | sound alone, and how long its last frame is | `hls/segmenter/tests/encoders.rs` |
//! | tables of sound that is not there; sound that comes late | `hls/segmenter/tests/encoders.rs` |
//! | pictures that are shown sooner than they are decoded | `proto/tests/ts`, `proto/tests/fmp4`; `ffmpeg.rs`, `encoders.rs` |
//! | HEVC: `hvc1`, its delimiters; AV1, VP9, Opus, FLAC, AC-3 | `codecs.rs`; `proto/tests/ts`, `proto/tests/fmp4` |
//! | the computer's clock is set | `clocks.rs` |
//! | other pictures without a discontinuity; headers that are sent again | `encoders.rs`; `hls/segmenter/tests/mod.rs`, `hostile.rs` there |
//! | an ended stream that is asked for for ever | `watching.rs` |
//! | a segment that is listed and not there | `checker.rs`, `files.rs` |
//! | a key that is gone before its segments | `keys.rs` |
//! | no key frame for an hour, a thousand a second, a stream of one frame | `hls/segmenter/tests/encoders.rs` |
//! | playlists that are too short, or the same for too long; segments that leave too soon | `checker.rs`, `paced.rs`; `hls/timeline/kept.rs` |
//! | ten hours | `hours.rs`; `hls/segmenter/tests/hostile.rs` |

use std::time::{Duration, SystemTime};

use support::wait_for;

use crate::checker::{Checker, Playlist};
use crate::film::Publisher;
use crate::up;

/// So many seconds may numbers be ahead of the time of day: a minute, and what one look at the log finds.
const AHEAD: u64 = 121;

fn unix() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[test]
fn numbers_do_not_run_away() {
    let server = up("hls_fragment 1s; hls_playlist_length 10s;");
    let mut publisher = Publisher::new(&server, "s");
    let look = || {
        let answer = server.get("/hls/s/video.m3u8");
        (answer.status == 200).then(|| Playlist::read(&answer.text()))
    };
    for _ in 0..10 {
        publisher.run(30_000);
        let end = look().map_or(0, |now| now.end());
        assert!(end <= unix() + AHEAD, "{end} at {}", unix());
    }
    // It waits, and goes on as time does; nothing is missing.
    wait_for("segments", || look().is_some_and(|now| now.end() > unix() + 50));
    let before = look().expect("a playlist").end();
    wait_for("the next ones", || look().is_some_and(|now| now.end() >= before + 2));
    let now = look().expect("a playlist");
    assert!(now.segments.iter().all(|segment| !segment.discontinuity), "{}", now.text);
}

#[test]
fn who_is_silent_and_goes_on_leaves_a_discontinuity() {
    for settings in ["", "hls_part 300ms;"] {
        let server = up(&format!("hls_fragment 1s; hls_playlist_length 60s; {settings}"));
        let mut publisher = Publisher::new(&server, "s");
        let mut checker = Checker::new("/hls/s/video.m3u8");
        for _ in 0..3 {
            publisher.run(3000);
            checker.look(&server);
            publisher.offset += 4000;
        }
        publisher.end();
        wait_for("the end", || checker.look(&server).is_some_and(|now| now.ended));
        let breaks = checker.all().filter(|(_, segment, _)| segment.discontinuity).count();
        assert_eq!(breaks, 2, "{settings}");
        checker.has_no_gap();
    }
}

#[test]
fn headers_in_turn_are_no_flood() {
    let server = up("hls_fragment 1s; hls_playlist_length 10s;");
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(3000);
    let began = std::time::Instant::now();
    for _ in 0..500 {
        publisher.other_header();
    }
    publisher.run(4000);
    let mut checker = Checker::new("/hls/s/video.m3u8");
    wait_for("segments", || checker.look(&server).is_some_and(|now| now.segments.len() >= 4));
    let breaks = checker.all().filter(|(_, segment, _)| segment.discontinuity).count();
    let most = 2 + began.elapsed().max(Duration::from_secs(1)).as_secs() as usize;
    assert!(breaks <= most, "{breaks} in {:?}", began.elapsed());
}
