//! Codecs that FLV has no number for, published by Enhanced RTMP: each frame is there, at its time, in HLS and in DASH, and
//! playlists say what it is.

use support::{Server, wait_for};

use crate::coded::{AC3, AV1, Codec, Coded, EAC3, FLAC, HEVC, MP3, OPUS, VP9};
use crate::ffmpeg::{copied, decoded};
use crate::up;

/// Pictures and sound, and what a master playlist and a description have to say of them. HEVC's are what the standard has
/// for Main, level 1, progressive and whole frames; those of AV1 and of VP9 are what ffmpeg's own muxer of DASH says, too.
const FILMS: &[(&[Codec], &[&str])] = &[
    (&[HEVC, EAC3], &["hvc1.1.6.L60.90", "ec-3"]),
    (&[AV1, OPUS], &["av01.0.00M.08", "Opus"]),
    (&[VP9, FLAC], &["vp09.00.11.08", "fLaC"]),
    (&[HEVC, MP3], &["hvc1.1.6.L60.90", "mp4a.40.34"]),
    (&[HEVC, AC3], &["hvc1.1.6.L60.90", "ac-3"]),
    (&[OPUS], &["Opus"]),
];

const SECONDS: u32 = 6;

/// Both are of the film's frames, up to where a player stopped that does not know the end of what was live.
#[track_caller]
fn is_same(server: &Server, address: &str, film: &str, track: &str, all: bool) {
    let (got, wanted) = (copied(&server.url(address), track), copied(film, track));
    let enough = got.len() == wanted.len() || !all && got.len() > wanted.len() / 3;
    let differs = got.iter().zip(&wanted).position(|(one, other)| one != other);
    assert!(
        enough && differs.is_none(),
        "{address} {track}: {} of {}, different at {differs:?}: {:?} for {:?}",
        got.len(),
        wanted.len(),
        differs.map(|at| &got[at]),
        differs.map(|at| &wanted[at]),
    );
}

fn told(text: &str, name: &str) -> Vec<String> {
    let wanted = format!("{name}=\"");
    let values = text.split(&wanted).skip(1).filter_map(|rest| rest.split('"').next());
    values.map(str::to_owned).collect()
}

#[test]
fn each_is_what_was_published() {
    let settings = "dash on; hls_format fmp4; hls_fragment 2s; hls_playlist_length 60s; \
         dash_playlist_length 60s; publish_grace 0;";
    for settings in [settings.to_owned(), format!("{settings} hls_part 500ms;")] {
        let server = up(&settings);
        for (tracks, names) in FILMS {
            let film = Coded::by(SECONDS, tracks);
            let name = names.join("_");
            drop(film.publish(&server, &name));
            let has_pictures = names.len() == 2;
            let main = if has_pictures { "video" } else { "audio" };
            let list = || server.get(&format!("/hls/{name}/{main}.m3u8")).text();
            wait_for("the end", || list().contains("#EXT-X-ENDLIST"));
            let (hls, dash) =
                (format!("/hls/{name}/index.m3u8"), format!("/dash/{name}/index.mpd"));
            let text = server.get(&hls).text();
            assert_eq!(told(&text, "CODECS"), [names.join(",")], "{text}");
            // The sequence header of VP9 does not tell: its first picture does.
            assert_eq!(text.contains("RESOLUTION=320x180"), has_pictures, "{text}");
            // The last frame of Opus begins where a segment has ended.
            let whole = list().matches("#EXTINF:2.").count() + list().matches("#EXTINF:1.").count();
            assert_eq!(whole, SECONDS as usize / 2, "{}", list());
            let mpd = server.get(&dash).text();
            assert_eq!(told(&mpd, "codecs"), *names, "{mpd}");
            for track in if has_pictures { &["0:v", "0:a"][..] } else { &["0:a"] } {
                is_same(&server, &hls, &film.path, track, true);
                if !settings.contains("hls_part") {
                    is_same(&server, &dash, &film.path, track, false);
                }
            }
            if has_pictures {
                let address = server.url(&hls);
                assert!(decoded(&address, "0:v") == decoded(&film.path, "0:v"), "{name}");
            }
        }
    }
}

/// Transport streams have a place for some; what they have none for is fragmented MP4, whatever is asked for.
#[test]
fn transport_streams_have_what_they_have_a_place_for() {
    for format in ["ts", "auto"] {
        let server = up(&format!(
            "hls_format {format}; hls_fragment 2s; hls_playlist_length 60s; publish_grace 0;"
        ));
        for (tracks, name) in [([HEVC, AC3], "ts"), ([AV1, OPUS], "m4s")] {
            let film = Coded::by(SECONDS, &tracks);
            drop(film.publish(&server, name));
            let list = || server.get(&format!("/hls/{name}/video.m3u8")).text();
            wait_for("the end", || list().contains("#EXT-X-ENDLIST"));
            assert_eq!(list().matches(&format!(".{name}\n")).count(), 3, "{}", list());
            let address = format!("/hls/{name}/index.m3u8");
            // Transport streams have parameter sets in band: what is decoded is the same.
            let url = server.url(&address);
            assert!(decoded(&url, "0:v") == decoded(&film.path, "0:v"), "{format} {name}");
            is_same(&server, &address, &film.path, "0:a", true);
        }
    }
}
