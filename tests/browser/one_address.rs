//! The page that `stream_live` makes: Chromium plays what is in it, without a script.

use crate::stage::Stage;

const PLAYED: &str = "(() => { const video = document.querySelector('video'); \
    return video.readyState >= 3 && video.videoWidth === 640 ? video.currentTime : 0; })()";

#[test]
fn the_page_of_a_stream_plays_it() {
    let stage = Stage::with(|conf| {
        let conf = conf.replace("live on;", "live on; hls on; hls_fragment 2s;");
        conf.replace(
            "location = /streams ",
            "location ~ ^/one/(?<name>.+)$ { stream_live live/$name; } location = /streams ",
        )
    });
    let _publisher = stage.publish("clock");
    let picture = "/one/clock/thumbnail.mp4";
    stage.server.wait_for("the stream", || stage.server.get(picture).status == 200);
    stage.chromium.open(&stage.server.url("/one/clock"));
    let played = || stage.chromium.number(PLAYED);
    stage.server.wait_for("the picture", || played() > 0.0);
    let before = played();
    stage.server.wait_for("two seconds of it", || played() > before + 2.0);
    assert_eq!(stage.chromium.text("document.title"), "clock");
    assert_eq!(stage.chromium.complaints(), "[]");
}
