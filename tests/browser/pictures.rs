//! The pictures in the README are of the pages as they are.

use std::path::Path;

use support::{PATIENCE, comes_within};

use crate::listener::publish;
use crate::shipped_with;
use crate::stage::Stage;

/// Takes them again.
const WRITE: &str = "RSERVE_WRITE_PICTURES";
const WIDTH: u32 = 1100;
/// Name, page, what has to be so before it is taken, and how much of it is seen.
const PICTURES: &[(&str, &str, &str, u32)] = &[
    (
        "front",
        "",
        "Number(count.textContent) > 40 && clip.currentTime > 4 && !document.getElementById('on-air').hidden",
        960,
    ),
    (
        "player",
        "player.html?60",
        "document.getElementById('video').currentTime >= 60 && document.getElementById('ranges-text').textContent.startsWith('3 requests')",
        1130,
    ),
    (
        "events",
        "events.html",
        "document.querySelectorAll('#line .caught-up').length && now.received > 160",
        1000,
    ),
    (
        "recordings",
        "recordings.html?stream=camera",
        "document.getElementById('video').currentTime > 4",
        1046,
    ),
    (
        "live",
        "live.html?stream=camera#ll-hls",
        "document.getElementById('video').currentTime > 15 && !document.getElementById('timeline').hidden",
        1060,
    ),
    (
        "streams",
        "streams.html",
        "document.querySelectorAll('.clients tbody tr').length > 1 && document.getElementById('out').textContent !== '–'",
        520,
    ),
];

/// The server as it is shipped, which records, and has variants.
fn stage() -> Stage {
    let server = shipped_with(|conf| {
        conf.replace("            # record", "            record").replace(
            "record_align        1h;",
            "record_align 10s; hls_variant _720; hls_variant _360;",
        )
    });
    Stage::of(server)
}

#[test]
fn every_picture_is_shown_and_can_be_taken() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(home.join("README.md")).expect("README.md");
    let write = std::env::var_os(WRITE).is_some();
    let wanted = if write { PICTURES } else { &PICTURES[..1] };
    let stage = stage();
    let _publisher = stage.publish("camera");
    stage.chromium.look(WIDTH, "light");
    for n in 1..=40 {
        publish(&stage.server, "/events/demo", &format!("number {n}"));
    }
    for (name, page, ready, height) in wanted {
        let _viewer = (*name == "streams").then(|| stage.viewer("camera"));
        let _variants = (*name == "live").then(|| {
            ["720", "360"].map(|height| {
                let scale = format!("scale=-2:{height}");
                let playlist = format!("/hls/camera_{height}/video.m3u8");
                let publisher =
                    stage.publish_as(&format!("camera_{height}"), &scale, &["-g", "50"]);
                stage.server.wait_for("a variant", || stage.server.get(&playlist).status == 200);
                publisher
            })
        });
        stage.chromium.open(&stage.server.url(&format!("/{page}")));
        if *name == "events" {
            let click =
                |id: &str| stage.chromium.text(&format!("document.getElementById('{id}').click()"));
            stage.server.wait_for("the stream", || stage.said("state") == "open");
            click("hundred");
            stage.server.wait_for("some", || stage.chromium.number("now.published") > 40.0);
            click("drop");
            stage.server.wait_for("the end of it", || stage.said("said").contains("100 of 100"));
            click("hundred");
        }
        if *name == "recordings" {
            // Each is of ten seconds.
            let some = || stage.count("#days button") > 3.0;
            assert!(comes_within(3 * PATIENCE, some), "there are too few recordings");
            // As if somebody had clicked: without that there is no sound, and nothing begins by itself.
            stage.chromium.text("document.getElementById('video').muted = true");
            stage.chromium.text("document.querySelector('#days button').click()");
        }
        let ready = ready.replace("count.", "document.getElementById('count').");
        let ready = ready.replace("clip.", "document.getElementById('clip').");
        let ready = if write { ready } else { "document.readyState === 'complete'".to_owned() };
        stage.server.wait_for(name, || stage.chromium.text(&format!("Boolean({ready})")) == "true");
        let picture = stage.chromium.picture(WIDTH, *height);
        // The signature of a PNG, and its width (RFC 2083).
        assert!(picture.starts_with(b"\x89PNG\r\n\x1a\n"), "{name} is no PNG");
        assert_eq!(picture[16..20], WIDTH.to_be_bytes());
        if write {
            let path = home.join(format!("docs/pictures/{name}.png"));
            std::fs::write(path, picture).expect("docs/pictures");
        }
    }
    for (name, ..) in PICTURES {
        let file = format!("docs/pictures/{name}.png");
        assert!(readme.contains(&file), "README.md does not show {file}");
        let size = std::fs::metadata(home.join(&file)).map_or(0, |about| about.len());
        assert!((1..200_000).contains(&size), "{file} has {size} bytes: make it with {WRITE}=1");
    }
}
