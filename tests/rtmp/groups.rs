//! What is kept of a stream: for those who join late, and for those who are behind.

use support::wait_for;

use crate::client::Client;
use crate::flv::Flv;
use crate::frames::{aac, aac_header, avc_header, inter, inter_of, key, key_of, metadata};
use crate::up;

/// Waits until a stream's publisher is connected for that long, by the server's own clock.
#[track_caller]
fn wait_until_old(server: &support::Server, ms: u64) {
    let begun = std::time::Instant::now();
    wait_for("time to pass", || {
        let _ = server.get("/stat");
        begun.elapsed().as_millis() as u64 > ms
    });
}

/// A group that is larger than what is kept: who joins then begins with the next one.
#[test]
fn who_joins_in_a_group_that_is_too_large_begins_with_the_next() {
    let server = up("max_behind 64k;");
    let mut publisher = Client::publisher(&server, "s");
    let mut witness = Client::player(&server, "s");
    publisher.data(0, &metadata(640.0));
    publisher.video(0, &avc_header(1));
    publisher.audio(0, &aac_header(1));
    publisher.video(0, &key(0));
    for n in 1..100 {
        publisher.video(n * 40, &inter_of(n, 4000));
        if n % 10 == 0 {
            witness.frames_to(&format!("p{n}"));
        }
    }
    publisher.sync();
    let mut late = Client::player(&server, "s");
    let mut http = Flv::get(&server, "/live/s.flv");
    publisher.video(4000, &inter(100));
    publisher.video(4040, &key(101));
    publisher.video(4080, &inter(102));
    let wanted = ["meta@0", "vh1@0", "ah1@0", "k101@0", "p102@40"];
    assert_eq!(late.frames(5), wanted);
    assert_eq!(http.frames(5), wanted);
}

/// A still picture: its only key frame stays, however old it is.
#[test]
fn the_only_key_frame_is_kept() {
    let server = up("live_window 50ms;");
    let mut publisher = Client::publisher(&server, "s");
    publisher.video(0, &avc_header(1));
    publisher.video(0, &key(1));
    publisher.video(40, &inter(2));
    publisher.sync();
    wait_until_old(&server, 700);
    publisher.video(800, &inter(3));
    publisher.sync();
    let mut late = Client::player(&server, "s");
    assert_eq!(late.frames(4), ["vh1@0", "k1@0", "p2@40", "p3@800"]);
}

#[test]
fn sound_alone_begins_about_a_second_ago() {
    let server = up("live_window 100ms;");
    let mut publisher = Client::publisher(&server, "s");
    publisher.audio(0, &aac_header(1));
    publisher.audio(0, &aac(0));
    publisher.sync();
    wait_until_old(&server, 1100);
    publisher.audio(1100, &aac(1));
    publisher.audio(1120, &aac(2));
    publisher.sync();
    let mut late = Client::player(&server, "s");
    assert_eq!(late.frames(3), ["ah1@0", "a1@0", "a2@20"]);
}

/// A delay holds for those who come late, too: they see what the others see.
#[test]
fn who_joins_a_delayed_stream_is_as_late_as_the_others() {
    let server = up("delay 300ms;");
    let mut publisher = Client::publisher(&server, "s");
    let mut early = Client::player(&server, "s");
    publisher.video(0, &avc_header(1));
    publisher.video(0, &key(1));
    publisher.video(40, &inter(2));
    assert_eq!(early.frames(3), ["vh1@0", "k1@0", "p2@40"]);
    publisher.video(80, &key(3));
    publisher.sync();
    let mut late = Client::player(&server, "s");
    assert_eq!(late.frames(4), ["vh1@0", "k1@0", "p2@40", "k3@80"]);
    assert_eq!(early.frames(1), ["k3@80"]);
}

/// A player by WebSocket that does not read skips whole groups, as others do, and its frames stay whole.
#[test]
fn a_stalled_viewer_goes_on_with_a_key_frame() {
    let server = up("live_window 100ms; max_behind 512k;");
    let mut publisher = Client::publisher(&server, "s");
    let mut viewers = [Flv::get(&server, "/live/s.flv"), Flv::socket(&server, "/live/s.flv", "")];
    // What it consists of is known at once: nobody waits for sound.
    publisher.data(0, &metadata(640.0));
    publisher.video(0, &avc_header(1));
    let mut quick = Client::player(&server, "s");
    for n in 0..600 {
        let frame = if n % 10 == 0 { key_of(n, 60_000) } else { inter_of(n, 40_000) };
        publisher.video(n * 40, &frame);
        if n % 10 == 9 {
            quick.frames_to(&format!("p{n}"));
        }
    }
    publisher.video(600 * 40, &key(600));
    publisher.sync();
    for viewer in &mut viewers {
        let (mut before, mut gaps) = (None, 0);
        while before != Some(600) {
            let said = viewer.frames(1).remove(0);
            let Some((name, time)) = said.split_once('@') else { panic!("{said}") };
            let Ok(n) = name[1..].parse::<u32>() else { continue };
            assert_eq!(time, (n * 40).to_string());
            if before.is_some_and(|before| n != before + 1) {
                assert!(name.starts_with('k'), "{before:?} {said}");
                gaps += 1;
            }
            before = Some(n);
        }
        assert!(gaps >= 1);
    }
}
