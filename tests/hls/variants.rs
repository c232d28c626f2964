//! Streams that are variants of one.

use support::wait_for;

use crate::film::Publisher;
use crate::up;

#[test]
fn the_master_playlist_has_those_that_are_there() {
    let server =
        up("hls_fragment 1s; hls_variant _low BANDWIDTH=160000; hls_variant _high NAME=\"best\";");
    let master = || server.get("/hls/s/index.m3u8");
    assert_eq!(master().status, 404);
    let mut low = Publisher::new(&server, "s_low");
    low.run(3500);
    wait_for("one", || master().text().contains("../s_low/video.m3u8"));
    assert!(master().text().contains("BANDWIDTH=160000,"), "{}", master().text());
    let mut high = Publisher::new(&server, "s_high");
    high.run(3500);
    wait_for("both", || master().text().contains("../s_high/video.m3u8"));
    let text = master().text();
    assert!(text.contains("NAME=\"best\"") && text.contains("RESOLUTION=320x180"), "{text}");
    assert_eq!(server.get("/hls/s_high/index.m3u8").status, 200, "each is a stream of its own");
    low.end();
    wait_for("one to go", || !master().text().contains("s_low"));
    // What all of them have been can still be watched.
    high.end();
    wait_for("the end", || server.get("/hls/s_high/video.m3u8").text().contains("#EXT-X-ENDLIST"));
    assert!(master().text().contains("../s_high/video.m3u8"), "{}", master().text());
}
