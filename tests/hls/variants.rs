//! Streams that are variants of one.

use std::fs;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
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

/// Whose address is signed for a stream may have its variants: their addresses are signed, too, and for them alone.
#[test]
fn variants_of_a_signed_stream_are_signed() {
    let server = up("hls_fragment 1s; hls_variant _low; signed_url play SECRET;");
    let mut low = Publisher::new(&server, "s_low");
    low.run(3500);
    let mut mac = Hmac::<Sha256>::new_from_slice(b"SECRET").expect("a key");
    mac.update(b"play/live/s?expires=4102444800");
    let sign: String =
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let args = format!("expires=4102444800&sign={sign}");
    let mut master = String::new();
    wait_for("the master playlist", || {
        master = server.get(&format!("/hls/s/index.m3u8?{args}")).text();
        master.contains("../s_low/video.m3u8?")
    });
    assert_eq!(server.get("/hls/s/index.m3u8").status, 403);
    let variant = master.lines().find_map(|line| line.strip_prefix("..")).expect("a variant");
    assert_eq!(server.get(&format!("/hls{variant}")).status, 200, "{variant}");
    assert_eq!(server.get(&format!("/hls{}", variant.replace("s_low", "s"))).status, 403);
    assert_eq!(server.get(&format!("/hls/s_low/video.m3u8?{args}")).status, 403);
    let list = server.get(&format!("/hls{variant}")).text();
    let segment = list.lines().find(|line| line.contains(".ts")).expect("a segment");
    assert_eq!(server.get(&format!("/hls/s_low/{segment}")).status, 200, "{segment}");
}

/// A master playlist as a file is that of all variants: the one whose stream has ended takes its own files with it alone.
#[test]
fn the_file_of_the_others_stays() {
    let server = up(
        "hls_path files/hls; hls_fragment 1s; hls_playlist_length 3s; hls_variant _low; hls_variant _high; publish_grace 1s;",
    );
    let master = server.path("files/hls/s.m3u8");
    let text = || fs::read_to_string(&master).unwrap_or_default();
    let mut low = Publisher::new(&server, "s_low");
    low.run(3500);
    let mut high = Publisher::new(&server, "s_high");
    high.run(3500);
    wait_for("both", || text().contains("s_low.m3u8") && text().contains("s_high.m3u8"));
    low.end();
    wait_for("one to go", || {
        high.run(1000);
        !text().contains("s_low") && text().contains("s_high.m3u8")
    });
}
