//! Codecs that FLV has no number for, published by Enhanced RTMP: they are in the forms that have a place for them.

use support::wait_for;

use crate::coded::{AV1, Coded, HEVC};
use crate::copies::{Viewer, coded, decoded, text};
use crate::up;

const SECONDS: u32 = 2;

#[test]
fn hevc_and_av1_are_in_movies() {
    let settings = "live_window 60s; publish_grace 0;";
    let server = up(settings);
    for codec in [HEVC, AV1] {
        let (film, name) = (Coded::by(SECONDS, &[codec]), codec.four);
        let viewer = Viewer::of(&server, &format!("{name}.mp4"));
        wait_for("the viewer", || server.get("/stat").text().contains("http-mp4"));
        drop(film.publish(&server, name));
        let got = text(&viewer.ended());
        assert_eq!(coded(&got, "0:v"), coded(&film.path, "0:v"), "{name}");
    }
}

#[test]
fn transport_streams_have_hevc_and_say_what_they_do_not_have() {
    let server = up("hls on; live_window 60s; publish_grace 0;");
    let hevc = Coded::by(SECONDS, &[HEVC]);
    let viewer = Viewer::of(&server, "h.ts");
    wait_for("the viewer", || server.get("/stat").text().contains("http-ts"));
    drop(hevc.publish(&server, "h"));
    let got = text(&viewer.ended());
    assert_eq!(decoded(&got, "0:v"), decoded(&hevc.path, "0:v"));

    // One that waits learns it when the stream comes, one that comes later at once.
    let early = Viewer::of(&server, "a.ts");
    wait_for("the viewer", || server.get("/stat").text().contains("http-ts"));
    let av1 = Coded::by(SECONDS, &[AV1]);
    let publisher = av1.publish(&server, "a");
    assert_eq!(std::fs::read(early.ended()).unwrap_or_default(), b"");
    let why = "an MPEG transport stream has no place for AV1";
    assert!(server.error_log().contains(&format!("is sent away: {why}")));
    assert_eq!(server.get("/live/a.ts").status, 404);
    assert!(server.error_log().contains(&format!("there is no such file: {why}")));
    let asked = |accept: &str| server.curl(&["-I", "-H", &format!("Accept: {accept}")], "/live/a");
    assert_eq!(asked("video/mp2t").status, 406);
    let other = asked("video/mp2t, video/mp4;q=0.1");
    assert_eq!(other.header("Content-Type"), Some("video/mp4"));
    drop(publisher);
}
