//! DASH: the same segments, described otherwise.

use support::{start, wait_for};

use crate::ffmpeg::decoded;
use crate::film::{self, Publisher};
use crate::{conf, up};

/// The values of an attribute.
fn values(text: &str, name: &str) -> Vec<String> {
    let wanted = format!(" {name}=\"");
    let parts = text.split(&wanted).skip(1);
    parts.filter_map(|part| part.split('"').next().map(str::to_owned)).collect()
}

#[test]
fn ffmpeg_watches_every_frame() {
    let settings = "dash on; dash_fragment 2s; dash_playlist_length 60s;";
    let server = start!(conf(settings).replace("hls on;", ""));
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(film::LENGTH - 100);
    publisher.end();
    let text = || server.get("/dash/s/index.mpd").text();
    wait_for("the end", || text().contains("mediaPresentationDuration"));
    let film = film::path().to_string_lossy().into_owned();
    for track in ["0:v", "0:a"] {
        let (got, wanted) =
            (decoded(&server.url("/dash/s/index.mpd"), track), decoded(&film, track));
        assert!(
            got.len() > 70 && wanted.starts_with(&got[..got.len() - 1]),
            "{track}: {} of {}",
            got.len(),
            wanted.len()
        );
    }
    assert_eq!(server.get("/hls/s/index.m3u8").status, 404, "hls is off");
}

#[test]
fn what_was_said_once_stays_so() {
    let server = up(
        "dash on; hls_fragment 1s; hls_playlist_length 6s; dash_playlist_length 6s; publish_grace 20s;",
    );
    let mut publisher = Publisher::new(&server, "s");
    let mut known: Vec<(String, String)> = Vec::new();
    for round in 0..12 {
        if round == 6 {
            publisher.break_off();
            publisher.come_back(&server, "s");
        }
        publisher.run(1500);
        let answer = server.get("/dash/s/index.mpd");
        if answer.status == 404 && round < 2 {
            continue;
        }
        let text = answer.text();
        assert_eq!(values(&text, "availabilityStartTime"), ["1970-01-01T00:00:00.000Z"], "{text}");
        let periods: Vec<&str> = text.split("<Period ").skip(1).collect();
        for period in periods {
            let period = format!("<Period {period}");
            let (id, start) = (values(&period, "id").remove(0), values(&period, "start").remove(0));
            let offsets = values(&period, "presentationTimeOffset");
            let now = (id.clone(), format!("{start} {offsets:?}"));
            match known.iter().find(|(known, _)| *known == id) {
                Some(before) => assert_eq!(*before, now),
                None => known.push(now),
            }
        }
        let first = values(&text, "t");
        for name in [format!("video-t{}.m4s", first[0]), "video-t1.m4s".to_owned()] {
            let wanted = if name == "video-t1.m4s" { 404 } else { 200 };
            assert_eq!(server.get(&format!("/dash/s/{name}")).status, wanted, "{name} {text}");
        }
    }
    assert_eq!(known.len(), 2, "one before, one after: {known:?}");
    publisher.end();
}
