//! What was recorded as FLV, sought by mpegts.js.

use crate::stage::{CODECS, clock};
use crate::windows::Windows;
use crate::{beside_others, stage};

/// How long what is recorded is, in seconds.
const LENGTH: f64 = 600.0;

/// What the metadata of a recording tell of its length (a number of AMF0), once it is complete.
fn duration(file: &[u8]) -> f64 {
    let at = file.windows(9).position(|bytes| bytes == b"duration\0");
    let number = at.and_then(|at| file.get(at + 9..at + 17)).and_then(|it| it.try_into().ok());
    number.map_or(0.0, f64::from_be_bytes)
}

/// The player knows where key frames are, and asks for what it needs: no more, and nothing twice.
#[test]
fn a_recording_is_sought_by_its_index() {
    let _processors = beside_others();
    // So slow that it cannot load all of it before it is asked to seek.
    let location = "location /kept/ { root watched; limit_rate 300k; }";
    let application = "application kept { live on; record all; record_path watched/kept; }";
    let mut windows = Windows::new(stage(application, location));
    let bars = format!("smptehdbars=size=640x360:rate=5:duration={LENGTH}");
    let tone = format!("sine=frequency=330:duration={LENGTH}");
    let sources = ["-f", "lavfi", "-i", &bars, "-f", "lavfi", "-i", &tone];
    let more = ["-vf", &clock(), "-g", "10"];
    let publisher = windows.stage.ffmpeg_to("kept", "film", &[&sources, CODECS, &more].concat());
    assert!(publisher.ends(), "ffmpeg was cut off");
    let server = &windows.stage.server;
    let file = || std::fs::read(server.path("watched/kept/film.flv")).unwrap_or_default();
    server.wait_for("its index", || (duration(&file()) - LENGTH).abs() < 1.0);

    windows.play("mpegts.js", "/kept/film.flv&file".into());
    windows.watch("the beginning", 1.0);
    let player = &windows.players[0];
    let stage = windows.look_at(player);
    for second in [450.0, 150.0, LENGTH - 20.0] {
        stage.chromium.text(&format!("video.currentTime = {second}"));
        windows.watch("what was sought", 1.0);
        // Its clock shows the times of its frames, five a second.
        stage.server.wait_for("what is of this moment", || {
            let seen = stage.seen();
            let ahead = 1000.0 * seen.time - seen.clock;
            (-100.0..500.0).contains(&ahead)
        });
    }
    windows.assert_well();
    let log = || stage.server.access_log();
    let parts = || log().matches("GET /kept/film.flv HTTP/1.1\" 206 ").count();
    stage.server.wait_for("its ranges in the log", || parts() >= 3);
    assert_eq!(stage.errors(), "[]");
}
