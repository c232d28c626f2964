//! The players that people put into their pages: hls.js, dash.js, Shaka. They play what the server cuts, without a stall,
//! through a reload, and on through dead workers and a publisher that comes back.
//!
//! A program of its own, one test at a time: a player that is close to the live edge stands still where other tests take
//! the processors.

#[allow(dead_code, reason = "the tests of the pages use the rest")]
#[path = "../browser/chromium.rs"]
mod chromium;
#[allow(dead_code, reason = "the tests of the pages use the rest")]
#[path = "../browser/stage.rs"]
mod stage;

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use support::{comes, process};

use stage::Stage;

const PAGE: &str = include_str!("page.html");
const PROGRAM: &str = include_str!("page.js");

/// Where the packages are: beside this program's folder.
fn packages() -> PathBuf {
    let program = std::env::current_exe().expect("a path");
    let target = program.ancestors().nth(3).expect("the build directory");
    let packages = target.join("clients/node/node_modules");
    let hint = "run tests/clients/install";
    assert!(packages.join("hls.js").exists(), "no players in {}: {hint}", packages.display());
    packages
}

/// A server with segments, and a page for these players.
fn stage(settings: &str) -> Stage {
    let packages = packages();
    let stage = Stage::with(|conf| {
        let live = "live on; hls on; hls_fragment 2s; publish_grace 20s;";
        let locations = format!(
            "location /players/ {{ alias {}/; }} location /watch/ {{ root watched; }}
            location ~ ^/hls/(?<name>.+)/[^/]+$ {{ hls_live live/$name; }}
            location ~ ^/dash/(?<name>.+)/[^/]+$ {{ dash_live live/$name; }}
            location = /streams ",
            packages.display()
        );
        let conf = conf.replace("live on;", &format!("{live} {settings}"));
        conf.replace("location = /streams ", &locations)
    });
    let folder = stage.server.path("watched/watch");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("index.html"), PAGE).expect("the page");
    std::fs::write(folder.join("page.js"), PROGRAM).expect("its program");
    stage
}

impl Stage {
    /// Opens the page with a player and what it is to play.
    fn play(&self, player: &str, address: &str) {
        let query = format!("/watch/index.html?player={player}&address={address}");
        self.chromium.open(&self.server.url(&query));
    }

    /// There is more than players hold back: dash.js, told to begin where the period does, asks Chromium for that by the
    /// address (`#t=`), which then waits for ever.
    fn wait_for_segments(&self, address: &str) {
        let count = || match address.ends_with(".mpd") {
            true => {
                let text = self.server.get(address).text();
                let more = text.split("r=\"").nth(1).and_then(|rest| rest.split('"').next());
                more.and_then(|more| more.parse::<u32>().ok()).unwrap_or(0)
            }
            false => 4 * u32::from(self.server.get(address).status == 200),
        };
        self.server.wait_for("segments", || count() >= 4);
    }

    fn number(&self, expression: &str) -> f64 {
        self.chromium.number(expression)
    }

    /// What went wrong, in the player's words.
    fn errors(&self) -> String {
        self.chromium.text("JSON.stringify(watched.errors)")
    }

    /// Times that the picture stood still, after it had begun.
    fn stalls(&self) -> f64 {
        self.number("watched.stalls")
    }

    fn reload(&self) {
        let old = self.server.workers();
        self.server.signal("HUP");
        self.server.wait_for("the new workers", || {
            self.server.workers().iter().filter(|worker| !old.contains(worker)).count() == 2
        });
    }
}

/// Whose turn it is.
static TURN: Mutex<()> = Mutex::new(());

/// What each of them can play, and how late it may be then, in milliseconds.
const PLAYS: &[(&str, &str, &str, f64)] = &[
    ("hls.js", "hls_part 500ms;", "/hls/clock/index.m3u8", 8000.0),
    ("hls.js", "hls_format ts;", "/hls/clock/index.m3u8", 15_000.0),
    ("hls.js", "hls_format fmp4;", "/hls/clock/index.m3u8", 15_000.0),
    ("shaka", "hls_part 500ms;", "/hls/clock/index.m3u8", 15_000.0),
    ("shaka", "dash on; dash_fragment 2s;", "/dash/clock/index.mpd", 25_000.0),
    ("dash.js", "dash on; dash_fragment 2s;", "/dash/clock/index.mpd", 25_000.0),
];

#[test]
fn they_play_through_a_reload_without_a_stall() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    for (player, settings, address, late) in PLAYS {
        let what = &format!("{player} {settings} {address}");
        let stage = stage(settings);
        let _publisher = stage.publish("clock");
        stage.wait_for_segments(address);
        stage.play(player, address);
        stage.watch(what, 3.0);
        // Where the cores are busy with other tests, the encoder may be late, or the browser: then another is looked at.
        let is_smooth = || {
            let stalls = stage.stalls();
            stage.reload();
            let begun = Instant::now();
            stage.wait_for_picture_since("a picture from after the reload", begun);
            stage.watch(what, 3.0);
            stage.stalls() == stalls
        };
        assert!(comes(is_smooth), "{what}: {}", stage.errors());
        assert_eq!(stage.number("watched.fatal"), 0.0, "{what}: {}", stage.errors());
        assert_eq!(stage.number("video.buffered.length"), 1.0, "{what}: holes in what is there");
        stage.server.wait_for(&format!("the live edge: {what}"), || stage.latency() < *late);
    }
}

#[test]
fn they_go_on_when_workers_die_and_publishers_come_back() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    for (player, settings, address, _) in PLAYS {
        let what = &format!("{player} {settings} {address}");
        let stage = stage(settings);
        let publisher = stage.publish("clock");
        stage.wait_for_segments(address);
        stage.play(player, address);
        stage.watch(what, 3.0);
        stage.server.workers().iter().for_each(|&worker| process::signal(worker, "KILL"));
        drop(publisher);
        let begun = Instant::now();
        let _publisher = stage.publish("clock");
        stage.wait_for_picture_since(&format!("{what}: the next publisher's picture"), begun);
        stage.watch(what, 3.0);
        assert_eq!(stage.number("watched.fatal"), 0.0, "{what}: {}", stage.errors());
    }
}
