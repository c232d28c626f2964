//! The page that plays live streams, by HLS: the same picture with a clock in it, in segments and in parts of them.

use std::time::SystemTime;

use support::process;

use crate::shipped;
use crate::stage::Stage;

/// The server of the page, with HLS.
pub fn stage(settings: &str) -> Stage {
    stage_with(settings, "")
}

/// The same with other locations before.
pub fn stage_with(settings: &str, locations: &str) -> Stage {
    Stage::with(|conf| {
        let conf =
            conf.replace("live on;", &format!("live on; hls on; hls_fragment 2s; {settings}"));
        conf.replace(
            "location = /streams ",
            &format!("{locations} location ~ ^/hls/(?<name>.+)/[^/]+$ {{ hls_live live/$name; }} location = /streams "),
        )
    })
}

impl Stage {
    /// Waits until there is a playlist: a segment is whole.
    fn wait_for_playlist(&self) {
        self.server
            .wait_for("a playlist", || self.server.get("/hls/clock/index.m3u8").status == 200);
    }

    /// Waits until the page says how late the picture is, and says what the picture's clock says.
    fn wait_for_true_latency(&self) {
        self.server.wait_for("a latency that is true", || self.seen().is_told());
    }

    /// Waits until the button of the time line says whether this is live.
    fn wait_for_button(&self, live: &str) {
        let pressed = "document.querySelector('#timeline button').ariaPressed";
        self.server.wait_for("the button", || self.chromium.text(pressed) == live);
    }

    /// Chooses a way to play by the switch.
    fn click_way(&self, way: &str) {
        self.chromium.text(&format!("document.querySelector('#ways [value={way}]').click()"));
    }
}

#[test]
fn low_latency_is_played_on_through_a_reload() {
    let stage = stage("hls_part 500ms;");
    let _publisher = stage.publish("clock");
    stage.wait_for_playlist();
    stage.open("?stream=clock#ll-hls");
    stage.watch("the stream", 4.0);
    assert_eq!(stage.said("transport"), "LL-HLS");
    assert_eq!(stage.said("picture"), "H.264 640×360 25/s");
    assert_eq!(stage.said("sound"), "AAC 44.1 kHz");
    stage.wait_for_true_latency();
    // It holds back three parts; a player of segments could not come so near.
    stage.server.wait_for("the live edge", || stage.latency() < 4000.0);

    let old = stage.server.workers();
    stage.server.signal("HUP");
    stage.server.wait_for("the new workers", || {
        stage.server.workers().iter().filter(|worker| !old.contains(worker)).count() == 2
    });
    let begun = SystemTime::now();
    stage.wait_for_picture_since("a picture from after the reload", begun);
    stage.watch("the stream, after a reload", 2.0);
    assert_eq!(stage.chromium.complaints(), "[]");
}

#[test]
fn segments_are_played_where_there_are_no_parts() {
    let stage = stage("hls_format fmp4;");
    let _publisher = stage.publish("clock");
    stage.open("?stream=clock&via=ll-hls");
    stage.watch("the stream", 4.0);
    assert_eq!(stage.said("transport"), "HLS");
    stage.wait_for_true_latency();
    assert_eq!(stage.chromium.text("document.querySelector('#ways :checked').value"), "ll-hls");
}

/// A publisher that comes back has another clock, another size, and no sound: it is played where the wall's clock says.
#[test]
fn it_goes_on_with_a_publisher_that_comes_back() {
    let stage = stage("hls_part 500ms; publish_grace 20s;");
    let publisher = stage.publish("clock");
    stage.open("?stream=clock#ll-hls");
    stage.watch("the stream", 2.0);
    publisher.end();
    let begun = SystemTime::now();
    let publisher = stage.publish("clock");
    stage.wait_for_picture_since("the next publisher's picture", begun);
    stage.watch("the next publisher", 2.0);
    stage.wait_for_true_latency();
    publisher.end();

    let other: &[&str] = &["-re", "-f", "lavfi", "-i", "testsrc2=size=400x300:rate=25"];
    let x264: &[&str] =
        &["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25"];
    let _publisher = stage.ffmpeg("clock", &[other, x264].concat());
    stage.server.wait_for("another size", || stage.video("videoWidth") == 400.0);
    stage.watch("another size", 2.0);
}

#[test]
fn it_comes_back_when_workers_die() {
    let stage = stage("hls_part 500ms;");
    let publisher = stage.publish("clock");
    stage.open("?stream=clock#ll-hls");
    stage.watch("the stream", 2.0);
    process::kill(&stage.server.workers());
    drop(publisher);
    let begun = SystemTime::now();
    let _publisher = stage.publish("clock");
    stage.wait_for_picture_since("the next publisher's picture", begun);
    stage.watch("the stream, from other workers", 2.0);
}

/// The configuration as it is shipped has what the page needs, also for names of rooms.
#[test]
fn the_shipped_configuration_has_it() {
    let stage = Stage::of(shipped());
    let _publisher = stage.publish("room1/cam");
    for way in ["ll-hls", "hls"] {
        stage.open(&format!("?stream=room1/cam&via={way}"));
        stage.watch(way, 2.0);
        assert_eq!(stage.said("transport").to_lowercase(), way);
    }
}

#[test]
fn the_way_is_chosen_and_remembered() {
    let stage = stage("hls_part 500ms;");
    let _publisher = stage.publish("clock");
    stage.wait_for_playlist();
    let way = || stage.chromium.text("document.querySelector('#ways :checked').value");
    stage.open("?stream=clock");
    stage.watch("by WebSocket", 1.0);
    assert_eq!((way(), stage.said("transport")), ("websocket".into(), "WebSocket".into()));
    for (chosen, transport) in [("hls", "HLS"), ("ll-hls", "LL-HLS"), ("websocket", "WebSocket")] {
        stage.click_way(chosen);
        stage.server.wait_for(chosen, || stage.said("transport") == transport);
        stage.watch(chosen, 2.0);
        assert_eq!(stage.chromium.text("location.hash"), format!("#{chosen}"));
    }
    stage.click_way("ll-hls");
    stage.open("?stream=clock");
    stage.watch("what was chosen last", 1.0);
    assert_eq!((way(), stage.said("transport")), ("ll-hls".into(), "LL-HLS".into()));
    // The address is stronger, and nothing that it may say is an error.
    stage.open("?stream=clock&via=hls");
    assert_eq!(way(), "hls");
    stage.open("?stream=clock&via=constructor#toString");
    assert_eq!(way(), "ll-hls");
    assert_eq!(stage.chromium.complaints(), "[]");
}

#[test]
fn what_is_not_there_is_told_and_waited_for() {
    let stage = stage("hls_part 500ms;");
    stage.open("?stream=clock#ll-hls");
    stage
        .server
        .wait_for("the word", || stage.said("line").contains("nobody publishes this stream"));
    let publisher = stage.publish("clock");
    stage.watch("the stream", 2.0);
    // At the end of the stream what is there is played to its end, and the next one is waited for.
    publisher.end();
    stage.server.wait_for("the end", || stage.said("line").contains("the stream has ended"));
    let begun = SystemTime::now();
    let _publisher = stage.publish("clock");
    stage.wait_for_picture_since("the next publisher's picture", begun);
}

/// The time line: back to what was, and to what is again.
#[test]
fn a_viewer_goes_back_and_is_live_again() {
    let stage =
        stage("hls_part 500ms; hls_playlist_length 6s; hls_window 1h; hls_window_path window;");
    let _publisher = stage.publish("clock");
    stage.wait_for_playlist();
    stage.open("?stream=clock#ll-hls");
    stage.watch("the stream", 2.0);
    // Longer than what is in memory.
    let length = "document.querySelector('#timeline input').max - document.querySelector('#timeline input').min";
    stage.server.wait_for("a time line", || {
        stage.hidden("timeline") == "false" && stage.chromium.number(length) > 14.0
    });
    stage.wait_for_button("true");
    stage.chromium.text(
        "(range => { range.value = range.max - 12; range.dispatchEvent(new Event('input')); range.dispatchEvent(new Event('change')); })(document.querySelector('#timeline input'))",
    );
    stage.server.wait_for("what was then", || {
        let seen = stage.seen();
        (10_000.0..18_000.0).contains(&seen.late) && seen.is_told()
    });
    stage.wait_for_button("false");
    // It stays there, and does not hurry.
    stage.watch("the stream, later", 4.0);
    assert!(stage.latency() > 10_000.0);
    stage.chromium.text("document.querySelector('#timeline button').click()");
    stage.server.wait_for("the live edge", || stage.latency() < 4000.0);
    stage.wait_for_button("true");
    assert_eq!(stage.chromium.complaints(), "[]");
}
