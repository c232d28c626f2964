//! What master playlists say of codecs is what Chromium is asked before it plays: it has to understand each word.

use std::process::Command;

use support::process;

use crate::coded::{AV1, Codec, Coded, FLAC, HEVC, MP3, OPUS, VP9};
use crate::windows::Windows;
use crate::{beside_others, stage};

/// Films, whether Chromium knows all words for them, and whether it plays them. Debian's has no decoder of HEVC. MP3 has in MP4
/// the word that Apple gave it, which hls.js translates.
const FILMS: &[(&str, &[Codec], bool, bool)] = &[
    ("av1", &[AV1, OPUS], true, true),
    ("vp9", &[VP9, FLAC], true, true),
    ("mp3", &[AV1, MP3], false, true),
    ("hevc", &[HEVC, OPUS], false, false),
];

const SECONDS: u32 = 8;

fn codecs(master: &str) -> String {
    let value = master.split("CODECS=\"").nth(1).and_then(|rest| rest.split('"').next());
    value.unwrap_or_else(|| panic!("no CODECS: {master}")).to_owned()
}

/// What HEVC's word has to be (ISO/IEC 14496-15 Annex E), by what ffprobe says of a film of the profile Main: its general
/// compatibility has the bits of Main and Main 10.
fn word_of(path: &str) -> String {
    let mut ffprobe = Command::new("ffprobe");
    ffprobe.args(["-v", "error", "-select_streams", "v", "-of", "csv=p=0"]);
    let output = process::run(ffprobe.args(["-show_entries", "stream=profile,level", path]));
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let level = text.strip_prefix("Main,").unwrap_or_else(|| panic!("another profile: {text}"));
    format!("hvc1.1.6.L{level}.")
}

#[test]
fn chromium_knows_each_word_and_plays_what_it_can() {
    let _processors = beside_others();
    let settings =
        "hls on; hls_format fmp4; hls_fragment 2s; hls_playlist_length 60s; publish_grace 0;";
    let location = "location ~ ^/hls/(?<name>.+)/[^/]+$ { hls_live live/$name; }";
    let mut windows = Windows::new(stage(settings, location));
    let is_known = |windows: &Windows, words: &str| {
        let asked = format!("MediaSource.isTypeSupported('video/mp4; codecs=\"{words}\"')");
        windows.stage.chromium.text(&asked) == "true"
    };
    windows.stage.chromium.open(&windows.stage.server.url("/"));
    assert!(!is_known(&windows, "av01.9.99X.08") && !is_known(&windows, "vp09.00"), "it looks");
    for (name, tracks, known, plays) in FILMS {
        let server = &windows.stage.server;
        let film = Coded::by(SECONDS, tracks);
        drop(film.publish(server, name));
        let address = format!("/hls/{name}/index.m3u8");
        let ended = || server.get(&address.replace("index", "video")).text().contains("ENDLIST");
        server.wait_for("the film", ended);
        let words = codecs(&server.get(&address).text());
        let (picture, sound) = words.split_once(',').unwrap_or_default();
        assert!(!known || is_known(&windows, &words), "{words}");
        assert!(sound == "mp4a.40.34" || is_known(&windows, sound), "{words}");
        if *plays {
            assert!(is_known(&windows, picture), "{words}");
            windows.play("hls.js", address);
            continue;
        }
        let wanted = word_of(&film.path);
        let rest = picture.strip_prefix(&wanted).unwrap_or_else(|| panic!("{words}: {wanted}…"));
        // Constraint bytes: progressive, whole frames; what follows are zeros, which are left out.
        assert_eq!(rest, "90", "{words}");
    }
    windows.wait_for("the pictures", |_, stage| {
        let seen = stage.seen();
        seen.time > 2.0 && seen.width == 320.0 && seen.frames > 25.0
    });
    windows.assert_well();
}
