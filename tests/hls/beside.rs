//! nginx-rtmp, with the same configuration, makes the same segments of the same film.
//!
//! What differs on purpose: its numbers begin with 0, ours with the time of day; it never says that a stream has ended; of
//! variants it lists all that are configured, we list those that are there, with more attributes.

use std::fs;
use std::path::{Path, PathBuf};

use support::{Server, Start, Twin, site, wait_for};

use crate::ffmpeg::{copied, decoded, ffmpeg};
use crate::film;

const RTMP: &str = "rtmp { server { listen 127.0.0.1:{port2};
    application plain { live on;
        hls on; hls_path {dir}/plain; hls_fragment 2s; hls_playlist_length 60s; hls_sync 100ms; }
    application dash { live on;
        dash on; dash_path {dir}/dash; dash_fragment 2s; dash_playlist_length 60s; dash_cleanup off; }
    application nested { live on;
        hls on; hls_path {dir}/nested; hls_nested on; hls_fragment 2s; hls_playlist_length 60s;
        hls_fragment_naming timestamp; hls_fragment_slicing plain; hls_cleanup off; hls_continuous on;
        hls_type event; hls_max_fragment 20s; hls_base_url \"\"; }
    application keys { live on;
        hls on; hls_path {dir}/keys; hls_fragment 2s; hls_playlist_length 60s;
        hls_keys on; hls_key_path {dir}/keys; hls_fragments_per_key 2; }
    application variants { live on;
        hls on; hls_path {dir}/variants; hls_fragment 2s; hls_playlist_length 60s; hls_cleanup off;
        hls_variant _low BANDWIDTH=200000; hls_variant _high BANDWIDTH=800000; } } }";

fn publish(port: u16, name: &str) {
    let (film, url) = (film::path(), format!("rtmp://127.0.0.1:{port}/{name}"));
    let film = film.to_string_lossy();
    let output = ffmpeg(&["-i", &film, "-map", "0", "-c", "copy", "-f", "flv", &url]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The lengths in a playlist, in seconds.
fn lengths(list: &str) -> Vec<f64> {
    let lines = list.lines().filter_map(|line| line.strip_prefix("#EXTINF:"));
    lines.map(|length| length.trim_end_matches(',').parse().expect("a length")).collect()
}

/// A playlist beside itself that says that it has ended.
#[track_caller]
fn ended(list: &Path) -> PathBuf {
    let text = fs::read_to_string(list).unwrap_or_else(|e| panic!("{}: {e}", list.display()));
    let end = if text.contains("#EXT-X-ENDLIST") { "" } else { "#EXT-X-ENDLIST\n" };
    let path = list.with_extension("ended.m3u8");
    fs::write(&path, format!("{text}{end}")).expect("a playlist");
    path
}

fn both() -> (Server, Twin) {
    let conf = format!("{} {RTMP}", site(""));
    let server = Start::new(env!("CARGO_BIN_EXE_rserve")).conf(&conf).start();
    let module = "load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;";
    let twin = Twin::start(format!("{module} {conf}"), &server);
    (server, twin)
}

#[test]
fn segments_and_frames_are_the_same() {
    let (server, twin) = both();
    let film = film::path().to_string_lossy().into_owned();
    for (application, list) in [("plain", "s.m3u8"), ("nested", "s/index.m3u8"), ("keys", "s.m3u8")]
    {
        publish(server.port2(), &format!("{application}/s"));
        publish(twin.port2(), &format!("{application}/s"));
        let path = format!("{application}/{list}");
        let (ours, theirs) = (server.path(&path), twin.dir().path(&path));
        let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
        wait_for("our end", || read(&ours).contains("#EXT-X-ENDLIST"));
        wait_for("theirs", || lengths(&read(&theirs)).len() >= lengths(&read(&ours)).len());
        let (ours, theirs) = (ended(&ours), ended(&theirs));
        let (our_lengths, their_lengths) = (lengths(&read(&ours)), lengths(&read(&theirs)));
        assert_eq!(our_lengths.len(), their_lengths.len());
        for (at, (one, other)) in our_lengths.iter().zip(&their_lengths).enumerate() {
            // Where all ends they count its sound, which is a little longer, and we its pictures.
            let most = if at + 1 < our_lengths.len() { 0.041 } else { 0.1 };
            assert!((one - other).abs() < most, "{our_lengths:?} {their_lengths:?}");
        }
        let [ours, theirs] = [&ours, &theirs].map(|path| path.to_string_lossy().into_owned());
        let (wanted, pictures) = (decoded(&film, "0:v"), |it: &str| decoded(it, "0:v"));
        assert!(pictures(&ours) == wanted && pictures(&theirs) == wanted, "{application}");
        let times = |it: &str| -> Vec<(i64, i64)> {
            copied(it, "0:v").into_iter().map(|(dts, pts, _)| (dts, pts)).collect()
        };
        assert_eq!(times(&ours), times(&theirs), "{application}");
        // It loses some frames of sound, we none: what it has is in ours, in the same order.
        let sound = |it: &str| copied(it, "0:a").into_iter().map(|(_, _, hash)| hash);
        assert_eq!(sound(&ours).len(), sound(&film).len());
        let mut rest = sound(&ours);
        assert!(sound(&theirs).all(|hash| rest.any(|it| it == hash)), "{application}");
    }
}

/// Every variant that theirs lists is in ours, with what the operator has said of it.
#[test]
fn variants_are_the_same() {
    let (server, twin) = both();
    for name in ["s_low", "s_high"] {
        publish(server.port2(), &format!("variants/{name}"));
        publish(twin.port2(), &format!("variants/{name}"));
    }
    let read = |path: PathBuf| fs::read_to_string(path).unwrap_or_default();
    let (ours, theirs) =
        (|| read(server.path("variants/s.m3u8")), || read(twin.dir().path("variants/s.m3u8")));
    // Each with its URI on the next line.
    let listed = |text: &str| -> Vec<(String, String)> {
        let lines: Vec<&str> = text.lines().collect();
        let pairs = lines.windows(2).filter(|pair| pair[0].starts_with("#EXT-X-STREAM-INF:"));
        pairs.map(|pair| (pair[1].to_owned(), pair[0].to_owned())).collect()
    };
    wait_for("both", || listed(&ours()).len() == 2 && listed(&theirs()).len() == 2);
    for ((one, told), (other, wanted)) in listed(&ours()).iter().zip(&listed(&theirs())) {
        assert_eq!(one, other);
        let bandwidth = wanted.split(['=', ',', ':']).find(|it| it.ends_with("00000"));
        let bandwidth = format!("BANDWIDTH={},", bandwidth.expect("a number"));
        assert!(told.contains(&bandwidth), "{told} {wanted}");
    }
}

/// The segments of a track in a directory, behind what a decoder needs first, in one file; and how many they are.
fn joined(directory: &Path, extension: &str) -> (usize, String) {
    let files = fs::read_dir(directory).into_iter().flatten().flatten().map(|it| it.path());
    let number = |path: &PathBuf| -> Option<u64> {
        let stem = path.file_stem()?.to_str()?;
        let is_init = stem.contains("-init");
        if is_init {
            Some(0)
        } else {
            stem.rsplit('-').next()?.parse::<u64>().ok().map(|it| it + 1)
        }
    };
    let wanted = |path: &PathBuf| path.extension().is_some_and(|it| it == extension);
    let mut files: Vec<(u64, PathBuf)> =
        files.filter(wanted).filter_map(|path| Some((number(&path)?, path))).collect();
    files.sort();
    let bytes: Vec<Vec<u8>> =
        files.iter().map(|(_, path)| fs::read(path).unwrap_or_default()).collect();
    let path = directory.join(format!("joined-{extension}.mp4"));
    fs::write(&path, bytes.concat()).expect("a file");
    (files.len().saturating_sub(1), path.to_string_lossy().into_owned())
}

/// As many segments, and in them the same pictures. Times are ours from ten seconds on, so that none is negative, in ticks of
/// the track; theirs are milliseconds.
#[test]
fn dash_is_the_same() {
    let (server, twin) = both();
    publish(server.port2(), "dash/s");
    publish(twin.port2(), "dash/s");
    let film = film::path().to_string_lossy().into_owned();
    let (ours, theirs) = (server.path("dash"), twin.dir().path("dash"));
    for extension in ["m4v", "m4a"] {
        let all = || [&ours, &theirs].map(|it| joined(it, extension).0);
        wait_for("all segments", || all() == [5, 5]);
        let [one, other] = [&ours, &theirs].map(|it| joined(it, extension).1);
        let track = if extension == "m4v" { "0:v" } else { "0:a" };
        let frames = |it: &str| copied(it, "0").into_iter().map(|(_, _, hash)| hash);
        let wanted = copied(&film, track).into_iter().map(|(_, _, hash)| hash);
        assert!(frames(&one).eq(wanted), "{extension}");
        let mut rest = frames(&one);
        assert!(frames(&other).all(|hash| rest.any(|it| it == hash)), "{extension}");
    }
}
